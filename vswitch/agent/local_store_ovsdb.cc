// What the local store keeps for the Open vSwitch surfaces.
#include <fmt/format.h>

#include "vswitch/agent/local_store.h"
#include "vswitch/agent/sqlite_statement.h"

namespace outrider::agent {

absl::StatusOr<std::vector<ovs::StoredRow>> LocalStore::LoadOvsdbRows() {
  const std::lock_guard lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement select,
                   SqliteStatement::Prepare(db_, "SELECT tbl, uuid, text FROM ovsdb_rows"));
  std::vector<ovs::StoredRow> rows;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, select.Step());
    if (!found) return rows;
    const auto uuid = ovsdb::Uuid::Parse(select.Text(1));
    if (!uuid) {
      return absl::DataLossError("ovsdb_rows: \"" + select.Text(1) + "\" is no uuid of a row");
    }
    rows.push_back({.table = select.Text(0), .uuid = *uuid, .text = select.Text(2)});
  }
}

absl::Status LocalStore::WriteOvsdbRows(const std::vector<ovs::StoredRow>& rows,
                                        ovs::Durability durability) {
  return Transact(durability == ovs::Durability::kSynced, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(
        SqliteStatement put,
        SqliteStatement::Prepare(
            db_, "INSERT OR REPLACE INTO ovsdb_rows(tbl, uuid, text) VALUES(?, ?, ?)"));
    ASSIGN_OR_RETURN(
        SqliteStatement erase,
        SqliteStatement::Prepare(db_, "DELETE FROM ovsdb_rows WHERE tbl = ? AND uuid = ?"));
    for (const ovs::StoredRow& row : rows) {
      SqliteStatement& statement = row.text ? put : erase;
      statement.Bind(1, row.table).Bind(2, row.uuid.ToString());
      if (row.text) statement.Bind(3, *row.text);
      RETURN_IF_ERROR(statement.Run());
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<std::map<std::string, uint32_t>> LocalStore::NumberBridges(
    const std::set<std::string>& uuids, uint32_t limit) {
  std::map<std::string, uint32_t> numbers;
  RETURN_IF_ERROR(Transact(true, [&]() -> absl::Status {
    ASSIGN_OR_RETURN(SqliteStatement rows,
                     SqliteStatement::Prepare(db_, "SELECT uuid, number FROM ovsdb_bridges"));
    std::set<uint32_t> taken;
    size_t stored = 0;
    while (true) {
      ASSIGN_OR_RETURN(const bool found, rows.Step());
      if (!found) break;
      ++stored;
      if (!uuids.contains(rows.Text(0))) continue;
      numbers.emplace(rows.Text(0), static_cast<uint32_t>(rows.Integer(1)));
      taken.insert(static_cast<uint32_t>(rows.Integer(1)));
    }
    if (stored == uuids.size() && numbers.size() == uuids.size()) return absl::OkStatus();
    RETURN_IF_ERROR(SqliteExec(db_, "DELETE FROM ovsdb_bridges"));
    ASSIGN_OR_RETURN(
        SqliteStatement put,
        SqliteStatement::Prepare(db_, "INSERT INTO ovsdb_bridges(uuid, number) VALUES(?, ?)"));
    uint32_t next = 0;
    for (const std::string& uuid : uuids) {
      if (!numbers.contains(uuid)) {
        while (taken.contains(next)) ++next;
        if (next >= limit) {
          return absl::ResourceExhaustedError(fmt::format("more than {} bridges", limit));
        }
        taken.insert(next);
        numbers.emplace(uuid, next);
      }
      RETURN_IF_ERROR(put.Bind(1, uuid).Bind(2, uint64_t{numbers.at(uuid)}).Run());
    }
    return absl::OkStatus();
  }));
  return numbers;
}

}  // namespace outrider::agent
