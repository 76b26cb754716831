#include "vswitch/sys/ovsdb/schema.h"

#include <algorithm>
#include <utility>

#include "vswitch/sys/ovsdb/datum_json.h"

namespace outrider::ovsdb {
namespace {

constexpr AtomType kAtomTypes[] = {AtomType::kInteger, AtomType::kReal, AtomType::kBoolean,
                                   AtomType::kString, AtomType::kUuid};

// Writing
// -------------------------------------------------------------------------------------------

// A type without constraints is its name alone.
Json BaseToJson(const BaseType& type) {
  Json json = {{"type", ToString(type.type)}};
  const BaseType open;
  if (!type.allowed.empty()) {
    ColumnType set;
    set.key.type = type.type;
    set.max = ColumnType::kUnlimited;
    json["enum"] = ToJson(set, Datum{type.allowed, {}});
  }
  if (type.min_integer != open.min_integer) json["minInteger"] = type.min_integer;
  if (type.max_integer != open.max_integer) json["maxInteger"] = type.max_integer;
  if (type.min_real != open.min_real) json["minReal"] = ToJson(Atom(type.min_real));
  if (type.max_real != open.max_real) json["maxReal"] = ToJson(Atom(type.max_real));
  if (type.min_length != open.min_length) json["minLength"] = type.min_length;
  if (type.max_length != open.max_length) json["maxLength"] = type.max_length;
  if (type.ref != RefKind::kNone) json["refTable"] = type.ref_table;
  if (type.ref == RefKind::kWeak) json["refType"] = "weak";
  return json.size() == 1 ? json["type"] : json;
}

Json ColumnToJson(const ColumnSchema& column) {
  Json json = {{"type", ToJson(column.type)}};
  if (!column.is_mutable) json["mutable"] = false;
  if (column.ephemeral) json["ephemeral"] = true;
  return json;
}

Json TableToJson(const TableSchema& table) {
  Json columns = Json::object();
  for (const auto& [name, column] : table.columns) columns[name] = ColumnToJson(column);
  Json json = {{"columns", std::move(columns)}};
  if (table.is_root) json["isRoot"] = true;
  if (table.max_rows != std::numeric_limits<uint32_t>::max()) json["maxRows"] = table.max_rows;
  if (!table.indexes.empty()) json["indexes"] = table.indexes;
  return json;
}

// Reading
// -------------------------------------------------------------------------------------------

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(what); }

// An optional member read into `to`; what is there must be of the kind `is` tells.
template <typename T>
absl::Status ReadMember(const Json& json, const char* name, bool (*is)(const Json&), T* to) {
  const auto at = json.find(name);
  if (at == json.end()) return absl::OkStatus();
  if (!is(*at)) return Bad(std::string("\"") + name + "\" is " + ToText(*at));
  *to = at->get<T>();
  return absl::OkStatus();
}

bool IsString(const Json& json) { return json.is_string(); }
bool IsBoolean(const Json& json) { return json.is_boolean(); }
bool IsNumber(const Json& json) { return json.is_number(); }
bool IsInteger(const Json& json) {
  return json.is_number_integer() &&
         (!json.is_number_unsigned() ||
          json.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
}
bool IsCount(const Json& json) {
  return json.is_number_unsigned() && json.get<uint64_t>() <= std::numeric_limits<uint32_t>::max();
}

absl::StatusOr<AtomType> AtomTypeFromJson(const Json& json) {
  for (const AtomType type : kAtomTypes) {
    if (json.is_string() && json.get_ref<const std::string&>() == ToString(type)) return type;
  }
  return Bad(ToText(json) + " is not an atomic type");
}

absl::Status ReadReference(const Json& json, BaseType* type) {
  RETURN_IF_ERROR(ReadMember(json, "refTable", IsString, &type->ref_table));
  if (type->ref_table.empty()) return absl::OkStatus();
  std::string kind = "strong";
  RETURN_IF_ERROR(ReadMember(json, "refType", IsString, &kind));
  if (kind != "strong" && kind != "weak") return Bad("refType \"" + kind + "\"");
  type->ref = kind == "weak" ? RefKind::kWeak : RefKind::kStrong;
  return absl::OkStatus();
}

absl::Status ReadEnum(const Json& json, BaseType* type) {
  const auto at = json.find("enum");
  if (at == json.end()) return absl::OkStatus();
  ColumnType set;
  set.key.type = type->type;
  set.max = ColumnType::kUnlimited;
  ASSIGN_OR_RETURN(Datum allowed, DatumFromJson(set, *at, nullptr));
  type->allowed = std::move(allowed.keys);
  return absl::OkStatus();
}

absl::StatusOr<BaseType> BaseFromJson(const Json& json) {
  BaseType type;
  if (!json.is_object()) {
    ASSIGN_OR_RETURN(type.type, AtomTypeFromJson(json));
    return type;
  }
  ASSIGN_OR_RETURN(type.type, AtomTypeFromJson(json.value("type", Json())));
  RETURN_IF_ERROR(ReadEnum(json, &type));
  if (type.type == AtomType::kInteger) {
    RETURN_IF_ERROR(ReadMember(json, "minInteger", IsInteger, &type.min_integer));
    RETURN_IF_ERROR(ReadMember(json, "maxInteger", IsInteger, &type.max_integer));
    if (type.min_integer > type.max_integer) return Bad("minInteger exceeds maxInteger");
  } else if (type.type == AtomType::kReal) {
    RETURN_IF_ERROR(ReadMember(json, "minReal", IsNumber, &type.min_real));
    RETURN_IF_ERROR(ReadMember(json, "maxReal", IsNumber, &type.max_real));
    if (type.min_real > type.max_real) return Bad("minReal exceeds maxReal");
  } else if (type.type == AtomType::kString) {
    RETURN_IF_ERROR(ReadMember(json, "minLength", IsCount, &type.min_length));
    RETURN_IF_ERROR(ReadMember(json, "maxLength", IsCount, &type.max_length));
    if (type.min_length > type.max_length) return Bad("minLength exceeds maxLength");
  } else if (type.type == AtomType::kUuid) {
    RETURN_IF_ERROR(ReadReference(json, &type));
  }
  return type;
}

absl::StatusOr<ColumnType> ColumnTypeFromJson(const Json& json) {
  ColumnType type;
  if (!json.is_object()) {
    ASSIGN_OR_RETURN(type.key, BaseFromJson(json));
    return type;
  }
  ASSIGN_OR_RETURN(type.key, BaseFromJson(json.value("key", Json())));
  if (json.contains("value")) {
    ASSIGN_OR_RETURN(type.value, BaseFromJson(json["value"]));
  }
  RETURN_IF_ERROR(ReadMember(json, "min", IsCount, &type.min));
  if (json.value("max", Json()) == "unlimited") {
    type.max = ColumnType::kUnlimited;
  } else {
    RETURN_IF_ERROR(ReadMember(json, "max", IsCount, &type.max));
  }
  if (type.min > 1 || type.max < 1) return Bad("\"min\" must be 0 or 1 and \"max\" at least 1");
  return type;
}

absl::StatusOr<ColumnSchema> ColumnFromJson(const Json& json) {
  ColumnSchema column;
  if (!json.is_object()) return Bad("not an object");
  ASSIGN_OR_RETURN(column.type, ColumnTypeFromJson(json.value("type", Json())));
  RETURN_IF_ERROR(ReadMember(json, "mutable", IsBoolean, &column.is_mutable));
  RETURN_IF_ERROR(ReadMember(json, "ephemeral", IsBoolean, &column.ephemeral));
  return column;
}

absl::Status ReadIndexes(const Json& json, TableSchema* table) {
  for (const Json& index : json.value("indexes", Json::array())) {
    std::vector<std::string> columns;
    for (const Json& column : index) {
      if (!column.is_string() || table->columns.count(column.get<std::string>()) == 0) {
        return Bad("index on " + ToText(column) + ", which is not a column");
      }
      columns.push_back(column.get<std::string>());
    }
    table->indexes.push_back(std::move(columns));
  }
  return absl::OkStatus();
}

absl::StatusOr<TableSchema> TableFromJson(const Json& json) {
  TableSchema table;
  if (!json.is_object() || !json.value("columns", Json()).is_object()) return Bad("no columns");
  for (const auto& [name, column] : json["columns"].items()) {
    auto read = ColumnFromJson(column);
    if (!read.ok()) return Annotate(read.status(), "column " + name);
    table.columns.emplace(name, *std::move(read));
  }
  RETURN_IF_ERROR(ReadMember(json, "isRoot", IsBoolean, &table.is_root));
  RETURN_IF_ERROR(ReadMember(json, "maxRows", IsCount, &table.max_rows));
  RETURN_IF_ERROR(ReadIndexes(json, &table));
  return table;
}

// Every reference names a table there is.
absl::Status CheckReferences(const DatabaseSchema& schema) {
  for (const auto& [name, table] : schema.tables) {
    for (const auto& [column_name, column] : table.columns) {
      for (const BaseType* base :
           {&column.type.key, column.type.value ? &*column.type.value : nullptr}) {
        if (base == nullptr || base->ref == RefKind::kNone ||
            schema.tables.count(base->ref_table) != 0) {
          continue;
        }
        return Bad("table " + name + " column " + column_name + ": no table " + base->ref_table);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

Datum DefaultDatum(const ColumnType& type) {
  Datum datum;
  if (type.min == 0) return datum;
  datum.keys.push_back(DefaultAtom(type.key.type));
  if (type.value) datum.values.push_back(DefaultAtom(type.value->type));
  return datum;
}

Json ToJson(const ColumnType& type) {
  Json json = {{"key", BaseToJson(type.key)}};
  if (type.value) json["value"] = BaseToJson(*type.value);
  if (type.min != 1) json["min"] = type.min;
  if (type.max == ColumnType::kUnlimited) {
    json["max"] = "unlimited";
  } else if (type.max != 1) {
    json["max"] = type.max;
  }
  return json.size() == 1 && json["key"].is_string() ? json["key"] : json;
}

Json ToJson(const DatabaseSchema& schema) {
  Json tables = Json::object();
  for (const auto& [name, table] : schema.tables) tables[name] = TableToJson(table);
  return {{"name", schema.name}, {"version", schema.version}, {"tables", std::move(tables)}};
}

absl::StatusOr<DatabaseSchema> SchemaFromJson(const Json& json) {
  DatabaseSchema schema;
  if (!json.is_object() || !json.value("tables", Json()).is_object()) {
    return Bad("schema: no tables");
  }
  RETURN_IF_ERROR(ReadMember(json, "name", IsString, &schema.name));
  RETURN_IF_ERROR(ReadMember(json, "version", IsString, &schema.version));
  bool any_root = false;
  for (const auto& [name, table] : json["tables"].items()) {
    auto read = TableFromJson(table);
    if (!read.ok()) return Annotate(read.status(), "table " + name);
    any_root = any_root || read->is_root;
    schema.tables.emplace(name, *std::move(read));
  }
  // RFC 7047, 3.2: where no table is a root, all are.
  for (auto& [name, table] : schema.tables) table.is_root = table.is_root || !any_root;
  RETURN_IF_ERROR(CheckReferences(schema));
  return schema;
}

}  // namespace outrider::ovsdb
