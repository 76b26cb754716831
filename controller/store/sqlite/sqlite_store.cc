#include "controller/store/sqlite/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "controller/store/sqlite/file_check.h"
#include "controller/store/sqlite/schema.h"

namespace outrider::controller {
namespace {

constexpr char kColumns[] = "key, value, create_revision, mod_revision, checksum";

// Makes a rename durable (POSIX leaves that to the directory's fsync).
absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path();
  const int fd = open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY);
  const bool synced = fd >= 0 && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  if (synced) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("fsync of {}: {}", directory, strerror(error)));
}

// The file appears under its name only when complete, so that whatever is there later and is not a
// whole store was damaged.
absl::Status CreateFile(const std::string& path) {
  const std::string draft = path + ".new";
  // A draft left by a crash was never acknowledged to anybody.
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) unlink((draft + suffix).c_str());
  {
    ASSIGN_OR_RETURN(Database database,
                     Database::Open(draft, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr));
    RETURN_IF_ERROR(database.Execute("PRAGMA synchronous = FULL"));
    RETURN_IF_ERROR(database.Execute(fmt::format("PRAGMA application_id = {}", kApplicationId)));
    RETURN_IF_ERROR(Upgrade(&database));
  }
  if (rename(draft.c_str(), path.c_str()) != 0) {
    return absl::UnavailableError(fmt::format("rename {} to {}: {}", draft, path, strerror(errno)));
  }
  return SyncDirectoryOf(path);
}

absl::StatusOr<Database> OpenFile(const std::string& path) {
  ASSIGN_OR_RETURN(Database database, Database::Open(path, SQLITE_OPEN_READWRITE, nullptr));
  ASSIGN_OR_RETURN(const std::string mode, database.QueryText("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return absl::FailedPreconditionError(
        fmt::format("write-ahead logging is not possible here (journal mode {}); use a local file "
                    "system",
                    mode));
  }
  RETURN_IF_ERROR(database.Execute("PRAGMA synchronous = FULL"));
  RETURN_IF_ERROR(Upgrade(&database));
  return database;
}

absl::Status CheckShape(const Txn& txn) {
  if (txn.ops.empty()) return absl::InvalidArgumentError("a commit needs at least one op");
  return absl::OkStatus();
}

// The columns of kColumns, from parameter `first` on.
void BindRow(const KeyValue& item, int first, Statement* statement) {
  statement->BindText(first, item.key);
  statement->BindBlob(first + 1, item.value);
  statement->Bind(first + 2, item.create_revision);
  statement->Bind(first + 3, item.mod_revision);
  statement->Bind(first + 4, RowChecksum(item));
}

// [first, last) of the keys that begin with `prefix`; last is empty when there is no end.
std::string EndOf(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff) prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

}  // namespace

SqliteStore::SqliteStore(Options options, FileLock lock, Database database)
    : options_(std::move(options)), lock_(std::move(lock)), database_(std::move(database)) {}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const Options& options) {
  // Before anything looks at the file: a running controller may be writing it.
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Take(options.path + ".lock"));
  if (std::filesystem::exists(options.path)) {
    RETURN_IF_ERROR(CheckFile(options.path));
  } else if (std::filesystem::exists(options.path + "-wal")) {
    return absl::DataLossError(fmt::format(
        "database {0} is missing, but its write-ahead log {0}-wal is there; restore both from a "
        "backup, or move the log away to start empty",
        options.path));
  } else {
    RETURN_IF_ERROR(Annotate(CreateFile(options.path), "create database " + options.path));
  }
  auto database = OpenFile(options.path);
  if (!database.ok()) return Annotate(database.status(), "database " + options.path);
  std::unique_ptr<SqliteStore> store(
      new SqliteStore(options, std::move(lock), std::move(*database)));
  RETURN_IF_ERROR(Annotate(store->LoadState(), "database " + options.path));
  return store;
}

