#include "vswitch/ovs/switch_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "vswitch/ovs/row_reader.h"

namespace outrider::ovs {
namespace {

const Row* FindRow(const Tables& tables, const std::string& table, const ovsdb::Uuid& uuid) {
  const auto rows = tables.find(table);
  if (rows == tables.end()) return nullptr;
  const auto row = rows->second.find(uuid);
  return row == rows->second.end() ? nullptr : row->second.get();
}

// 0 for what is no number: Open vSwitch reads its string maps so.
uint64_t NumberIn(const std::optional<std::string>& text) {
  uint64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::optional<state::VlanMode> ModeOf(const std::string& text) {
  if (text == "access") return state::VlanMode::kAccess;
  if (text == "trunk") return state::VlanMode::kTrunk;
  if (text == "native-tagged") return state::VlanMode::kNativeTagged;
  if (text == "native-untagged") return state::VlanMode::kNativeUntagged;
  if (text == "dot1q-tunnel") return state::VlanMode::kDot1qTunnel;
  return std::nullopt;
}

std::set<uint16_t> VlansOf(const std::set<int64_t>& numbers) {
  return {numbers.begin(), numbers.end()};
}

VlanConfig ReadVlans(const RowReader& port) {
  VlanConfig vlans;
  vlans.mode = ModeOf(port.Text("vlan_mode"));
  if (const auto tag = port.Integer("tag")) vlans.tag = static_cast<uint16_t>(*tag);
  vlans.trunks = VlansOf(port.Integers("trunks"));
  vlans.cvlans = VlansOf(port.Integers("cvlans"));
  return vlans;
}

// What may pass at once where nobody says, as in profiles: so much of a second, and a few
// super-packets.
constexpr uint64_t kShaperBurstsPerSecond = 100;
constexpr uint64_t kPolicerBurstsPerSecond = 4;
constexpr uint64_t kMinBurstKb = 1049;
constexpr uint64_t kMinBurstPackets = 64;

uint64_t DefaultBurst(uint64_t rate, uint64_t bursts_per_second, uint64_t least) {
  return std::max(rate / bursts_per_second, least);
}

state::Policer ReadPolicer(const RowReader& interface) {
  const auto of = [&](const char* column) {
    return static_cast<uint64_t>(std::max<int64_t>(interface.Integer(column).value_or(0), 0));
  };
  state::Policer policer;
  policer.rate_kbps = of("ingress_policing_rate");
  if (policer.rate_kbps != 0) policer.burst_kb = of("ingress_policing_burst");
  if (policer.rate_kbps != 0 && policer.burst_kb == 0) {
    policer.burst_kb = DefaultBurst(policer.rate_kbps, kPolicerBurstsPerSecond, kMinBurstKb);
  }
  policer.rate_pps = of("ingress_policing_kpkts_rate") * 1000;
  if (policer.rate_pps != 0) policer.burst_packets = of("ingress_policing_kpkts_burst") * 1000;
  if (policer.rate_pps != 0 && policer.burst_packets == 0) {
    policer.burst_packets =
        DefaultBurst(policer.rate_pps, kPolicerBurstsPerSecond, kMinBurstPackets);
  }
  return policer;
}

// Bits per second and bits, of a QoS row's or a queue's other_config; 0: not said.
struct HtbRates {
  explicit HtbRates(const RowReader& row)
      : min(NumberIn(row.ValueOf("other_config", "min-rate"))),
        max(NumberIn(row.ValueOf("other_config", "max-rate"))),
        burst(NumberIn(row.ValueOf("other_config", "burst"))) {}
  uint64_t min;
  uint64_t max;
  uint64_t burst;
};

// The queue that takes what no flow puts elsewhere.
const Row* FindQueue0(const Tables& tables, const Row& qos) {
  const auto queues = qos.columns.find("queues");
  if (queues == qos.columns.end()) return nullptr;
  const ovsdb::Atom* const queue = queues->second.ValueOf(ovsdb::Atom(int64_t{0}));
  const auto* const uuid = queue == nullptr ? nullptr : std::get_if<ovsdb::Uuid>(queue);
  return uuid == nullptr ? nullptr : FindRow(tables, "Queue", *uuid);
}

// As in Open vSwitch nothing is held back without a max-rate: min-rate is a share, not a limit.
state::Shaper ReadHtb(const Tables& tables, const Row& qos) {
  HtbRates rates{RowReader(qos)};
  rates.min = 0;
  if (const Row* const queue0 = FindQueue0(tables, qos)) {
    const HtbRates queue{RowReader(*queue0)};
    rates.min = queue.min;
    if (queue.max != 0 && (rates.max == 0 || queue.max < rates.max)) rates.max = queue.max;
    if (rates.burst == 0) rates.burst = queue.burst;
  }
  const uint64_t max_kbps = rates.max / 1000;
  if (max_kbps == 0) return {};
  return {.min_kbps = std::min(rates.min / 1000, max_kbps),
          .max_kbps = max_kbps,
          .burst_kb = rates.burst == 0 ? DefaultBurst(max_kbps, kShaperBurstsPerSecond, kMinBurstKb)
                                       : rates.burst / 1000};
}

state::Shaper ReadShaper(const Tables& tables, const RowReader& port, std::string* note) {
  for (const ovsdb::Uuid& uuid : port.References("qos")) {
    const Row* const row = FindRow(tables, "QoS", uuid);
    if (row == nullptr) continue;
    const std::string type = RowReader(*row).Text("type");
    if (type == "linux-htb") return ReadHtb(tables, *row);
    if (type.empty() || type == "linux-noop") continue;
    *note = fmt::format("QoS type \"{}\" is without effect; use linux-htb", type);
  }
  return {};
}

// An iface-id that is no uuid is another system's label, unless a profile is asked for.
void ReadGuest(const RowReader& row, InterfaceConfig* interface) {
  interface->vm_id = row.ValueOf("external_ids", "vm-id").value_or("");
  interface->profile = row.ValueOf("external_ids", "port-profile").value_or("");
  if (const auto text = row.ValueOf("external_ids", "iface-id"); text && !text->empty()) {
    const auto id = PortId::Parse(*text);
    if (id.ok()) {
      interface->iface_id = *id;
    } else if (!interface->profile.empty()) {
      interface->mistake = fmt::format("external_ids:iface-id: {}", Message(id.status()));
    }
  }
  if (const auto text = row.ValueOf("external_ids", "attached-mac"); text && !text->empty()) {
    const auto mac = MacAddress::Parse(*text);
    if (mac.ok()) {
      interface->attached_mac = *mac;
    } else if (interface->IsGuest()) {
      interface->mistake = fmt::format("external_ids:attached-mac: {}", Message(mac.status()));
    }
  }
}

InterfaceConfig ReadInterface(const ovsdb::Uuid& uuid, const Row& row) {
  const RowReader reader(row);
  InterfaceConfig interface;
  interface.uuid = uuid;
  interface.name = reader.Text("name");
  interface.type = reader.Text("type");
  // "system" is another word for "".
  if (interface.type == "system") interface.type.clear();
  interface.policer = ReadPolicer(reader);
  if (const auto mtu = reader.Integer("mtu_request")) {
    interface.mtu_request = static_cast<uint32_t>(*mtu);
  }
  if (const auto ofport = reader.Integer("ofport_request")) {
    interface.ofport_request = static_cast<uint16_t>(*ofport);
  }
  if (const auto mac = MacAddress::Parse(reader.Text("mac")); mac.ok()) interface.mac = *mac;
  ReadGuest(reader, &interface);
  return interface;
}

void ReadPort(const Tables& tables, const Row& row, BridgeConfig* bridge) {
  const RowReader port(row);
  const std::vector<ovsdb::Uuid> members = port.References("interfaces");
  for (const ovsdb::Uuid& uuid : members) {
    const Row* const interface_row = FindRow(tables, "Interface", uuid);
    if (interface_row == nullptr) continue;
    InterfaceConfig interface = ReadInterface(uuid, *interface_row);
    interface.vlans = ReadVlans(port);
    interface.shaper = ReadShaper(tables, port, &interface.qos_note);
    if (members.size() > 1) {
      interface.mistake = fmt::format(
          "member of the bond \"{}\": bonds are not served; bond the devices in the kernel and add "
          "the bond device as a port",
          port.Text("name"));
    }
    bridge->interfaces.emplace(interface.name, std::move(interface));
  }
}

// 16 hexadecimal digits, or any number of them after 0x (ovs-vswitchd.conf.db(5)); not 0.
std::optional<uint64_t> DatapathIdIn(std::string text) {
  const bool prefixed = text.starts_with("0x") || text.starts_with("0X");
  if (prefixed) text.erase(0, 2);
  if (!prefixed && text.size() != 16) return std::nullopt;
  uint64_t id = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, id, 16);
  if (read.ec != std::errc() || read.ptr != end || id == 0) return std::nullopt;
  return id;
}

BridgeConfig ReadBridge(const Tables& tables, const ovsdb::Uuid& uuid, const Row& row) {
  const RowReader reader(row);
  BridgeConfig bridge;
  bridge.uuid = uuid;
  bridge.name = reader.Text("name");
  if (const auto text = reader.ValueOf("other_config", "hwaddr")) {
    if (const auto mac = MacAddress::Parse(*text); mac.ok()) bridge.hwaddr = *mac;
  }
  bridge.datapath_id = DatapathIdIn(reader.ValueOf("other_config", "datapath-id").value_or(""));
  for (const ovsdb::Uuid& port : reader.References("ports")) {
    if (const Row* const port_row = FindRow(tables, "Port", port)) {
      ReadPort(tables, *port_row, &bridge);
    }
  }
  return bridge;
}

// Columns, and keys of other_config, with an effect here, or that only carry what others say.
struct ServedColumns {
  std::set<std::string> columns;
  std::set<std::string> keys;
};

const std::map<std::string, ServedColumns>& Served() {
  static const auto* const served = new std::map<std::string, ServedColumns>{
      {"Open_vSwitch",
       {{"bridges", "next_cfg", "cur_cfg", "external_ids", "manager_options", "ssl", "db_version",
         "ovs_version", "system_type", "system_version", "datapath_types", "iface_types",
         "statistics"},
        {"stats-update-interval"}}},
      {"Bridge",
       {{"name", "ports", "external_ids", "datapath_id", "status", "datapath_version"},
        {"hwaddr", "datapath-id"}}},
      {"Port",
       {{"name", "interfaces", "tag", "trunks", "vlan_mode", "cvlans", "qos", "fake_bridge",
         "external_ids", "status", "statistics"},
        {}}},
      {"Interface",
       {{"name",
         "type",
         "external_ids",
         "ingress_policing_rate",
         "ingress_policing_burst",
         "ingress_policing_kpkts_rate",
         "ingress_policing_kpkts_burst",
         "mtu_request",
         "ofport_request",
         "ofport",
         "error",
         "mac_in_use",
         "ifindex",
         "link_state",
         "admin_state",
         "link_speed",
         "duplex",
         "link_resets",
         "mtu",
         "statistics",
         "status"},
        {}}},
  };
  return *served;
}

// Whether a column that is not served asks, in this row, for what is done anyway.
bool IsDoneAnyway(const std::string& table, const std::string& column, const RowReader& row) {
  if (table == "Bridge" && column == "fail_mode") return row.Text(column) == "standalone";
  if (table == "Bridge" && column == "datapath_type") return row.Text(column) == "system";
  if (table == "Interface" && column == "mac") return row.Text("type") == "internal";
  return false;
}

// `where` begins every line: "Bridge br0: ".
void AddColumns(const ServedColumns& served, const ovsdb::TableSchema& schema,
                const std::string& table, const Row& row, const std::string& where,
                std::vector<std::string>* result) {
  const RowReader reader(row);
  for (const auto& [column, column_schema] : schema.columns) {
    if (served.columns.contains(column) || !reader.IsSet(column, column_schema.type)) continue;
    if (column != "other_config") {
      if (!IsDoneAnyway(table, column, reader)) result->push_back(where + column);
      continue;
    }
    for (const ovsdb::Atom& atom : row.columns.at(column).keys) {
      const auto* const key = std::get_if<std::string>(&atom);
      if (key == nullptr || served.keys.contains(*key)) continue;
      result->push_back(fmt::format("{}{}:{}", where, column, *key));
    }
  }
}

// Of a port's QoS: all but a linux-htb's own rates and those of its queue 0.
void AddQos(const Tables& tables, const RowReader& port, const std::string& where,
            std::vector<std::string>* result) {
  for (const ovsdb::Uuid& uuid : port.References("qos")) {
    const Row* const qos = FindRow(tables, "QoS", uuid);
    if (qos == nullptr) continue;
    const RowReader reader(*qos);
    const std::string type = reader.Text("type");
    // These limit nothing in Open vSwitch, either.
    if (type.empty() || type == "linux-noop") continue;
    if (type != "linux-htb") {
      result->push_back(fmt::format("{}qos type={}", where, type));
      continue;
    }
    for (const int64_t queue : reader.Integers("queues")) {
      if (queue != 0) result->push_back(fmt::format("{}qos queues:{}", where, queue));
    }
    const Row* const queue0 = FindQueue0(tables, *qos);
    if (queue0 != nullptr && RowReader(*queue0).Integer("dscp")) {
      result->push_back(where + "qos queues:0 dscp");
    }
  }
}

}  // namespace

PortId InterfaceConfig::RowId() const {
  std::array<uint8_t, 16> bytes;
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<uint8_t>(uuid.high >> (56 - 8 * i));
    bytes[i + 8] = static_cast<uint8_t>(uuid.low >> (56 - 8 * i));
  }
  return PortId(bytes);
}

