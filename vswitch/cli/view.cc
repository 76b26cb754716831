#include "vswitch/cli/view.h"

#include <utility>

#include "vswitch/sys/ovsdb/datum_json.h"

namespace outrider::cli {

using ovsdb::Atom;
using ovsdb::ColumnType;
using ovsdb::Datum;
using ovsdb::Json;
using ovsdb::Uuid;

namespace {

absl::StatusOr<Uuid> RowUuid(const std::string& table, const Json& row) {
  if (row.is_object() && row.contains("_uuid")) {
    const Json& json = row["_uuid"];
    if (json.is_array() && json.size() == 2 && json[1].is_string()) {
      if (const auto uuid = Uuid::Parse(json[1].get<std::string>())) return *uuid;
    }
  }
  return absl::InvalidArgumentError("the server sent a row of table " + table + " without _uuid");
}

// A member of a set or, with the value, of a map.
void PutMember(const ColumnType& type, const Atom& key, const Atom& value, Datum* datum) {
  if (type.IsMap()) {
    datum->Put(key, value);
  } else {
    datum->Put(key);
  }
}

}  // namespace

absl::Status View::Load(const std::string& table, const Json& rows) {
  const auto& columns = schema_->tables.at(table).columns;
  TableRows& into = tables_[table];
  for (const Json& json : rows) {
    ASSIGN_OR_RETURN(const Uuid uuid, RowUuid(table, json));
    const auto [found, is_new] = into.by_uuid.try_emplace(uuid, nullptr);
    if (is_new) {
      into.rows.push_back(std::make_unique<ViewRow>(ViewRow{table, uuid, true}));
      found->second = into.rows.back().get();
    }
    for (const auto& [name, value] : json.items()) {
      const auto column = columns.find(name);
      if (column == columns.end()) continue;
      ASSIGN_OR_RETURN(Datum datum, LooseDatumFromJson(column->second.type, value, nullptr));
      found->second->columns[name] = std::move(datum);
    }
  }
  return absl::OkStatus();
}

std::vector<ViewRow*> View::Rows(const std::string& table) const {
  std::vector<ViewRow*> rows;
  const auto found = tables_.find(table);
  if (found == tables_.end()) return rows;
  for (const auto& row : found->second.rows) {
    if (!row->deleted) rows.push_back(row.get());
  }
  return rows;
}

ViewRow* View::Find(const std::string& table, const Uuid& uuid) const {
  const auto found = tables_.find(table);
  if (found == tables_.end()) return nullptr;
  const auto row = found->second.by_uuid.find(uuid);
  return row == found->second.by_uuid.end() || row->second->deleted ? nullptr : row->second;
}

ViewRow* View::Insert(const std::string& table, const std::optional<Uuid>& uuid, bool keeps) {
  TableRows& into = tables_[table];
  into.rows.push_back(
      std::make_unique<ViewRow>(ViewRow{table, uuid ? *uuid : Uuid::Random(), false, keeps}));
  ViewRow* const row = into.rows.back().get();
  into.by_uuid[row->uuid] = row;
  new_rows_[row->uuid] = row;
  return row;
}

void View::Delete(ViewRow* row) {
  row->deleted = true;
  if (!row->stored) new_rows_.erase(row->uuid);
}

const ColumnType& View::TypeOf(const ViewRow& row, const std::string& column) const {
  return schema_->tables.at(row.table).columns.at(column).type;
}

const Datum& View::Read(const ViewRow& row, const std::string& column) const {
  if (const auto it = row.written.find(column); it != row.written.end()) return it->second;
  if (const auto it = row.members.find(column); it != row.members.end() && it->second.seen) {
    return *it->second.seen;
  }
  if (const auto it = row.columns.find(column); it != row.columns.end()) return it->second;
  const ColumnType& type = TypeOf(row, column);
  const auto [it, is_new] = defaults_.try_emplace(&type);
  if (is_new) it->second = ovsdb::DefaultDatum(type);
  return it->second;
}

void View::Write(ViewRow* row, const std::string& column, Datum datum) {
  row->members.erase(column);
  row->written[column] = std::move(datum);
}

void View::Verify(ViewRow* row, const std::string& column) {
  if (row->stored && row->columns.count(column) > 0) row->verified.insert(column);
}

void View::Put(ViewRow* row, const std::string& column, const Atom& key, const Atom& value,
               bool seen) {
  const ColumnType& type = TypeOf(*row, column);
  if (!row->stored || row->written.count(column) > 0) {
    Datum datum = Read(*row, column);
    PutMember(type, key, value, &datum);
    row->written[column] = std::move(datum);
    return;
  }
  ViewRow::Members& members = row->members[column];
  // Of a map, the key's old pair must go first: an insert leaves existing keys alone.
  if (type.IsMap()) {
    const Atom* const had = Read(*row, column).ValueOf(key);
    if (had != nullptr && *had == value) return;
    if (had != nullptr) members.taken.Put(key);
  }
  PutMember(type, key, value, &members.put);
  if (!seen) return;
  if (!members.seen) members.seen = row->columns.count(column) > 0 ? row->columns[column] : Datum();
  PutMember(type, key, value, &*members.seen);
}

void View::Take(ViewRow* row, const std::string& column, const Atom& key) {
  if (!row->stored || row->written.count(column) > 0) {
    Datum datum = Read(*row, column);
    datum.Erase(key);
    row->written[column] = std::move(datum);
    return;
  }
  ViewRow::Members& members = row->members[column];
  // What this command line put in is in nobody else's sight yet.
  if (!members.put.Erase(key)) members.taken.Put(key);
  if (!members.seen) members.seen = row->columns.count(column) > 0 ? row->columns[column] : Datum();
  members.seen->Erase(key);
}

}  // namespace outrider::cli
