// A prepared SQLite statement as a value that cleans up after itself; errors become Status with the
// SQL and SQLite's words. Used by local_store only.
//
// Thread rule: that of the connection: one thread at a time.
#ifndef OUTRIDER_VSWITCH_AGENT_SQLITE_STATEMENT_H_
#define OUTRIDER_VSWITCH_AGENT_SQLITE_STATEMENT_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>

#include "vswitch/types/status.h"

namespace outrider::agent {

// Status of a failed call on `db`; `what` names the operation.
absl::Status SqliteStatus(sqlite3* db, const std::string& what);

// Runs statements that return nothing of interest.
absl::Status SqliteExec(sqlite3* db, const std::string& sql);

class SqliteStatement {
 public:
  static absl::StatusOr<SqliteStatement> Prepare(sqlite3* db, const std::string& sql);

  // Parameters are numbered from 1.
  SqliteStatement& Bind(int index, const std::string& text);
  SqliteStatement& BindBlob(int index, const std::string& bytes);
  SqliteStatement& Bind(int index, uint64_t value);

  // True when there is a row, false when there is none left.
  absl::StatusOr<bool> Step();
  // For statements without rows; it can be bound and run again.
  absl::Status Run();

  // Columns of the present row, numbered from 0.
  std::string Text(int column) const;
  std::string Blob(int column) const;
  uint64_t Integer(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  SqliteStatement(sqlite3* db, sqlite3_stmt* statement, std::string sql)
      : db_(db), statement_(statement), sql_(std::move(sql)) {}

  sqlite3* db_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  std::string sql_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_SQLITE_STATEMENT_H_
