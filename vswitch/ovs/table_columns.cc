#include "vswitch/ovs/table_columns.h"

#include <fmt/format.h>

#include <utility>

namespace outrider::ovs {
namespace {

using ovsdb::AtomType;
using ovsdb::BaseType;
using ovsdb::ColumnSchema;
using ovsdb::ColumnType;
using ovsdb::Datum;
using ovsdb::Json;
using ovsdb::OvsdbError;
using ovsdb::ToText;

const ColumnSchema& UuidColumn() {
  static const ColumnSchema column = [] {
    ColumnSchema uuid;
    uuid.type.key.type = AtomType::kUuid;
    uuid.is_mutable = false;
    return uuid;
  }();
  return column;
}

}  // namespace

const ColumnSchema* FindColumn(const NamedTable& table, const std::string& name) {
  const auto at = table.schema->columns.find(name);
  if (at != table.schema->columns.end()) return &at->second;
  return name == "_uuid" || name == "_version" ? &UuidColumn() : nullptr;
}

absl::Status UnknownColumn(const NamedTable& table, const std::string& name, const Json& json) {
  return OvsdbError("unknown column", fmt::format("No column {} in table {}.", name, *table.name),
                    ToText(json));
}

const Datum& ValueOf(const ovsdb::Uuid& uuid, const Row& row, const std::string& column,
                     Datum* scratch) {
  const auto at = row.columns.find(column);
  if (at != row.columns.end()) return at->second;
  *scratch = Datum::Of(column == "_uuid" ? uuid : row.version);
  return *scratch;
}

absl::StatusOr<std::set<std::string>> ColumnsFromJson(const NamedTable& table, const Json* json) {
  std::set<std::string> names;
  if (json == nullptr) {
    for (const auto& [name, column] : table.schema->columns) names.insert(name);
    names.insert({"_uuid", "_version"});
    return names;
  }
  for (const Json& name : *json) {
    if (!name.is_string()) {
      return OvsdbError("syntax error", "array of distinct column names expected", ToText(*json));
    }
    const auto& text = name.get_ref<const std::string&>();
    if (FindColumn(table, text) == nullptr) {
      return OvsdbError("syntax error", text + " is not a valid column name", ToText(*json));
    }
    if (!names.insert(text).second) {
      return OvsdbError("syntax error", "array of distinct column names expected", ToText(*json));
    }
  }
  return names;
}

std::string TypeText(const ColumnType& type) {
  const std::string key = ToString(type.key.type);
  if (type.min == 1 && type.max == 1 && !type.IsMap()) return key;
  std::string count;
  if (type.max == ColumnType::kUnlimited) {
    if (type.min > 0) count = fmt::format("{} or more ", type.min);
  } else if (type.min > 0) {
    count = fmt::format("{} to {} ", type.min, type.max);
  } else {
    count = fmt::format("up to {} ", type.max);
  }
  if (!type.IsMap()) return fmt::format("set of {}{}s", count, key);
  return fmt::format("map of {}({}, {}) pairs", count, key, ToString(type.value->type));
}

}  // namespace outrider::ovs
