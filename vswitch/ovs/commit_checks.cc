#include "vswitch/ovs/commit_checks.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace outrider::ovs {
namespace {

using ovsdb::Atom;
using ovsdb::BaseType;
using ovsdb::Datum;
using ovsdb::OvsdbError;
using ovsdb::RefKind;
using ovsdb::TableSchema;
using ovsdb::Uuid;

// "a", "a and b", "a, b, and c".
std::string EnglishList(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += words.size() > 2 ? ", " : " ";
    if (i > 0 && i + 1 == words.size()) text += "and ";
    text += words[i];
  }
  return text;
}

std::string IndexText(const TableSchema& schema, const std::vector<std::string>& index,
                      const Row& row) {
  std::vector<std::string> values;
  for (const std::string& column : index) {
    values.push_back(DisplayText(schema.columns.at(column).type, row.columns.at(column)));
  }
  return EnglishList(values);
}

}  // namespace

absl::Status CommitChecks::Run() {
  // The order is that of Open vSwitch: of several broken constraints the same one is told.
  for (const auto& [table, rows] : rows_->pending()) {
    for (const auto& [uuid, row] : rows) {
      Count(IdOf(table, uuid), row.before.get(), row.after.get());
    }
  }
  // Before garbage goes: also a row that goes with this transaction may not lead nowhere.
  RETURN_IF_ERROR(CheckStrong());
  CollectGarbage();
  RETURN_IF_ERROR(CheckRowLimits());
  // A pair that goes with its weak half may take a strong reference with it.
  for (bool changed = true; changed;) {
    changed = false;
    RETURN_IF_ERROR(PurgeWeak(&changed));
    if (changed) CollectGarbage();
  }
  // Now, and not earlier: until here every row that was named could still change.
  rows_->DropUnchanged();
  return CheckIndexes();
}

RowId CommitChecks::IdOf(const std::string& table, const Uuid& uuid) const {
  return RowId{&schema_.tables.find(table)->first, uuid};
}

int64_t CommitChecks::StrongCount(const RowId& id) const {
  const auto at = strong_changes_.find(id);
  return references_.StrongCount(id) + (at == strong_changes_.end() ? 0 : at->second);
}

void CommitChecks::Count(const RowId& id, const Row* before, const Row* after) {
  References::Compare(schema_.tables.at(*id.table), before, after,
                      [&](const std::string&, const BaseType& type, const Uuid& uuid, int count) {
                        const RowId target = IdOf(type.ref_table, uuid);
                        // A row does not keep itself.
                        if (type.ref != RefKind::kStrong || target == id) return;
                        strong_changes_[target] += count;
                      });
}

absl::Status CommitChecks::CheckStrong() {
  for (const auto& [table, rows] : rows_->pending()) {
    for (const auto& [uuid, row] : rows) {
      if (row.after == nullptr) continue;
      RETURN_IF_ERROR(CheckTargets(IdOf(table, uuid), row.before.get(), *row.after));
    }
  }
  for (const auto& [table, rows] : rows_->pending()) {
    for (const auto& [uuid, row] : rows) {
      const int64_t count = StrongCount(IdOf(table, uuid));
      if (row.before == nullptr || row.after != nullptr || count == 0) continue;
      return OvsdbError("referential integrity violation",
                        fmt::format("cannot delete {} row {} because of {} remaining reference(s)",
                                    table, uuid.ToString(), count));
    }
  }
  return absl::OkStatus();
}

absl::Status CommitChecks::CheckTargets(const RowId& id, const Row* before,
                                        const Row& after) const {
  absl::Status status;
  References::Compare(
      schema_.tables.at(*id.table), before, &after,
      [&](const std::string& column, const BaseType& type, const Uuid& uuid, int count) {
        if (!status.ok() || type.ref != RefKind::kStrong || count < 0) return;
        // Rows that were there and are deleted now have a message of their own.
        if (rows_->Find(type.ref_table, uuid) != nullptr ||
            rows_->Before(type.ref_table, uuid) != nullptr) {
          return;
        }
        status = OvsdbError(
            "referential integrity violation",
            fmt::format("Table {} column {} row {} references nonexistent row {} in table {}.",
                        *id.table, column, id.uuid.ToString(), uuid.ToString(), type.ref_table));
      });
  return status;
}

