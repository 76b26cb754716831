#include "controller/store/sqlite/database.h"

#include <fmt/format.h>

namespace outrider::controller {
namespace {

absl::StatusCode CodeOf(int code) {
  switch (code & 0xff) {  // the primary code of an extended one
    case SQLITE_FULL:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return absl::StatusCode::kUnavailable;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::StatusCode::kPermissionDenied;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status SqliteStatus(int code, const std::string& what, sqlite3* db) {
  const char* detail = db == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(db);
  return absl::Status(CodeOf(code), fmt::format("{}: {} (SQLite code {})", what, detail, code));
}

void Statement::Bind(int parameter, uint64_t value) {
  sqlite3_bind_int64(raw_.get(), parameter + 1, static_cast<sqlite3_int64>(value));
}

void Statement::BindText(int parameter, const std::string& value) {
  sqlite3_bind_text(raw_.get(), parameter + 1, value.data(), static_cast<int>(value.size()),
                    SQLITE_TRANSIENT);
}

void Statement::BindBlob(int parameter, const std::string& value) {
  // std::string's data is never null, so an empty value is an empty blob, not NULL.
  sqlite3_bind_blob(raw_.get(), parameter + 1, value.data(), static_cast<int>(value.size()),
                    SQLITE_TRANSIENT);
}

absl::StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(raw_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return SqliteStatus(sqlite3_extended_errcode(db_), sqlite3_sql(raw_.get()), db_);
}

absl::Status Statement::Reset() {
  const int code = sqlite3_reset(raw_.get());
  return code == SQLITE_OK ? absl::OkStatus() : SqliteStatus(code, sqlite3_sql(raw_.get()), db_);
}

absl::Status Statement::Run() {
  while (true) {
    ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

uint64_t Statement::Int(int column) const {
  return static_cast<uint64_t>(sqlite3_column_int64(raw_.get(), column));
}

std::string Statement::Bytes(int column) const {
  const void* data = sqlite3_column_blob(raw_.get(), column);
  const int size = sqlite3_column_bytes(raw_.get(), column);
  return data == nullptr ? std::string() : std::string(static_cast<const char*>(data), size);
}

absl::StatusOr<Database> Database::Open(const std::string& name, int flags, const char* vfs) {
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &raw, flags | SQLITE_OPEN_URI, vfs);
  // Also after a failed open there is a handle to close.
  Database database(raw);
  if (code != SQLITE_OK) return SqliteStatus(code, "open " + name, raw);
  sqlite3_extended_result_codes(raw, 1);
  return database;
}

absl::StatusOr<Statement> Database::Prepare(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int code = sqlite3_prepare_v2(raw_.get(), sql.c_str(), -1, &raw, nullptr);
  if (code != SQLITE_OK) return SqliteStatus(code, sql, raw_.get());
  return Statement(raw_.get(), raw);
}

absl::Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(raw_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : SqliteStatus(code, sql, raw_.get());
}

absl::StatusOr<std::string> Database::QueryText(const std::string& sql) {
  ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::NotFoundError(sql + ": no row");
  return statement.Bytes(0);
}

absl::Status Database::Transact(const std::function<absl::Status()>& body) {
  RETURN_IF_ERROR(Execute("BEGIN IMMEDIATE"));
  absl::Status status = body();
  if (status.ok()) status = Execute("COMMIT");
  // SQLite may have rolled back by itself (disk full, I/O error).
  if (!status.ok() && sqlite3_get_autocommit(raw_.get()) == 0) {
    const absl::Status rollback = Execute("ROLLBACK");
    if (!rollback.ok()) return Annotate(rollback, Message(status));
  }
  return status;
}

}  // namespace outrider::controller
