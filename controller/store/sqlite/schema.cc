#include "controller/store/sqlite/schema.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace outrider::controller {
namespace {

// Step n leads from version n to n + 1. Steps are never changed once released, only added.
constexpr const char* kSteps[] = {
    // 1: present objects, the log of changes watches resume from, and counters. `state` has one
    // row.
    "CREATE TABLE kv (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL,"
    "  create_revision INTEGER NOT NULL, mod_revision INTEGER NOT NULL,"
    "  checksum INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE log (revision INTEGER NOT NULL, position INTEGER NOT NULL,"
    "  deleted INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,"
    "  create_revision INTEGER NOT NULL, mod_revision INTEGER NOT NULL,"
    "  checksum INTEGER NOT NULL, PRIMARY KEY (revision, position)) WITHOUT ROWID;"
    "CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), store_id TEXT NOT NULL,"
    "  revision INTEGER NOT NULL, compacted INTEGER NOT NULL);"
    "INSERT INTO state SELECT 1, substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-4' ||"
    "  substr(h, 14, 3) || '-a' || substr(h, 18, 3) || '-' || substr(h, 21, 12), 0, 0"
    "  FROM (SELECT lower(hex(randomblob(16))) AS h);",
};

void Mix(const void* data, size_t size, uint64_t* hash) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  for (size_t i = 0; i < size; ++i) *hash = (*hash ^ bytes[i]) * 0x100000001b3ULL;
}

}  // namespace

int SchemaVersion() { return static_cast<int>(std::size(kSteps)); }

absl::StatusOr<int> ReadSchemaVersion(Database* database) {
  ASSIGN_OR_RETURN(const std::string text,
                   database->QueryText("SELECT value FROM meta WHERE key = 'schema_version'"));
  int version = 0;
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, version);
  if (error == std::errc() && last == end && text == std::to_string(version) && version >= 0) {
    return version;
  }
  return absl::DataLossError(
      fmt::format("table \"meta\": schema_version \"{}\" is no version number", text));
}

absl::Status Upgrade(Database* database) {
  RETURN_IF_ERROR(database->Execute(
      "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL)"));
  RETURN_IF_ERROR(database->Execute("INSERT OR IGNORE INTO meta VALUES ('schema_version', '0')"));
  ASSIGN_OR_RETURN(const int version, ReadSchemaVersion(database));
  if (version > SchemaVersion()) {
    return absl::FailedPreconditionError(
        fmt::format("schema version {} is newer than {}, the newest this release knows; run the "
                    "release that wrote it, or restore a backup made before the upgrade",
                    version, SchemaVersion()));
  }
  for (int step = version; step < SchemaVersion(); ++step) {
    RETURN_IF_ERROR(database->Transact([&]() -> absl::Status {
      RETURN_IF_ERROR(database->Execute(kSteps[step]));
      return database->Execute(
          fmt::format("UPDATE meta SET value = '{}' WHERE key = 'schema_version'", step + 1));
    }));
  }
  return absl::OkStatus();
}

uint64_t RowChecksum(const KeyValue& item) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  Mix(item.key.data(), item.key.size(), &hash);
  Mix(item.value.data(), item.value.size(), &hash);
  Mix(&item.create_revision, sizeof(item.create_revision), &hash);
  Mix(&item.mod_revision, sizeof(item.mod_revision), &hash);
  return hash;
}

absl::StatusOr<KeyValue> ReadRow(const Statement& row) {
  KeyValue item{row.Bytes(0), row.Bytes(1), row.Int(2), row.Int(3)};
  if (RowChecksum(item) == row.Int(4)) return item;
  return absl::DataLossError(
      fmt::format("the content of \"{}\" does not fit its checksum", item.key));
}

}  // namespace outrider::controller
