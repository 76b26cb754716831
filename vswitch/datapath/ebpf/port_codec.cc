#include "vswitch/datapath/ebpf/port_codec.h"

#include <algorithm>
#include <cstring>

#include "vswitch/datapath/ebpf/inventory.h"

namespace outrider::datapath::ebpf {
namespace {

uint8_t EncodePhase(state::PortPhase phase) {
  switch (phase) {
    case state::PortPhase::kBlocked:
      return abi::OR_PORT_BLOCKED;
    case state::PortPhase::kArmed:
      return abi::OR_PORT_ARMED;
    case state::PortPhase::kActive:
      return abi::OR_PORT_ACTIVE;
    case state::PortPhase::kDeparted:
      return abi::OR_PORT_DEPARTED;
  }
  return abi::OR_PORT_BLOCKED;
}

state::PortPhase DecodePhase(uint8_t phase) {
  switch (phase) {
    case abi::OR_PORT_ARMED:
      return state::PortPhase::kArmed;
    case abi::OR_PORT_ACTIVE:
      return state::PortPhase::kActive;
    case abi::OR_PORT_DEPARTED:
      return state::PortPhase::kDeparted;
    default:
      return state::PortPhase::kBlocked;
  }
}

// NUL-padded; the last byte stays 0. Validate() keeps texts within the size.
template <size_t N>
void CopyText(const std::string& text, char (&field)[N]) {
  std::memcpy(field, text.data(), std::min(text.size(), N - 1));
}

template <size_t N>
std::string ReadText(const char (&field)[N]) {
  return std::string(field, strnlen(field, N));
}

// What connections remember of the set that admitted them.
uint64_t ContentOf(const std::optional<Digest>& digest) {
  uint64_t content = 0;
  if (digest) std::memcpy(&content, digest->bytes().data(), sizeof(content));
  return content;
}

// False when the id is set and unknown.
bool DecodeRuleSetId(uint32_t id, const std::map<uint32_t, Digest>& rule_sets,
                     std::optional<Digest>* digest) {
  if (id == 0) return true;
  const auto found = rule_sets.find(id);
  if (found == rule_sets.end()) return false;
  *digest = found->second;
  return true;
}

// False when the map is missing or is not that of such a port.
bool DecodePortVlans(const abi::or_port& row, const VlanMaps& vlan_maps, state::Port* port) {
  const auto map = vlan_maps.find(row.vlan_map);
  if (row.vlan_map != 0 && map == vlan_maps.end()) return false;
  const auto vlans =
      DecodeVlans(row.vlan_mode, port->vni, row.vlan_map == 0 ? VlanMap{} : map->second);
  if (vlans) port->vlans = *vlans;
  return vlans.has_value();
}

}  // namespace

abi::or_port EncodePort(const state::Port& port, const PortReferences& references) {
  abi::or_port row{};
  row.ifindex = references.ifindex;
  row.device = references.device;
  row.vni = port.vni ? port.vni->value() : 0;
  CopyBytes(port.mac.bytes(), row.mac);
  row.phase = EncodePhase(port.phase);
  if (port.mac_anti_spoof) row.flags |= OR_PORT_ANTI_SPOOF;
  if (port.report_first_frame) row.flags |= OR_PORT_REPORT_FIRST_FRAME;
  if (port.max_connections != 0) row.flags |= OR_PORT_STATEFUL;
  if (port.keep_established) row.flags |= OR_PORT_KEEP_ESTABLISHED;
  if (port.learn_macs) row.flags |= OR_PORT_LEARN_MACS;
  if (references.moving) row.flags |= OR_PORT_MOVING;
  if (references.names_groups) row.flags |= OR_PORT_NAMES_GROUPS;
  if (references.rejects) row.flags |= OR_PORT_REJECTS;
  row.max_connections = port.max_connections;
  row.ingress_content = ContentOf(port.ingress_rule_set);
  row.egress_content = ContentOf(port.egress_rule_set);
  row.ingress_rule_set = references.ingress_rule_set;
  row.egress_rule_set = references.egress_rule_set;
  row.mtu = references.mtu;
  row.vlan_map = references.vlan_map;
  row.vlan_mode = EncodeVlanMode(port.vlans.mode);
  row.epoch = static_cast<uint64_t>(port.epoch);
  EncodePolicy(port, references.policy, &row);
  return row;
}

abi::or_port_info EncodePortInfo(const PortId& id, const state::Port& port) {
  abi::or_port_info info{};
  CopyBytes(id.bytes(), info.uuid);
  CopyText(port.device.value_or(""), info.device);
  CopyText(port.profile, info.profile);
  CopyText(port.migration_id, info.migration);
  info.profile_revision = port.profile_revision;
  info.mtu_request = port.mtu_request;
  info.local = state::IsLocal(port) ? 1 : 0;
  EncodePolicyInfo(port, &info);
  return info;
}

PortId DecodePortId(const abi::or_port_info& info) { return PortId(ToArray(info.uuid)); }

std::string DecodeDevice(const abi::or_port_info& info) { return ReadText(info.device); }

std::optional<state::Port> DecodePort(const abi::or_port& row, const abi::or_port_info& info,
                                      const std::map<uint32_t, Digest>& rule_sets,
                                      const Inventory& inventory) {
  state::Port port;
  if (!DecodePolicy(row, info, inventory, &port)) return std::nullopt;
  if (row.vni != 0) {
    const auto vni = Vni::FromValue(row.vni);
    if (!vni.ok()) return std::nullopt;
    port.vni = *vni;
  }
  if (!DecodePortVlans(row, inventory.vlan_maps, &port)) return std::nullopt;
  if (!DecodeRuleSetId(row.ingress_rule_set, rule_sets, &port.ingress_rule_set) ||
      !DecodeRuleSetId(row.egress_rule_set, rule_sets, &port.egress_rule_set)) {
    return std::nullopt;
  }
  port.mac = MacAddress(ToArray(row.mac));
  port.profile = ReadText(info.profile);
  port.profile_revision = info.profile_revision;
  port.mac_anti_spoof = (row.flags & OR_PORT_ANTI_SPOOF) != 0;
  port.report_first_frame = (row.flags & OR_PORT_REPORT_FIRST_FRAME) != 0;
  port.keep_established = (row.flags & OR_PORT_KEEP_ESTABLISHED) != 0;
  port.learn_macs = (row.flags & OR_PORT_LEARN_MACS) != 0;
  port.mtu_request = info.mtu_request;
  port.max_connections = row.max_connections;
  port.phase = DecodePhase(row.phase);
  port.epoch = Epoch{row.epoch};
  port.migration_id = ReadText(info.migration);
  if (std::string device = DecodeDevice(info); !device.empty()) port.device = std::move(device);
  return port;
}

}  // namespace outrider::datapath::ebpf
