#include "vswitch/datapath/ebpf/vlan_codec.h"

#include "vswitch/abi/or_abi.h"

namespace outrider::datapath::ebpf {
namespace {

std::optional<state::VlanMode> DecodeVlanMode(uint8_t mode) {
  switch (mode) {
    case abi::OR_VLAN_ACCESS:
      return state::VlanMode::kAccess;
    case abi::OR_VLAN_TRUNK:
      return state::VlanMode::kTrunk;
    case abi::OR_VLAN_NATIVE_TAGGED:
      return state::VlanMode::kNativeTagged;
    case abi::OR_VLAN_NATIVE_UNTAGGED:
      return state::VlanMode::kNativeUntagged;
    case abi::OR_VLAN_DOT1Q_TUNNEL:
      return state::VlanMode::kDot1qTunnel;
    default:
      return std::nullopt;
  }
}

}  // namespace

uint8_t EncodeVlanMode(state::VlanMode mode) {
  switch (mode) {
    case state::VlanMode::kAccess:
      return abi::OR_VLAN_ACCESS;
    case state::VlanMode::kTrunk:
      return abi::OR_VLAN_TRUNK;
    case state::VlanMode::kNativeTagged:
      return abi::OR_VLAN_NATIVE_TAGGED;
    case state::VlanMode::kNativeUntagged:
      return abi::OR_VLAN_NATIVE_UNTAGGED;
    case state::VlanMode::kDot1qTunnel:
      return abi::OR_VLAN_DOT1Q_TUNNEL;
  }
  return abi::OR_VLAN_ACCESS;
}

VlanMap EncodeVlans(const state::Port& port) {
  VlanMap map;
  const uint32_t untagged = port.vni ? port.vni->value() : 0;
  for (const uint16_t vlan : port.vlans.customer) map.segments[vlan] = untagged;
  for (const auto& [vlan, vni] : port.vlans.trunk) {
    map.segments[vlan] = vni.value();
    map.tags[vni.value()] = vlan;
  }
  // A local trunk whose untagged frames have no VLAN by another name.
  if (port.vlans.mode == state::VlanMode::kTrunk && port.vni) {
    map.segments[0] = untagged;
    map.tags[untagged] = 0;
  }
  if (port.vlans.native == 0) return map;
  // A guest may tag the native VLAN in either mode (ovs-vswitchd.conf.db(5), vlan_mode).
  map.segments[0] = untagged;
  map.segments[port.vlans.native] = untagged;
  const bool tagged = port.vlans.mode == state::VlanMode::kNativeTagged;
  map.tags[untagged] = tagged ? port.vlans.native : 0;
  return map;
}

std::optional<state::PortVlans> DecodeVlans(uint8_t mode, const std::optional<Vni>& vni,
                                            const VlanMap& map) {
  const auto decoded = DecodeVlanMode(mode);
  if (!decoded) return std::nullopt;
  state::Port port;
  port.vni = vni;
  port.vlans.mode = *decoded;
  const bool native =
      *decoded == state::VlanMode::kNativeTagged || *decoded == state::VlanMode::kNativeUntagged;
  const bool trunk = *decoded == state::VlanMode::kTrunk;
  if (map.segments.contains(0) != (native || (trunk && vni))) return std::nullopt;
  for (const auto& [number, segment] : map.segments) {
    const auto vlan = static_cast<uint16_t>(number);
    if (*decoded == state::VlanMode::kDot1qTunnel) {
      port.vlans.customer.insert(vlan);
    } else if (native && vni && segment == vni->value()) {
      if (vlan != 0) port.vlans.native = vlan;
    } else if (const auto carried = Vni::FromValue(segment); carried.ok() && vlan != 0) {
      port.vlans.trunk.emplace(vlan, *carried);
    }
  }
  if (EncodeVlans(port) != map) return std::nullopt;
  return port.vlans;
}

}  // namespace outrider::datapath::ebpf
