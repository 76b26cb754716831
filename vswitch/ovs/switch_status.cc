#include "vswitch/ovs/switch_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "vswitch/ovs/row_reader.h"
#include "vswitch/ovs/switch_facts.h"

namespace outrider::ovs {
namespace {

using ovsdb::Datum;
using ovsdb::Json;
using Columns = std::map<std::string, Datum>;

constexpr int64_t kFailedOfport = -1;
constexpr int64_t kMaxOfport = kTunnelOfport - 1;

Datum TextOf(const std::string& text) { return Datum::Of(ovsdb::Atom(text)); }
Datum NumberOf(uint64_t number) { return Datum::Of(ovsdb::Atom(static_cast<int64_t>(number))); }
Datum OptionalText(const std::string& text) { return text.empty() ? Datum{} : TextOf(text); }

Datum MapOf(const std::map<std::string, std::string>& map) {
  Datum datum;
  for (const auto& [key, value] : map) datum.Put(ovsdb::Atom(key), ovsdb::Atom(value));
  return datum;
}

Datum MapOf(const std::map<std::string, int64_t>& map) {
  Datum datum;
  for (const auto& [key, value] : map) datum.Put(ovsdb::Atom(key), ovsdb::Atom(value));
  return datum;
}

Datum SetOf(const std::vector<std::string>& members) {
  Datum datum;
  for (const std::string& member : members) datum.Put(ovsdb::Atom(member));
  return datum;
}

Json WhereRow(const ovsdb::Uuid& uuid) {
  return Json::array({Json::array({"_uuid", "==", Json::array({"uuid", uuid.ToString()})})});
}

// Adds the operation for those of `wanted` that the row does not have yet.
void AddUpdate(const Database& database, const std::string& table, const ovsdb::Uuid& uuid,
               const Columns& wanted, Json* operations) {
  const RowPtr row = database.Find(table, uuid);
  if (row == nullptr) return;
  const ovsdb::TableSchema& schema = database.schema().tables.at(table);
  Json different = Json::object();
  for (const auto& [column, value] : wanted) {
    if (row->columns.at(column) == value) continue;
    different[column] = ovsdb::ToJson(schema.columns.at(column).type, value);
  }
  if (different.empty()) return;
  operations->push_back(
      {{"op", "update"}, {"table", table}, {"where", WhereRow(uuid)}, {"row", different}});
}

Columns ColumnsOf(const DeviceFacts& device, bool with_statistics) {
  Columns columns{
      {"mac_in_use", TextOf(device.mac.ToString())},
      {"ifindex", NumberOf(device.ifindex)},
      {"mtu", NumberOf(device.mtu)},
      {"admin_state", TextOf(device.admin_up ? "up" : "down")},
      {"link_state", TextOf(device.link_up ? "up" : "down")},
      {"link_speed", device.speed_bps == 0 ? Datum{} : NumberOf(device.speed_bps)},
      {"duplex", Datum{}},
      {"status", MapOf(std::map<std::string, std::string>{{"driver_name", device.driver}})}};
  if (device.full_duplex) columns["duplex"] = TextOf(*device.full_duplex ? "full" : "half");
  if (with_statistics) columns["statistics"] = MapOf(device.statistics);
  return columns;
}

// Of an interface without a device.
Columns NoColumns() {
  static constexpr std::array<const char*, 9> kNames = {"mac_in_use",  "ifindex",    "mtu",
                                                        "admin_state", "link_state", "link_speed",
                                                        "duplex",      "statistics", "status"};
  Columns columns;
  for (const char* name : kNames) columns.emplace(name, Datum{});
  return columns;
}

std::map<std::string, int64_t> PresentNumbers(const Database& database,
                                              const BridgeConfig& bridge) {
  std::map<std::string, int64_t> numbers;
  for (const auto& [name, interface] : bridge.interfaces) {
    const RowPtr row = database.Find("Interface", interface.uuid);
    if (row == nullptr) continue;
    if (const auto number = RowReader(*row).Integer("ofport")) numbers[name] = *number;
  }
  return numbers;
}

// What libvirt takes along with a guest (`get Interface X external_ids:PortData`). A value that
// came with the guest stays until there is a newer one.
void AddPortData(const Database& database, const ovsdb::Uuid& uuid, const std::string& data,
                 Json* operations) {
  const RowPtr row = database.Find("Interface", uuid);
  if (data.empty() || row == nullptr) return;
  if (RowReader(*row).ValueOf("external_ids", "PortData") == data) return;
  const Json key = Json::array({"set", Json::array({"PortData"})});
  const Json pair = Json::array({"map", Json::array({Json::array({"PortData", data})})});
  operations->push_back(
      {{"op", "mutate"},
       {"table", "Interface"},
       {"where", WhereRow(uuid)},
       {"mutations", Json::array({Json::array({"external_ids", "delete", key}),
                                  Json::array({"external_ids", "insert", pair})})}});
}

void AddInterface(const Database& database, const InterfaceConfig& interface,
                  const InterfaceReport& report, int64_t number, bool with_statistics,
                  Json* operations) {
  // A new interface does not wait for the next round.
  const RowPtr row = database.Find("Interface", interface.uuid);
  const bool counted = row != nullptr && !row->columns.at("statistics").empty();
  Columns columns =
      report.device ? ColumnsOf(*report.device, with_statistics || !counted) : NoColumns();
  // A port that waits for its profile has its device and number already.
  const bool failed = !report.error.empty() && !report.device;
  columns["ofport"] = Datum::Of(ovsdb::Atom(failed ? kFailedOfport : number));
  columns["error"] = OptionalText(report.error);
  AddUpdate(database, "Interface", interface.uuid, columns, operations);
  AddPortData(database, interface.uuid, report.port_data, operations);
}

void AddCurCfg(const Database& database, const ovsdb::Uuid& root, int64_t cur_cfg,
               Json* operations) {
  AddUpdate(database, "Open_vSwitch", root, {{"cur_cfg", Datum::Of(ovsdb::Atom(cur_cfg))}},
            operations);
}

// Port.status of the port that holds the interface.
void AddPortStatus(const Database& database, const Row& bridge,
                   const std::map<ovsdb::Uuid, const InterfaceReport*>& reports, Json* operations) {
  for (const ovsdb::Uuid& port : RowReader(bridge).References("ports")) {
    const RowPtr row = database.Find("Port", port);
    if (row == nullptr) continue;
    for (const ovsdb::Uuid& interface : RowReader(*row).References("interfaces")) {
      const auto report = reports.find(interface);
      if (report == reports.end()) continue;
      AddUpdate(database, "Port", port, {{"status", MapOf(report->second->notes)}}, operations);
    }
  }
}

void AddBridge(const Database& database, const BridgeConfig& bridge, const SwitchReport& report,
               bool with_statistics, Json* operations) {
  const RowPtr row = database.Find("Bridge", bridge.uuid);
  if (row == nullptr) return;
  const auto numbers = NumberPorts(bridge, PresentNumbers(database, bridge));
  std::map<ovsdb::Uuid, const InterfaceReport*> reports;
  for (const auto& [name, interface] : bridge.interfaces) {
    const auto found = report.interfaces.find(name);
    if (found == report.interfaces.end()) continue;
    reports[interface.uuid] = &found->second;
    AddInterface(database, interface, found->second, numbers.at(name), with_statistics, operations);
  }
  AddPortStatus(database, *row, reports, operations);
  AddUpdate(database, "Bridge", bridge.uuid,
            {{"datapath_id", TextOf(fmt::format("{:016x}", DatapathIdOf(bridge)))},
             {"datapath_version", TextOf("<built-in>")}},
            operations);
}

}  // namespace

MacAddress AddressOf(const BridgeConfig& bridge) {
  if (bridge.hwaddr) return *bridge.hwaddr;
  std::array<uint8_t, 6> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<uint8_t>(bridge.uuid.low >> (8 * i));
  }
  // Locally administered, to one station (IEEE 802).
  bytes[0] = static_cast<uint8_t>((bytes[0] & 0xfc) | 0x02);
  return MacAddress(bytes);
}

