#include "controller/store/sqlite/file_check.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "controller/store/sqlite/database.h"
#include "controller/store/sqlite/schema.h"

namespace outrider::controller {
namespace {

// File format: https://www.sqlite.org/fileformat2.html, 1.3 "The Database Header".
constexpr char kMagic[] = "SQLite format 3";  // with its terminating zero
constexpr size_t kHeaderSize = 100;
constexpr size_t kApplicationIdOffset = 68;

absl::Status Damaged(const std::string& path, const std::string& found) {
  return absl::DataLossError(fmt::format(
      "database {0}: {1}. The file was left as it is. Move it away together with {0}-wal; then "
      "restore a backup, or save what can be read: sqlite3 <moved file> .recover | sqlite3 {0}",
      path, found));
}

absl::Status CheckHeader(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return absl::UnavailableError(
        fmt::format("database {}: cannot be opened: {}", path, strerror(errno)));
  }
  char header[kHeaderSize] = {};
  file.read(header, sizeof(header));
  if (file.gcount() < static_cast<std::streamsize>(kHeaderSize)) {
    return Damaged(
        path, fmt::format("is {} bytes long, shorter than a database's header", file.gcount()));
  }
  if (memcmp(header, kMagic, sizeof(kMagic)) != 0) {
    return Damaged(path, "does not begin with a SQLite header");
  }
  uint32_t application_id = 0;  // big-endian in the file
  for (size_t i = 0; i < 4; ++i) {
    application_id =
        application_id << 8 | static_cast<unsigned char>(header[kApplicationIdOffset + i]);
  }
  if (application_id == kApplicationId) return absl::OkStatus();
  return Damaged(path, fmt::format("is a SQLite database of another program (application id "
                                   "0x{:08x}, not 0x{:08x})",
                                   application_id, kApplicationId));
}

// `path` as a URI (https://www.sqlite.org/uri.html): whatever could mean something there is
// escaped.
std::string FileUri(const std::string& path) {
  std::string uri = path.front() == '/' ? "file://" : "file:";
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::strchr("/._-", c) != nullptr;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

// Opens so that nothing is written and no side file made. Without a log the file is all there is
// and "immutable" keeps SQLite from looking for one. With a log, SQLite must read it: it keeps the
// log's index on the heap in exclusive mode, takes no locks (the caller holds ours), and must not
// checkpoint when closed.
absl::StatusOr<Database> OpenUntouched(const std::string& path) {
  std::error_code error;
  const auto log_size = std::filesystem::file_size(path + "-wal", error);
  const bool has_log = !error && log_size > 0;
  if (!has_log) {
    return Database::Open(FileUri(path) + "?immutable=1", SQLITE_OPEN_READONLY, nullptr);
  }
  ASSIGN_OR_RETURN(Database database,
                   Database::Open(FileUri(path), SQLITE_OPEN_READONLY, "unix-none"));
  sqlite3_db_config(database.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  RETURN_IF_ERROR(database.Execute("PRAGMA locking_mode = EXCLUSIVE"));
  return database;
}

absl::Status CheckRows(Database* database, const char* table) {
  ASSIGN_OR_RETURN(Statement rows,
                   database->Prepare(fmt::format("SELECT key, value, create_revision, "
                                                 "mod_revision, checksum FROM {}",
                                                 table)));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return absl::OkStatus();
    RETURN_IF_ERROR(ReadRow(rows).status());
  }
}

// One row that counts as far as the rows do: with a lower revision, commits would repeat revisions.
absl::Status CheckState(Database* database) {
  const auto damaged = [](const std::string& what) {
    return absl::DataLossError("table \"state\" " + what);
  };
  ASSIGN_OR_RETURN(const std::string rows, database->QueryText("SELECT count(*) FROM state"));
  if (rows != "1") return damaged(fmt::format("has {} rows, not one", rows));
  ASSIGN_OR_RETURN(
      const std::string sound,
      database->QueryText("SELECT typeof(store_id) = 'text' AND length(store_id) = 36 AND"
                          "  typeof(revision) = 'integer' AND typeof(compacted) = 'integer' AND"
                          "  compacted BETWEEN 0 AND revision FROM state"));
  if (sound != "1") return damaged("holds values that make no sense");
  ASSIGN_OR_RETURN(const std::string behind,
                   database->QueryText("SELECT group_concat(m) FROM (SELECT m FROM"
                                       "  (SELECT max(mod_revision) AS m FROM kv UNION"
                                       "   SELECT max(revision) FROM log), state"
                                       " WHERE m > state.revision ORDER BY m DESC LIMIT 1)"));
  if (behind.empty()) return absl::OkStatus();
  return damaged(fmt::format("is behind revision {}, which was committed", behind));
}

// Before the first step there is no table but "meta".
absl::Status CheckEmpty(Database* database) {
  const auto tables =
      database->QueryText("SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
  if (!tables.ok()) return tables.status();
  return *tables == "1" ? absl::OkStatus()
                        : absl::DataLossError(
                              "table \"meta\": schema_version is 0, but there are "
                              "tables of later ones");
}

absl::Status CheckContent(const std::string& path) {
  ASSIGN_OR_RETURN(Database database, OpenUntouched(path));
  const auto verdict = database.QueryText("PRAGMA integrity_check(1)");
  if (!verdict.ok()) return verdict.status();
  if (*verdict != "ok") return absl::DataLossError("integrity check: " + *verdict);
  ASSIGN_OR_RETURN(const int version, ReadSchemaVersion(&database));
  if (version == 0) return CheckEmpty(&database);
  // Rows of another version may have other columns; Upgrade knows what to do with them.
  if (version != SchemaVersion()) return absl::OkStatus();
  RETURN_IF_ERROR(CheckRows(&database, "kv"));
  RETURN_IF_ERROR(CheckRows(&database, "log"));
  return CheckState(&database);
}

}  // namespace

absl::Status CheckFile(const std::string& path) {
  RETURN_IF_ERROR(CheckHeader(path));
  const absl::Status content = CheckContent(path);
  if (content.ok() || content.code() == absl::StatusCode::kUnavailable) return content;
  return Damaged(path, Message(content));
}

}  // namespace outrider::controller