SwitchConfig ReadConfig(const Tables& tables) {
  SwitchConfig config;
  const auto roots = tables.find("Open_vSwitch");
  if (roots == tables.end()) return config;
  for (const auto& [uuid, row] : roots->second) {
    const RowReader reader(*row);
    config.next_cfg = reader.Integer("next_cfg").value_or(0);
    for (const ovsdb::Uuid& bridge_uuid : reader.References("bridges")) {
      const Row* const bridge_row = FindRow(tables, "Bridge", bridge_uuid);
      if (bridge_row == nullptr) continue;
      BridgeConfig bridge = ReadBridge(tables, bridge_uuid, *bridge_row);
      config.bridges.emplace(bridge.name, std::move(bridge));
    }
  }
  return config;
}

std::vector<std::string> NotActedOn(const ovsdb::DatabaseSchema& schema, const Tables& tables) {
  std::vector<std::string> result;
  for (const auto& [table, served] : Served()) {
    const auto table_schema = schema.tables.find(table);
    const auto rows = tables.find(table);
    if (table_schema == schema.tables.end() || rows == tables.end()) continue;
    for (const auto& [uuid, row] : rows->second) {
      const RowReader reader(*row);
      // The one row without a name is "." to ovs-vsctl.
      const std::string name = table == "Open_vSwitch" ? "." : reader.Text("name");
      const std::string where = fmt::format("{} {}: ", table, name);
      AddColumns(served, table_schema->second, table, *row, where, &result);
      if (table == "Port") AddQos(tables, reader, where, &result);
    }
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace outrider::ovs
