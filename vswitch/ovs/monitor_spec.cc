#include "vswitch/ovs/monitor_spec.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace outrider::ovs {
namespace {

using ovsdb::Json;
using ovsdb::OvsdbError;
using ovsdb::ToText;

absl::Status SyntaxError(const std::string& details) { return OvsdbError("syntax error", details); }
absl::Status SyntaxError(const std::string& details, const Json& json) {
  return OvsdbError("syntax error", details, ToText(json));
}

// `json` is an object with no members but these, each of its type where it is there.
absl::Status CheckObject(const std::string& what, const Json& json,
                         const std::map<std::string, Json::value_t>& members) {
  if (!json.is_object())
    return SyntaxError(fmt::format("Parsing {} failed: Object expected.", what));
  for (const auto& [name, type] : members) {
    if (json.contains(name) && json[name].type() != type) {
      return SyntaxError(
          fmt::format("Parsing {} failed: Type mismatch for member '{}'.", what, name), json);
    }
  }
  for (const auto& [name, value] : json.items()) {
    if (!members.contains(name)) {
      return SyntaxError(
          fmt::format("Parsing {} failed: Member '{}' is present but not allowed here.", what,
                      name),
          json);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<uint8_t> SelectFromJson(const std::string& table, const Json& request) {
  if (!request.contains("select")) return kSelectAll;
  const std::map<std::string, uint8_t> bits = {{"initial", kSelectInitial},
                                               {"insert", kSelectInsert},
                                               {"delete", kSelectDelete},
                                               {"modify", kSelectModify}};
  const Json& json = request["select"];
  std::map<std::string, Json::value_t> members;
  for (const auto& [name, bit] : bits) members[name] = Json::value_t::boolean;
  RETURN_IF_ERROR(CheckObject(fmt::format("table {} select", table), json, members));
  uint8_t select = 0;
  for (const auto& [name, bit] : bits) {
    if (json.value(name, true)) select |= bit;
  }
  return select;
}

absl::Status AddColumns(const NamedTable& named, const Json& request, uint8_t select,
                        MonitoredTable* table) {
  std::set<std::string> names;
  const bool listed = request.contains("columns");
  if (listed) {
    for (const Json& item : request["columns"]) {
      if (!item.is_string()) {
        return SyntaxError("array of column names expected", request["columns"]);
      }
      const auto name = item.get<std::string>();
      if (FindColumn(named, name) == nullptr) {
        return SyntaxError(fmt::format("{} is not a valid column name", name), request["columns"]);
      }
      if (!names.insert(name).second) {
        return SyntaxError("column name mentioned more than once", request["columns"]);
      }
    }
  } else {
    names.insert("_version");
    for (const auto& [name, column] : named.schema->columns) names.insert(name);
  }
  for (const std::string& name : names) {
    if (!table->columns.emplace(name, MonitoredTable::Column{FindColumn(named, name)->type, select})
             .second) {
      return SyntaxError("column name mentioned more than once");
    }
  }
  return absl::OkStatus();
}

absl::Status AddRequest(const NamedTable& named, MonitorVersion version, const Json& request,
                        Json* where, MonitoredTable* table) {
  std::map<std::string, Json::value_t> members = {{"columns", Json::value_t::array},
                                                  {"select", Json::value_t::object}};
  if (version != MonitorVersion::kV1) members["where"] = Json::value_t::array;
  RETURN_IF_ERROR(CheckObject("table " + *named.name, request, members));
  ASSIGN_OR_RETURN(const uint8_t select, SelectFromJson(*named.name, request));
  table->select |= select;
  RETURN_IF_ERROR(AddColumns(named, request, select, table));
  // Conditions of several requests for one table are alternatives, as their clauses are.
  if (request.contains("where")) {
    for (const Json& clause : request["where"]) where->push_back(clause);
  }
  return absl::OkStatus();
}

absl::StatusOr<NamedTable> FindTable(const ovsdb::DatabaseSchema& schema, const std::string& name) {
  const auto found = schema.tables.find(name);
  if (found == schema.tables.end()) return SyntaxError("no table named " + name);
  return NamedTable{&found->first, &found->second};
}

}  // namespace

std::string MonitorSpec::Key() const {
  std::string key = fmt::format("{}", static_cast<int>(version));
  for (const auto& [name, table] : tables) {
    key += fmt::format("|{} {}", name, table.condition.text());
    for (const auto& [column, options] : table.columns) {
      key += fmt::format(" {}:{}", column, options.select);
    }
    // A request without columns has a select nevertheless.
    key += fmt::format(" /{}", table.select);
  }
  return key;
}

absl::StatusOr<MonitorSpec> MonitorSpecFromJson(const ovsdb::DatabaseSchema& schema,
                                                MonitorVersion version, const Json& requests) {
  if (!requests.is_object()) return SyntaxError("monitor-requests must be object", requests);
  MonitorSpec spec{.version = version, .tables = {}};
  for (const auto& [name, value] : requests.items()) {
    const auto named = FindTable(schema, name);
    if (!named.ok()) return named.status();
    MonitoredTable& table = spec.tables[name];
    Json where = Json::array();
    // One request needs no array around it.
    const Json list = value.is_array() ? value : Json::array({value});
    for (const Json& request : list) {
      RETURN_IF_ERROR(AddRequest(*named, version, request, &where, &table));
    }
    ASSIGN_OR_RETURN(table.condition, MonitorCondition::FromJson(*named, where));
  }
  return spec;
}

absl::StatusOr<MonitorSpec> WithConditions(const ovsdb::DatabaseSchema& schema, MonitorSpec spec,
                                           const Json& requests) {
  if (!requests.is_object())
    return SyntaxError("monitor-cond-change-requests must be object", requests);
  for (const auto& [name, value] : requests.items()) {
    const auto named = FindTable(schema, name);
    if (!named.ok()) return named.status();
    const auto table = spec.tables.find(name);
    if (table == spec.tables.end()) {
      return SyntaxError(fmt::format("no table named {} in monitor session", name));
    }
    if (!value.is_array()) {
      return SyntaxError(fmt::format("table {} no monitor-cond-change JSON array", name));
    }
    Json where = Json::array();
    for (const Json& request : value) {
      RETURN_IF_ERROR(CheckObject("table " + name, request, {{"where", Json::value_t::array}}));
      if (!request.contains("where")) continue;
      for (const Json& clause : request["where"]) where.push_back(clause);
    }
    ASSIGN_OR_RETURN(table->second.condition, MonitorCondition::FromJson(*named, where));
  }
  return spec;
}

}  // namespace outrider::ovs