void CommitChecks::CollectGarbage() {
  // Only a row that is new or has lost a reference can be one nobody refers to. A row that was
  // looked at before is looked at again: counts may have changed since.
  std::vector<RowId> candidates;
  for (const auto& [table, rows] : rows_->pending()) {
    if (schema_.tables.at(table).is_root) continue;
    for (const auto& [uuid, row] : rows) {
      if (row.before == nullptr) candidates.push_back(IdOf(table, uuid));
    }
  }
  for (const auto& [id, change] : strong_changes_) {
    if (change < 0) candidates.push_back(id);
  }
  for (const RowId& id : candidates) Collect(id);
}

void CommitChecks::Collect(const RowId& id) {
  // A list and not recursion: chains may be as long as the database.
  std::vector<RowId> open = {id};
  while (!open.empty()) {
    const RowId next = open.back();
    open.pop_back();
    const TableSchema& schema = schema_.tables.at(*next.table);
    const Row* row = rows_->Find(*next.table, next.uuid);
    if (schema.is_root || row == nullptr || StrongCount(next) > 0) continue;
    // What it refers to may be next, once its references do not count any more.
    References::Compare(schema, row, nullptr,
                        [&](const std::string&, const BaseType& type, const Uuid& uuid, int) {
                          const RowId target = IdOf(type.ref_table, uuid);
                          if (type.ref == RefKind::kStrong && target != next)
                            open.push_back(target);
                        });
    Count(next, row, nullptr);
    rows_->Delete(*next.table, next.uuid);
  }
}

absl::Status CommitChecks::CheckRowLimits() const {
  for (const auto& [table, rows] : rows_->pending()) {
    const uint32_t limit = schema_.tables.at(table).max_rows;
    const size_t count = rows_->Count(table);
    if (count <= limit) continue;
    return OvsdbError(
        "constraint violation",
        fmt::format("transaction causes \"{}\" table to contain {} rows, greater than "
                    "the schema-defined limit of {} row(s)",
                    table, count, limit));
  }
  return absl::OkStatus();
}

absl::Status CommitChecks::PurgeWeak(bool* changed) {
  // References break in two ways: a row was written, or the one it refers to went.
  std::set<RowId> holders;
  for (const auto& [table, rows] : rows_->pending()) {
    for (const auto& [uuid, row] : rows) {
      const RowId id = IdOf(table, uuid);
      if (row.after != nullptr) holders.insert(id);
      if (row.before != nullptr && row.after == nullptr) holders.merge(references_.WeakSources(id));
    }
  }
  for (const RowId& id : holders) RETURN_IF_ERROR(PurgeWeakOf(id, changed));
  return absl::OkStatus();
}

bool CommitChecks::IsDangling(const BaseType& type, const Atom& atom) const {
  return type.ref == RefKind::kWeak && rows_->Find(type.ref_table, std::get<Uuid>(atom)) == nullptr;
}

