#include "tests/ovs/naive_database.h"

#include <set>
#include <utility>

#include "vswitch/sys/ovsdb/datum_json.h"

namespace outrider::ovs {

using ovsdb::Json;
using ovsdb::RefKind;

NaiveDatabase::NaiveDatabase(const ovsdb::DatabaseSchema& schema) : schema_(schema) {
  for (const auto& [name, table] : schema_.tables) tables_[name];
}

NaiveDatabase::Value NaiveDatabase::ValueOf(const Json& json, bool is_map) {
  Value value;
  const bool is_set = json.is_array() && json[0] == "set";
  if (is_map) {
    for (const Json& pair : json[1]) value[pair[0]] = pair[1];
  } else if (is_set) {
    for (const Json& member : json[1]) value[member] = nullptr;
  } else {
    value[json] = nullptr;
  }
  return value;
}

std::string NaiveDatabase::Transact(const Json& operations) {
  Tables tables = tables_;
  for (const Json& operation : operations) {
    const std::string error = Run(operation, &tables);
    if (!error.empty()) return error;
  }
  const std::string error = Settle(&tables);
  if (error.empty()) tables_ = std::move(tables);
  return error;
}

std::string NaiveDatabase::Run(const Json& operation, Tables* tables) const {
  const std::string name = operation["op"];
  const std::string table_name = operation["table"];
  const ovsdb::TableSchema& table = schema_.tables.at(table_name);
  Rows& rows = (*tables)[table_name];
  if (name == "insert") {
    Row row;
    for (const auto& [column, schema] : table.columns) {
      row[column] = ValueOf(ToJson(schema.type, DefaultDatum(schema.type)), schema.type.IsMap());
    }
    for (const auto& [column, value] : operation["row"].items()) {
      row[column] = ValueOf(value, table.columns.at(column).type.IsMap());
    }
    rows[operation["uuid"]] = row;
    return "";
  }
  std::vector<std::string> matching;
  for (const auto& [uuid, row] : rows) {
    bool all = true;
    for (const Json& clause : operation["where"]) {
      const std::string column = clause[0];
      if (column == "_uuid") {
        all = all && clause[2][1] == uuid;
      } else {
        all = all && row.at(column) == ValueOf(clause[2], table.columns.at(column).type.IsMap());
      }
    }
    if (all) matching.push_back(uuid);
  }
  for (const std::string& uuid : matching) {
    if (name == "delete") {
      rows.erase(uuid);
    } else if (name == "update") {
      for (const auto& [column, value] : operation["row"].items()) {
        rows[uuid][column] = ValueOf(value, table.columns.at(column).type.IsMap());
      }
    } else {
      for (const Json& mutation : operation["mutations"]) {
        const std::string error = Mutate(table_name, mutation, &rows[uuid]);
        if (!error.empty()) return error;
      }
    }
  }
  return "";
}

std::string NaiveDatabase::Mutate(const std::string& table, const Json& mutation, Row* row) const {
  const std::string column = mutation[0];
  const ovsdb::ColumnType& type = schema_.tables.at(table).columns.at(column).type;
  Value& value = (*row)[column];
  if (mutation[1] == "+=") {
    Value sum;
    for (const auto& [member, none] : value) {
      const int64_t number = member.get<int64_t>() + mutation[2].get<int64_t>();
      if (number < type.key.min_integer || number > type.key.max_integer) {
        return "constraint violation";
      }
      sum[number] = nullptr;
    }
    value = sum;
    return "";
  }
  const Value argument = ValueOf(mutation[2], type.IsMap());
  for (const auto& [member, beside] : argument) {
    if (mutation[1] == "insert") {
      value.emplace(member, beside);
    } else if (value.count(member) != 0 && value[member] == beside) {
      value.erase(member);
    }
  }
  return value.size() < type.min || value.size() > type.max ? "constraint violation" : "";
}

std::vector<NaiveDatabase::Reference> NaiveDatabase::References(const Tables& tables) const {
  std::vector<Reference> references;
  for (const auto& [table, rows] : tables) {
    for (const auto& [column, schema] : schema_.tables.at(table).columns) {
      for (const auto& [uuid, row] : rows) {
        for (const auto& [key, value] : row.at(column)) {
          const auto& key_type = schema.type.key;
          if (key_type.ref != RefKind::kNone) {
            references.push_back(
                {table, uuid, key_type.ref_table, key[1], key_type.ref == RefKind::kWeak});
          }
          if (schema.type.value && schema.type.value->ref != RefKind::kNone) {
            references.push_back({table, uuid, schema.type.value->ref_table, value[1],
                                  schema.type.value->ref == RefKind::kWeak});
          }
        }
      }
    }
  }
  return references;
}

bool NaiveDatabase::CollectOnce(Tables* tables) const {
  std::set<std::pair<std::string, std::string>> wanted;
  for (const Reference& reference : References(*tables)) {
    const bool self = reference.from_table == reference.to_table && reference.from == reference.to;
    if (!reference.weak && !self) wanted.emplace(reference.to_table, reference.to);
  }
  bool changed = false;
  for (auto& [table, rows] : *tables) {
    if (schema_.tables.at(table).is_root) continue;
    const std::string& name = table;
    changed = std::erase_if(rows,
                            [&](const auto& row) {
                              return wanted.count({name, row.first}) == 0;
                            }) > 0 ||
              changed;
  }
  return changed;
}

bool NaiveDatabase::PurgeOnce(Tables* tables) const {
  bool changed = false;
  const Tables now = *tables;
  const auto dangling = [&](const ovsdb::BaseType& type, const Json& atom) {
    return type.ref == RefKind::kWeak &&
           now.at(type.ref_table).count(atom[1].get<std::string>()) == 0;
  };
  for (auto& [table, rows] : *tables) {
    for (auto& [uuid, row] : rows) {
      for (auto& [column, value] : row) {
        const ovsdb::ColumnType& type = schema_.tables.at(table).columns.at(column).type;
        changed = std::erase_if(value,
                                [&](const auto& pair) {
                                  return dangling(type.key, pair.first) ||
                                         (type.value && dangling(*type.value, pair.second));
                                }) > 0 ||
                  changed;
      }
    }
  }
  return changed;
}

bool NaiveDatabase::HasTwice(const std::string& table, const Rows& rows) const {
  for (const auto& index : schema_.tables.at(table).indexes) {
    std::set<std::vector<Value>> seen;
    for (const auto& [uuid, row] : rows) {
      std::vector<Value> values;
      for (const std::string& column : index) values.push_back(row.at(column));
      if (!seen.insert(values).second) return true;
    }
  }
  return false;
}

std::string NaiveDatabase::Settle(Tables* tables) const {
  for (const Reference& reference : References(*tables)) {
    if (!reference.weak && tables->at(reference.to_table).count(reference.to) == 0) {
      return "referential integrity violation";
    }
  }
  while (CollectOnce(tables)) {
  }
  for (const auto& [table, rows] : *tables) {
    if (rows.size() > schema_.tables.at(table).max_rows) return "constraint violation";
  }
  while (PurgeOnce(tables) || CollectOnce(tables)) {
  }
  for (const auto& [table, rows] : *tables) {
    for (const auto& [uuid, row] : rows) {
      for (const auto& [column, value] : row) {
        if (value.size() < schema_.tables.at(table).columns.at(column).type.min) {
          return "constraint violation";
        }
      }
    }
    if (HasTwice(table, rows)) return "constraint violation";
  }
  return "";
}

void NaiveDatabase::ForgetEphemeral() {
  for (auto& [table, rows] : tables_) {
    for (const auto& [column, schema] : schema_.tables.at(table).columns) {
      if (!schema.ephemeral) continue;
      for (auto& [uuid, row] : rows) {
        row[column] = ValueOf(ToJson(schema.type, DefaultDatum(schema.type)), schema.type.IsMap());
      }
    }
  }
}

}  // namespace outrider::ovs
