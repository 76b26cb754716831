#include "vswitch/ovs/database.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "vswitch/ovs/commit_checks.h"
#include "vswitch/ovs/references.h"
#include "vswitch/ovs/row_text.h"
#include "vswitch/ovs/transaction.h"
#include "vswitch/ovs/unique_indexes.h"
#include "vswitch/ovs/working_set.h"

namespace outrider::ovs {
namespace {

using ovsdb::BaseType;
using ovsdb::DatabaseSchema;
using ovsdb::ErrorJson;
using ovsdb::Json;
using ovsdb::RefKind;
using ovsdb::TableSchema;
using ovsdb::Uuid;

absl::Status Damaged(const std::string& table, const Uuid& uuid, const std::string& what) {
  return absl::DataLossError(fmt::format("stored {} row {}: {}", table, uuid.ToString(), what));
}

}  // namespace

Database::Database(const DatabaseSchema& schema, RowStore* store)
    : schema_(schema),
      store_(store),
      references_(std::make_unique<References>()),
      indexes_(std::make_unique<UniqueIndexes>()) {
  // Every table is there from the beginning, if empty: nobody has to look for one.
  for (const auto& [name, table] : schema_.tables) tables_[name];
}

Database::~Database() = default;

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const DatabaseSchema& schema,
                                                         RowStore* store) {
  std::unique_ptr<Database> database(new Database(schema, store));
  RETURN_IF_ERROR(database->Load());
  return database;
}

absl::Status Database::Load() {
  ASSIGN_OR_RETURN(const std::vector<StoredRow> rows, store_->Load());
  // References are looked at when all rows are there: they lead forward and back.
  for (const StoredRow& row : rows) RETURN_IF_ERROR(LoadRow(row));
  return CheckLoaded();
}

absl::Status Database::LoadRow(const StoredRow& stored) {
  if (!stored.text) return absl::OkStatus();
  const auto table = schema_.tables.find(stored.table);
  if (table == schema_.tables.end()) {
    spdlog::warn("stored row {} is dropped: the schema has no table {}", stored.uuid.ToString(),
                 stored.table);
    return absl::OkStatus();
  }
  std::vector<std::string> dropped;
  absl::StatusOr<Row> row = RowOfText(table->second, *stored.text, &dropped);
  if (!row.ok()) return Damaged(stored.table, stored.uuid, Message(row.status()));
  for (const std::string& column : dropped) {
    spdlog::warn("stored {} row {}: column {} is dropped: the table keeps no such column",
                 stored.table, stored.uuid.ToString(), column);
  }
  for (size_t i = 0; i < table->second.indexes.size(); ++i) {
    const auto values = UniqueIndexes::ValuesOf(table->second.indexes[i], *row);
    if (const auto other = indexes_->Find(stored.table, i, values)) {
      return Damaged(
          stored.table, stored.uuid,
          fmt::format("has the {} of row {}", table->second.indexes[i][0], other->ToString()));
    }
  }
  auto shared = std::make_shared<const Row>(*std::move(row));
  if (tables_[stored.table].count(stored.uuid) != 0) {
    return Damaged(stored.table, stored.uuid, "is there twice");
  }
  Enter({table->first, stored.uuid, nullptr, std::move(shared)});
  return absl::OkStatus();
}

absl::Status Database::CheckLoaded() const {
  for (const auto& [name, table] : schema_.tables) {
    const Table& rows = tables_.at(name);
    if (rows.size() > table.max_rows) {
      return Damaged(name, rows.rbegin()->first,
                     fmt::format("is one of {} where {} are allowed", rows.size(), table.max_rows));
    }
    for (const auto& [uuid, row] : rows) {
      absl::Status status;
      References::Compare(
          table, nullptr, row.get(),
          [&, &name = name, &uuid = uuid](const std::string& column, const BaseType& type,
                                          const Uuid& target, int) {
            if (Find(type.ref_table, target) != nullptr) return;
            status = Damaged(name, uuid,
                             fmt::format("column {} names row {}, which is not in "
                                         "table {}",
                                         column, target.ToString(), type.ref_table));
          });
      RETURN_IF_ERROR(status);
    }
  }
  return absl::OkStatus();
}