absl::Status CommitChecks::PurgeWeakOf(const RowId& id, bool* changed) {
  const Row* row = rows_->Find(*id.table, id.uuid);
  if (row == nullptr) return absl::OkStatus();
  for (const auto& [name, column] : schema_.tables.at(*id.table).columns) {
    const ovsdb::ColumnType& type = column.type;
    if (type.key.ref != RefKind::kWeak && !(type.value && type.value->ref == RefKind::kWeak)) {
      continue;
    }
    const Datum& old = row->columns.at(name);
    Datum kept;
    bool had_zero = false;
    for (size_t i = 0; i < old.size(); ++i) {
      if (IsDangling(type.key, old.keys[i]) ||
          (type.value && IsDangling(*type.value, old.values[i]))) {
        had_zero = had_zero || old.keys[i] == Atom(Uuid());
        continue;
      }
      kept.keys.push_back(old.keys[i]);
      if (type.value) kept.values.push_back(old.values[i]);
    }
    if (kept.size() == old.size()) continue;
    if (kept.size() < type.min) {
      const char* inserted =
          rows_->Before(*id.table, id.uuid) == nullptr ? " (inserted within this transaction)" : "";
      if (had_zero) {
        // "volation" is what Open vSwitch writes.
        return OvsdbError(
            "constraint violation",
            fmt::format("Weak reference column \"{}\" in \"{}\" row {}{} contained all-zeros UUID "
                        "(probably as the default value for this column) but deleting this value "
                        "caused a constraint volation because this column is not allowed to be "
                        "empty.",
                        name, *id.table, id.uuid.ToString(), inserted));
      }
      return OvsdbError(
          "constraint violation",
          fmt::format("Deletion of {} weak reference(s) to deleted (or never-existing) rows from "
                      "column \"{}\" in \"{}\" row {}{} caused this column to become empty, but "
                      "constraints on this column disallow an empty column.",
                      old.size() - kept.size(), name, *id.table, id.uuid.ToString(), inserted));
    }
    // A copy: Edit gives the same row where the transaction has touched it already.
    const Row before = *row;
    Row* edited = rows_->Edit(*id.table, id.uuid);
    edited->columns[name] = std::move(kept);
    Count(id, &before, edited);
    row = edited;
    *changed = true;
  }
  return absl::OkStatus();
}

absl::Status CommitChecks::CheckIndexes() const {
  for (const auto& [table, pending] : rows_->pending()) {
    RETURN_IF_ERROR(CheckIndexesOf(table, pending));
  }
  return absl::OkStatus();
}

absl::Status CommitChecks::CheckIndexesOf(const std::string& table,
                                          const WorkingSet::PendingTable& pending) const {
  const TableSchema& schema = schema_.tables.at(table);
  for (size_t i = 0; i < schema.indexes.size(); ++i) {
    const std::vector<std::string>& index = schema.indexes[i];
    std::map<UniqueIndexes::Values, Uuid> taken;
    for (const auto& [uuid, row] : pending) {
      if (row.after == nullptr) continue;
      const auto values = UniqueIndexes::ValuesOf(index, *row.after);
      const auto [at, is_new] = taken.emplace(values, uuid);
      if (!is_new) return Duplicate(table, index, at->second, uuid);
      const std::optional<Uuid> other = indexes_.Find(table, i, values);
      // Of a row in this transaction the values after it count, and they are in `taken`.
      if (other && pending.count(*other) == 0) return Duplicate(table, index, *other, uuid);
    }
  }
  return absl::OkStatus();
}

absl::Status CommitChecks::Duplicate(const std::string& table,
                                     const std::vector<std::string>& index, const Uuid& a,
                                     const Uuid& b) const {
  const TableSchema& schema = schema_.tables.at(table);
  const auto origin = [&](const Uuid& uuid) -> std::string {
    const Row* before = rows_->Before(table, uuid);
    if (before == nullptr) return "was inserted by this transaction";
    const Row* after = rows_->Find(table, uuid);
    if (before == after) {
      return "existed in the database before this transaction and was not modified by the "
             "transaction";
    }
    if (UniqueIndexes::ValuesOf(index, *before) == UniqueIndexes::ValuesOf(index, *after)) {
      return "existed in the database before this transaction, which modified some of the row's "
             "columns but not any columns in this index";
    }
    return "had the following index values before the transaction: " +
           IndexText(schema, index, *before);
  };
  std::vector<std::string> columns;
  for (const std::string& column : index) columns.push_back("\"" + column + "\"");
  // Any order will do, but always the same.
  const Uuid& first = a < b ? b : a;
  const Uuid& second = a < b ? a : b;
  return OvsdbError(
      "constraint violation",
      fmt::format("Transaction causes multiple rows in \"{}\" table to have identical values ({}) "
                  "for index on column{} {}.  First row, with UUID {}, {}.  Second row, with UUID "
                  "{}, {}.",
                  table, IndexText(schema, index, *rows_->Find(table, a)),
                  index.size() > 1 ? "s" : "", EnglishList(columns), first.ToString(),
                  origin(first), second.ToString(), origin(second)));
}

}  // namespace outrider::ovs
