#include "vswitch/agent/host_facts.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "vswitch/agent/local_switching.h"
#include "vswitch/ovs/row_reader.h"
#include "vswitch/ovs/switch_status.h"

namespace outrider::agent {
namespace {

uint64_t StatisticOf(const ovs::DeviceFacts& device, const std::string& name) {
  const auto found = device.statistics.find(name);
  return found == device.statistics.end() ? 0 : static_cast<uint64_t>(found->second);
}

void AddDevice(const ovs::DeviceFacts& device, ovs::PortFacts* facts) {
  facts->mac = device.mac;
  facts->ifindex = device.ifindex;
  facts->mtu = device.mtu;
  facts->admin_up = device.admin_up;
  facts->link_up = device.link_up;
  facts->speed_mbps = static_cast<uint32_t>(device.speed_bps / 1'000'000);
  facts->rx_packets = StatisticOf(device, "rx_packets");
  facts->rx_bytes = StatisticOf(device, "rx_bytes");
  facts->rx_errors = StatisticOf(device, "rx_errors");
  facts->rx_dropped = StatisticOf(device, "rx_dropped");
  facts->tx_packets = StatisticOf(device, "tx_packets");
  facts->tx_bytes = StatisticOf(device, "tx_bytes");
  facts->tx_errors = StatisticOf(device, "tx_errors");
  facts->tx_dropped = StatisticOf(device, "tx_dropped");
}

// By what number a bridge knows a port; nullptr: not its port.
const ovs::PortFacts* FindPort(const ovs::BridgeFacts& bridge, const PortId& id) {
  const auto found = std::find_if(bridge.ports.begin(), bridge.ports.end(),
                                  [&](const auto& entry) { return entry.second.id == id; });
  return found == bridge.ports.end() ? nullptr : &found->second;
}

// The port that is in force for an interface: an iface-id may be several interfaces' label.
std::optional<PortId> InForce(const ovs::InterfaceConfig& interface,
                              const state::HostState& in_force) {
  for (const PortId& id : {interface.Id(), interface.RowId()}) {
    const auto port = in_force.ports.find(id);
    if (port == in_force.ports.end()) continue;
    if (interface.type == "internal" || port->second.device == interface.name) return id;
  }
  return std::nullopt;
}

}  // namespace

ovs::PortFacts HostFacts::LookAtPort(const ovs::InterfaceConfig& interface,
                                     const ovs::InterfaceReport* report,
                                     const state::HostState& in_force) {
  const auto now = dependencies_.clock();
  const auto noted = since_.find(interface.uuid);
  const auto since = noted == since_.end() ? now : noted->second;
  ovs::PortFacts facts;
  facts.name = interface.name;
  facts.type = interface.type;
  facts.duration_ns = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(now - since).count());
  facts.id = InForce(interface, in_force);
  if (report != nullptr && report->device) AddDevice(*report->device, &facts);
  return facts;
}

ovs::BridgeFacts HostFacts::LookAtBridge(const ovs::BridgeConfig& bridge,
                                         const ovs::SwitchReport& report,
                                         const state::HostState& in_force) {
  ovs::BridgeFacts facts;
  facts.name = bridge.name;
  facts.datapath_id = ovs::DatapathIdOf(bridge);
  for (const auto& [name, interface] : bridge.interfaces) {
    const ovs::RowPtr row = dependencies_.database->Find("Interface", interface.uuid);
    const int64_t number = row == nullptr ? 0 : ovs::RowReader(*row).Integer("ofport").value_or(0);
    if (number <= 0 || number > std::numeric_limits<uint16_t>::max()) continue;
    const auto found = report.interfaces.find(name);
    ovs::PortFacts port = LookAtPort(
        interface, found == report.interfaces.end() ? nullptr : &found->second, in_force);
    port.ofport = static_cast<uint16_t>(number);
    facts.ports.emplace(port.ofport, std::move(port));
  }
  for (const auto& [ofport, port] : facts.ports) {
    if (!port.id) continue;
    for (const Vni& vni : state::SegmentsOf(in_force.ports.at(*port.id))) {
      facts.vlans.emplace(vni, vni.IsLocal() ? LocalVlanOf(vni) : uint16_t{0});
    }
  }
  AddFdb(in_force, &facts);
  return facts;
}

// What the configuration says is static; stations heard behind ports have an age.
void HostFacts::AddFdb(const state::HostState& in_force, ovs::BridgeFacts* facts) {
  for (const auto& [key, entry] : in_force.fdb) {
    const auto vlan = facts->vlans.find(key.vni);
    const auto* const id = std::get_if<PortId>(&entry.where);
    if (vlan == facts->vlans.end()) continue;
    const ovs::PortFacts* const port = id == nullptr ? nullptr : FindPort(*facts, *id);
    if (id != nullptr && port == nullptr) continue;
    facts->fdb.push_back({.ofport = port == nullptr ? ovs::kTunnelOfport : port->ofport,
                          .vlan = vlan->second,
                          .mac = key.mac,
                          .age_s = std::nullopt});
  }
  const auto stations =
      dependencies_.stations->ListStations(std::nullopt, std::numeric_limits<size_t>::max());
  if (!stations.ok()) return;
  for (const datapath::Station& station : stations->stations) {
    const auto vlan = facts->vlans.find(station.vni);
    if (vlan == facts->vlans.end() || !station.port) continue;
    const ovs::PortFacts* const port = FindPort(*facts, *station.port);
    if (port == nullptr) continue;
    facts->fdb.push_back({.ofport = port->ofport,
                          .vlan = vlan->second,
                          .mac = station.mac,
                          .age_s = station.heard_s});
  }
}

ovs::SwitchFacts HostFacts::Look() {
  ovs::SwitchFacts facts;
  facts.version = dependencies_.version;
  facts.in_force = RunOn(dependencies_.reconciler_executor, [this] {
    return std::make_shared<const state::HostState>(dependencies_.reconciler->applied());
  });
  if (auto counters = dependencies_.counters->ReadPorts(); counters.ok()) {
    facts.counters = std::move(*counters);
  }
  if (auto drops = dependencies_.counters->ReadHostDrops(); drops.ok()) {
    facts.host_drops = std::move(*drops);
  }
  for (const auto& [name, bridge] : dependencies_.view->config().bridges) {
    facts.bridges.emplace(name,
                          LookAtBridge(bridge, dependencies_.view->report(), *facts.in_force));
  }
  return facts;
}

absl::Status HostFacts::FlushFdb(const std::string& bridge) {
  const ovs::SwitchFacts facts = Look();
  for (const auto& [name, one] : facts.bridges) {
    if (!bridge.empty() && name != bridge) continue;
    for (const auto& [vni, vlan] : one.vlans) {
      if (!vni.IsLocal()) continue;
      RETURN_IF_ERROR(dependencies_.stations->FlushStations(vni).status());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<datapath::Trace> HostFacts::Trace(const std::string& bridge, uint16_t ofport,
                                                 const std::vector<uint8_t>& frame) {
  const ovs::SwitchFacts facts = Look();
  const auto found = facts.bridges.find(bridge);
  if (found == facts.bridges.end()) return absl::NotFoundError(bridge + ": unknown bridge");
  const auto port = found->second.ports.find(ofport);
  if (port == found->second.ports.end() || !port->second.id) {
    return absl::NotFoundError(fmt::format("{}: no port {} that forwards", bridge, ofport));
  }
  return dependencies_.tracer->TraceFrame(
      {.port = *port->second.id, .frame = frame, .from_vtep = std::nullopt, .vni = 0});
}

}  // namespace outrider::agent
