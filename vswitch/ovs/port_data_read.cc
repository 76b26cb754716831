#include "vswitch/ovs/port_data_read.h"

#include <algorithm>
#include <set>
#include <string>

namespace outrider::ovs {
namespace {

using ovsdb::Json;

constexpr char kDatabase[] = "Open_vSwitch";
constexpr char kInterface[] = "Interface";
// More of them are somebody else's.
constexpr size_t kMostTables = 2;

// False: not an object with a list of names, or of a table that `get` does not look at.
bool AddColumns(const std::string& table, const Json& request, std::set<std::string>* columns) {
  if (!request.is_object() || !request.contains("columns")) return false;
  const Json& names = request["columns"];
  if (!names.is_array()) return false;
  for (const Json& name : names) {
    if (!name.is_string()) return false;
    const auto text = name.get<std::string>();
    if (table == kInterface && text != "_uuid") columns->insert(text);
    // What ovs-vsctl waits by.
    if (table == kDatabase && text != "cur_cfg" && text != "_uuid") return false;
  }
  return table == kInterface || table == kDatabase;
}

bool AreThoseOfGet(const std::set<std::string>& columns) {
  return columns == std::set<std::string>{"external_ids", "name"};
}

bool MonitorsThem(const Json& params) {
  if (params.size() < 3 || !params[2].is_object() || params[2].size() > kMostTables) return false;
  std::set<std::string> columns;
  for (const auto& [table, requests] : params[2].items()) {
    const Json list = requests.is_array() ? requests : Json::array({requests});
    const bool alike = std::all_of(
        list.begin(), list.end(),
        [&, &table = table](const Json& request) { return AddColumns(table, request, &columns); });
    if (!alike) return false;
  }
  return AreThoseOfGet(columns);
}

bool SelectsThem(const Json& params) {
  if (params.size() > 1 + kMostTables) return false;
  std::set<std::string> columns;
  for (size_t i = 1; i < params.size(); ++i) {
    const Json& operation = params[i];
    const bool selects = operation.is_object() && operation.contains("op") &&
                         operation["op"] == "select" && operation.contains("table") &&
                         operation["table"].is_string();
    if (!selects || !AddColumns(operation["table"].get<std::string>(), operation, &columns)) {
      return false;
    }
  }
  return AreThoseOfGet(columns);
}

}  // namespace

bool MayReadPortData(const ovsdb::JsonRpcMessage& request) {
  const Json& params = request.params;
  if (!params.is_array() || params.size() < 2 || params[0] != kDatabase) return false;
  if (request.method == "transact") return SelectsThem(params);
  return request.method.starts_with("monitor") && MonitorsThem(params);
}

}  // namespace outrider::ovs