RowPtr Database::Find(const std::string& table, const Uuid& uuid) const {
  const auto rows = tables_.find(table);
  if (rows == tables_.end()) return nullptr;
  const auto row = rows->second.find(uuid);
  return row == rows->second.end() ? nullptr : row->second;
}

Outcome Database::Transact(const Json& operations, const Options& options) {
  Outcome outcome;
  WorkingSet rows(tables_);
  if (!Transaction(schema_, options, &rows).Run(operations, &outcome)) return outcome;
  Changes changes;
  absl::Status status = CommitChecks(schema_, *references_, *indexes_, &rows).Run();
  // Nothing of the database has changed until here, and after the store nothing can fail.
  if (status.ok()) {
    changes = Pending(&rows);
    status = Persist(changes, options.trusted ? Durability::kOrdered : Durability::kSynced);
  }
  if (!status.ok()) {
    outcome.results.push_back(ErrorJson(status));
    return outcome;
  }
  outcome.committed = true;
  if (!changes.empty()) Publish(changes);
  return outcome;
}

Changes Database::Pending(WorkingSet* rows) const {
  Changes changes;
  for (const auto& [table, pending] : rows->pending()) {
    for (const auto& [uuid, row] : pending) {
      if (row.after != nullptr) row.after->version = Uuid::Random();
      changes.push_back({table, uuid, row.before, row.after});
    }
  }
  return changes;
}

absl::Status Database::Persist(const Changes& changes, Durability durability) {
  std::vector<StoredRow> rows;
  for (const RowChange& change : changes) {
    const TableSchema& table = schema_.tables.at(change.table);
    if (change.after == nullptr) {
      rows.push_back({change.table, change.uuid, std::nullopt});
    } else if (change.before == nullptr || DifferWhereKept(table, *change.before, *change.after)) {
      rows.push_back({change.table, change.uuid, TextOfRow(table, *change.after)});
    }
  }
  if (rows.empty()) return absl::OkStatus();
  const absl::Status status = store_->Write(rows, durability);
  if (status.ok()) return status;
  spdlog::error("transaction is not stored and fails: {}", Message(status));
  return ovsdb::OvsdbError("I/O error", Message(status));
}

void Database::Enter(const RowChange& change) {
  const auto named = schema_.tables.find(change.table);
  const RowId id{&named->first, change.uuid};
  References::Compare(named->second, change.before.get(), change.after.get(),
                      [&](const std::string&, const BaseType& type, const Uuid& uuid, int count) {
                        const RowId target{&schema_.tables.find(type.ref_table)->first, uuid};
                        if (type.ref == RefKind::kWeak) {
                          references_->AddWeak(target, id, count);
                        } else if (target != id) {
                          references_->AddStrong(target, count);
                        }
                      });
  Table& table = tables_[change.table];
  if (change.after != nullptr) {
    indexes_->Add(change.table, named->second, change.uuid, *change.after);
    table[change.uuid] = change.after;
  } else {
    table.erase(change.uuid);
  }
}

void Database::Publish(const Changes& changes) {
  // All old values leave the indexes before new ones come: rows may swap them.
  for (const RowChange& change : changes) {
    if (change.before == nullptr) continue;
    indexes_->Remove(change.table, schema_.tables.at(change.table), *change.before);
  }
  for (const RowChange& change : changes) Enter(change);
  // A copy: an observer may remove itself.
  const std::map<uint64_t, Observer> observers = observers_;
  for (const auto& [token, observer] : observers) {
    if (observers_.count(token) != 0) observer(changes);
  }
}

uint64_t Database::AddObserver(Observer observer) {
  observers_.emplace(next_observer_, std::move(observer));
  return next_observer_++;
}

void Database::RemoveObserver(uint64_t token) { observers_.erase(token); }

}  // namespace outrider::ovs