absl::Status SqliteStore::LoadState() {
  ASSIGN_OR_RETURN(Statement state,
                   database_.Prepare("SELECT store_id, revision, compacted FROM state"));
  ASSIGN_OR_RETURN(const bool row, state.Step());
  if (!row) return absl::DataLossError("the row of table \"state\" is missing");
  store_id_ = state.Bytes(0);
  revision_ = state.Int(1);
  compacted_ = state.Int(2);
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> SqliteStore::Commit(const Txn& txn) {
  RETURN_IF_ERROR(CheckShape(txn));
  std::lock_guard lock(mutex_);
  const uint64_t revision = revision_ + 1;
  const uint64_t kept = options_.kept_revisions;
  const uint64_t compacted = std::max(compacted_, revision > kept ? revision - kept : 0);
  // Compares run inside the same immediate transaction as the writes.
  RETURN_IF_ERROR(database_.Transact([&]() -> absl::Status {
    RETURN_IF_ERROR(CheckCompares(txn));
    RETURN_IF_ERROR(WriteOps(txn, revision));
    return WriteState(revision, compacted);
  }));
  // Memory follows only what is durable.
  revision_ = revision;
  compacted_ = compacted;
  return revision;
}

absl::Status SqliteStore::CheckCompares(const Txn& txn) {
  ASSIGN_OR_RETURN(Statement find, database_.Prepare("SELECT mod_revision FROM kv WHERE key = ?"));
  for (const Compare& compare : txn.compares) {
    RETURN_IF_ERROR(find.Reset());
    find.BindText(0, compare.key);
    ASSIGN_OR_RETURN(const bool row, find.Step());
    const uint64_t present = row ? find.Int(0) : 0;
    if (present != compare.mod_revision) {
      return absl::AbortedError(fmt::format("\"{}\" is at revision {}, not {}", compare.key,
                                            present, compare.mod_revision));
    }
  }
  return absl::OkStatus();
}

absl::Status SqliteStore::WriteOps(const Txn& txn, uint64_t revision) {
  for (size_t i = 0; i < txn.ops.size(); ++i) {
    RETURN_IF_ERROR(WriteOp(txn.ops[i], revision, i));
  }
  return absl::OkStatus();
}

absl::Status SqliteStore::WriteOp(const Op& op, uint64_t revision, size_t position) {
  const bool deleted = op.kind == Op::Kind::kDelete;
  KeyValue item{op.key, deleted ? std::string() : op.value, revision, revision};
  ASSIGN_OR_RETURN(Statement find,
                   database_.Prepare("SELECT create_revision FROM kv WHERE key = ?"));
  find.BindText(0, op.key);
  ASSIGN_OR_RETURN(const bool existed, find.Step());
  if (deleted && !existed) return absl::OkStatus();
  if (existed && !deleted) item.create_revision = find.Int(0);
  RETURN_IF_ERROR(find.Reset());
  ASSIGN_OR_RETURN(Statement write,
                   database_.Prepare(deleted ? "DELETE FROM kv WHERE key = ?"
                                             : "INSERT OR REPLACE INTO kv VALUES (?, ?, ?, ?, ?)"));
  if (deleted) {
    write.BindText(0, op.key);
  } else {
    BindRow(item, 0, &write);
  }
  RETURN_IF_ERROR(write.Run());
  ASSIGN_OR_RETURN(Statement log,
                   database_.Prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?, ?)"));
  log.Bind(0, revision);
  log.Bind(1, position);
  log.Bind(2, deleted ? 1 : 0);
  BindRow(item, 3, &log);
  return log.Run();
}

absl::Status SqliteStore::WriteState(uint64_t revision, uint64_t compacted) {
  // Trimming with every commit keeps the log bounded and each trim small.
  ASSIGN_OR_RETURN(Statement trim, database_.Prepare("DELETE FROM log WHERE revision <= ?"));
  trim.Bind(0, compacted);
  RETURN_IF_ERROR(trim.Run());
  ASSIGN_OR_RETURN(Statement state,
                   database_.Prepare("UPDATE state SET revision = ?, compacted = ?"));
  state.Bind(0, revision);
  state.Bind(1, compacted);
  return state.Run();
}

absl::StatusOr<RangeResult> SqliteStore::Range(const std::string& prefix) {
  std::lock_guard lock(mutex_);
  const std::string end = EndOf(prefix);
  ASSIGN_OR_RETURN(Statement rows,
                   database_.Prepare(fmt::format("SELECT {} FROM kv WHERE key >= ?{} ORDER BY key",
                                                 kColumns, end.empty() ? "" : " AND key < ?")));
  rows.BindText(0, prefix);
  if (!end.empty()) rows.BindText(1, end);
  RangeResult result{revision_, {}};
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return result;
    ASSIGN_OR_RETURN(KeyValue item, ReadRow(rows));
    result.items.push_back(std::move(item));
  }
}

absl::StatusOr<std::vector<StoreEvent>> SqliteStore::ChangesSince(uint64_t revision) {
  std::lock_guard lock(mutex_);
  if (revision < compacted_ || revision > revision_) {
    return absl::OutOfRangeError(
        fmt::format("changes since revision {} are not kept; the store "
                    "has {}..{}",
                    revision, compacted_, revision_));
  }
  ASSIGN_OR_RETURN(Statement rows,
                   database_.Prepare(fmt::format("SELECT {}, revision, deleted FROM log WHERE "
                                                 "revision > ? ORDER BY revision, position",
                                                 kColumns)));
  rows.Bind(0, revision);
  std::vector<StoreEvent> events;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.Step());
    if (!row) return events;
    ASSIGN_OR_RETURN(KeyValue item, ReadRow(rows));
    const uint64_t of = rows.Int(5);
    if (rows.Int(6) != 0) {
      events.push_back({of, Op::Kind::kDelete, {item.key, {}, 0, 0}});
    } else {
      events.push_back({of, Op::Kind::kPut, std::move(item)});
    }
  }
}

uint64_t SqliteStore::revision() const {
  std::lock_guard lock(mutex_);
  return revision_;
}

}  // namespace outrider::controller
