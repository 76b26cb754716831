// How a view's changes become the operations of a transaction (RFC 7047, 5.2): first what must
// still be so, then inserts and updates, then changes of single members.
#include <utility>

#include "vswitch/cli/view.h"
#include "vswitch/sys/ovsdb/datum_json.h"

namespace outrider::cli {

using ovsdb::Datum;
using ovsdb::Json;
using ovsdb::Uuid;

namespace {

// An <id> of RFC 7047: no dashes.
std::string NameOf(const Uuid& uuid) {
  std::string name = "row" + uuid.ToString();
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

Json SetJson(const Datum& datum) {
  Json members = Json::array();
  for (const ovsdb::Atom& key : datum.keys) members.push_back(ovsdb::ToJson(key));
  return Json::array({"set", std::move(members)});
}

Json MapJson(const Datum& datum) {
  Json pairs = Json::array();
  for (size_t i = 0; i < datum.size(); ++i) {
    pairs.push_back(Json::array({ovsdb::ToJson(datum.keys[i]), ovsdb::ToJson(datum.values[i])}));
  }
  return Json::array({"map", std::move(pairs)});
}

}  // namespace

Json View::WhereRow(const ViewRow& row) {
  Json uuid = row.stored || row.keeps_uuid ? Json::array({"uuid", row.uuid.ToString()})
                                           : Json::array({"named-uuid", NameOf(row.uuid)});
  return Json::array({Json::array({"_uuid", "==", std::move(uuid)})});
}

bool View::IsNew(const Uuid& uuid) const {
  const auto it = new_rows_.find(uuid);
  return it != new_rows_.end() && !it->second->keeps_uuid;
}

void View::NameNewRows(Json* json) const {
  if (!json->is_array() || new_rows_.empty()) return;
  if (json->size() == 2 && (*json)[0] == "uuid" && (*json)[1].is_string()) {
    const auto uuid = Uuid::Parse((*json)[1].get<std::string>());
    if (uuid && IsNew(*uuid)) *json = Json::array({"named-uuid", NameOf(*uuid)});
    return;
  }
  for (Json& member : *json) NameNewRows(&member);
}

Json View::ValueJson(const ViewRow& row, const std::string& column, const Datum& datum) const {
  const ovsdb::ColumnType& type = TypeOf(row, column);
  Json json = ovsdb::ToJson(type, datum);
  if (type.key.ref_table.empty() && !(type.value && !type.value->ref_table.empty())) return json;
  NameNewRows(&json);
  return json;
}

void View::AddWait(const ViewRow& row, Json* operations) const {
  Json columns = Json::array();
  Json values = Json::object();
  for (const std::string& column : row.verified) {
    columns.push_back(column);
    values[column] = ovsdb::ToJson(TypeOf(row, column), row.columns.at(column));
  }
  operations->push_back({{"op", "wait"},
                         {"table", row.table},
                         {"timeout", 0},
                         {"where", WhereRow(row)},
                         {"until", "=="},
                         {"columns", std::move(columns)},
                         {"rows", Json::array({std::move(values)})}});
}

bool View::AddWrites(const ViewRow& row, Transaction* transaction) const {
  Json values = Json::object();
  bool changes = !row.stored;
  for (const auto& [column, datum] : row.written) {
    if (!row.stored && datum == ovsdb::DefaultDatum(TypeOf(row, column))) continue;
    values[column] = ValueJson(row, column, datum);
    const auto had = row.columns.find(column);
    changes |= had == row.columns.end() || !(had->second == datum);
  }
  if (row.stored && values.empty()) return false;
  Json operation = {
      {"op", row.stored ? "update" : "insert"}, {"table", row.table}, {"row", std::move(values)}};
  if (row.stored) {
    operation["where"] = WhereRow(row);
  } else {
    transaction->inserts[row.uuid] = transaction->operations.size();
    if (row.keeps_uuid) {
      operation["uuid"] = row.uuid.ToString();
    } else {
      operation["uuid-name"] = NameOf(row.uuid);
    }
  }
  transaction->operations.push_back(std::move(operation));
  return changes;
}

bool View::AddMutations(const ViewRow& row, Json* operations) const {
  Json mutations = Json::array();
  for (const auto& [column, members] : row.members) {
    if (!members.taken.empty()) {
      mutations.push_back(Json::array({column, "delete", SetJson(members.taken)}));
    }
    if (!members.put.empty()) {
      const bool map = TypeOf(row, column).IsMap();
      Json put = map ? MapJson(members.put) : SetJson(members.put);
      NameNewRows(&put);
      mutations.push_back(Json::array({column, "insert", std::move(put)}));
    }
  }
  if (mutations.empty()) return false;
  operations->push_back({{"op", "mutate"},
                         {"table", row.table},
                         {"where", WhereRow(row)},
                         {"mutations", std::move(mutations)}});
  return true;
}

View::Transaction View::Operations() const {
  Transaction transaction;
  Json* const operations = &transaction.operations;
  bool changes = false;
  for (const auto& [name, table] : tables_) {
    bool stored = false;
    bool inserts = false;
    for (const auto& row : table.rows) {
      stored |= row->stored;
      inserts |= !row->stored && !row->deleted;
      if (!row->verified.empty()) AddWait(*row, operations);
    }
    // Two clients that both find a one-row table empty must not both fill it.
    if (inserts && !stored && schema_->tables.at(name).max_rows == 1) {
      operations->push_back({{"op", "wait"},
                             {"table", name},
                             {"timeout", 0},
                             {"where", Json::array()},
                             {"until", "=="},
                             {"rows", Json::array()}});
    }
  }
  for (const auto& [name, table] : tables_) {
    const bool is_root = schema_->tables.at(name).is_root;
    for (const auto& row : table.rows) {
      if (!row->deleted) {
        changes |= AddWrites(*row, &transaction);
        changes |= AddMutations(*row, operations);
      } else if (row->stored && is_root) {
        operations->push_back({{"op", "delete"}, {"table", name}, {"where", WhereRow(*row)}});
        changes = true;
      }
    }
  }
  if (!changes) return Transaction();
  return transaction;
}

}  // namespace outrider::cli
