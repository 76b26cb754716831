// SQLite's C API as values with Status: connection, statement, transaction. Must not know any
// schema.
//
// A Database and its statements belong to one thread at a time.
#ifndef OUTRIDER_CONTROLLER_STORE_SQLITE_DATABASE_H_
#define OUTRIDER_CONTROLLER_STORE_SQLITE_DATABASE_H_

#include <sqlite3.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controller/model/status.h"

namespace outrider::controller {

// Status of a SQLite result code: ResourceExhausted (disk full), DataLoss (damaged), Unavailable
// (busy, I/O error), PermissionDenied (read-only), Internal. `what` names the operation.
absl::Status SqliteStatus(int code, const std::string& what, sqlite3* db);

// A prepared statement being bound, stepped and read. Columns and parameters count from 0.
class Statement {
 public:
  void Bind(int parameter, uint64_t value);
  void BindText(int parameter, const std::string& value);
  void BindBlob(int parameter, const std::string& value);
  // True: a row is there to read. False: done.
  absl::StatusOr<bool> Step();
  // Ready to be bound and stepped anew.
  absl::Status Reset();
  // Steps to the end, ignoring rows.
  absl::Status Run();
  uint64_t Int(int column) const;
  // Text or blob.
  std::string Bytes(int column) const;

 private:
  friend class Database;
  Statement(sqlite3* db, sqlite3_stmt* raw) : db_(db), raw_(raw, &sqlite3_finalize) {}
  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> raw_;
};

class Database {
 public:
  // `name` is a path or "file:" URI; `flags` and `vfs` (null: the default) as of sqlite3_open_v2.
  static absl::StatusOr<Database> Open(const std::string& name, int flags, const char* vfs);

  absl::StatusOr<Statement> Prepare(const std::string& sql);
  // Statements without parameters or results.
  absl::Status Execute(const std::string& sql);
  // First column of the first row, as text.
  absl::StatusOr<std::string> QueryText(const std::string& sql);
  // Runs `body` between BEGIN IMMEDIATE and COMMIT; rolls back when either fails.
  absl::Status Transact(const std::function<absl::Status()>& body);

  sqlite3* raw() const { return raw_.get(); }

 private:
  explicit Database(sqlite3* raw) : raw_(raw, &sqlite3_close_v2) {}
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> raw_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_SQLITE_DATABASE_H_