uint64_t DatapathIdOf(const BridgeConfig& bridge) {
  if (bridge.datapath_id) return *bridge.datapath_id;
  const MacAddress address = AddressOf(bridge);
  uint64_t id = 0;
  for (const uint8_t byte : address.bytes()) id = (id << 8) | byte;
  return id;
}

std::map<std::string, int64_t> NumberPorts(const BridgeConfig& bridge,
                                           const std::map<std::string, int64_t>& present) {
  std::map<std::string, int64_t> numbers;
  std::set<int64_t> taken;
  const auto take = [&](const std::string& name, int64_t number) {
    if (!numbers.contains(name) && taken.insert(number).second) numbers[name] = number;
  };
  const auto has = [&](const std::string& name) {
    const auto found = present.find(name);
    const bool valid = found != present.end() && found->second > 0 && found->second <= kMaxOfport;
    return valid ? found->second : 0;
  };
  if (bridge.interfaces.contains(bridge.name)) take(bridge.name, kLocalOfport);
  // Who has what it asks for keeps it; then who asks; then who has one.
  for (const bool asks_only : {false, true}) {
    for (const auto& [name, interface] : bridge.interfaces) {
      const int64_t asked = interface.ofport_request.value_or(0);
      if (asked == 0 || asked > kMaxOfport || (!asks_only && has(name) != asked)) continue;
      take(name, asked);
    }
  }
  for (const auto& [name, interface] : bridge.interfaces) {
    if (has(name) != 0) take(name, has(name));
  }
  int64_t next = 1;
  for (const auto& [name, interface] : bridge.interfaces) {
    if (numbers.contains(name)) continue;
    while (next <= kMaxOfport && taken.contains(next)) ++next;
    numbers[name] = next <= kMaxOfport ? next : kFailedOfport;
    taken.insert(next);
  }
  return numbers;
}

Json StatusOperations(const Database& database, const SwitchConfig& config,
                      const SwitchReport& report, bool with_statistics) {
  Json operations = CurCfgOperations(database, report.next_cfg);
  for (const auto& [name, bridge] : config.bridges) {
    AddBridge(database, bridge, report, with_statistics, &operations);
  }
  return operations;
}

Json CurCfgOperations(const Database& database, int64_t cur_cfg) {
  Json operations = Json::array();
  for (const auto& [uuid, row] : database.tables().at("Open_vSwitch")) {
    AddCurCfg(database, uuid, cur_cfg, &operations);
  }
  return operations;
}

Json IdentityOperations(const Database& database, const SwitchIdentity& identity) {
  const Table& table = database.tables().at("Open_vSwitch");
  const ovsdb::TableSchema& schema = database.schema().tables.at("Open_vSwitch");
  Columns facts{
      {"ovs_version", TextOf(kOvsVersion)},  {"db_version", TextOf(database.schema().version)},
      {"system_type", TextOf("outrider")},   {"system_version", TextOf(identity.version)},
      {"datapath_types", SetOf({"system"})}, {"iface_types", SetOf({"internal", "system"})}};
  Json operations = Json::array();
  const ovsdb::Atom id_key(std::string("system-id"));
  for (const auto& [uuid, row] : table) {
    // Ids that others gave stay.
    Datum ids = row->columns.at("external_ids");
    if (ids.ValueOf(id_key) == nullptr) ids.Put(id_key, ovsdb::Atom(identity.system_id));
    facts["external_ids"] = std::move(ids);
    AddUpdate(database, "Open_vSwitch", uuid, facts, &operations);
  }
  if (!table.empty()) return operations;
  facts["external_ids"] = MapOf(std::map<std::string, std::string>{
      {"system-id", identity.system_id}, {"hostname", identity.hostname}});
  Json row = Json::object();
  for (const auto& [column, value] : facts) {
    row[column] = ovsdb::ToJson(schema.columns.at(column).type, value);
  }
  operations.push_back({{"op", "insert"}, {"table", "Open_vSwitch"}, {"row", std::move(row)}});
  return operations;
}

}  // namespace outrider::ovs
