#include "vswitch/agent/local_switching.h"

#include <map>
#include <set>
#include <utility>

namespace outrider::agent {
namespace {

constexpr uint32_t kVlans = 4096;
// Devices keep their own MTU: a segment of this size refuses nothing.
constexpr uint32_t kAnyMtu = 65485;

// Without a vlan_mode it follows from what else is set.
state::VlanMode ModeOf(const ovs::VlanConfig& vlans) {
  if (vlans.mode) return *vlans.mode;
  if (!vlans.tag) return state::VlanMode::kTrunk;
  return vlans.trunks.empty() ? state::VlanMode::kAccess : state::VlanMode::kNativeTagged;
}

std::set<uint16_t> VlansNamed(const ovs::BridgeConfig& bridge) {
  std::set<uint16_t> named;
  for (const auto& [name, interface] : bridge.interfaces) {
    if (interface.vlans.tag) named.insert(*interface.vlans.tag);
    named.insert(interface.vlans.trunks.begin(), interface.vlans.trunks.end());
  }
  // Priority tags are untagged frames, and 4095 is reserved (IEEE 802.1Q).
  named.erase(0);
  named.erase(4095);
  return named;
}

class BridgePorts {
 public:
  BridgePorts(uint32_t number, const ovs::BridgeConfig& bridge)
      : number_(number), named_(VlansNamed(bridge)) {}

  void SetVlans(const ovs::VlanConfig& asked, state::Port* port) const {
    const uint16_t tag = asked.tag.value_or(0);
    port->vlans.mode = ModeOf(asked);
    switch (port->vlans.mode) {
      case state::VlanMode::kAccess:
        port->vni = LocalSegmentOf(number_, tag);
        return;
      case state::VlanMode::kDot1qTunnel:
        port->vni = LocalSegmentOf(number_, tag);
        port->vlans.customer = asked.cvlans;
        return;
      case state::VlanMode::kTrunk:
        if (asked.trunks.empty() || asked.trunks.contains(0))
          port->vni = LocalSegmentOf(number_, 0);
        port->vlans.trunk = TrunkOf(asked, 0);
        return;
      case state::VlanMode::kNativeTagged:
      case state::VlanMode::kNativeUntagged:
        port->vni = LocalSegmentOf(number_, tag);
        port->vlans.trunk = TrunkOf(asked, tag);
        port->vlans.native = tag;
        // Native VLAN 0 is what a trunk has anyway.
        if (tag == 0) port->vlans.mode = state::VlanMode::kTrunk;
        return;
    }
  }

 private:
  std::map<uint16_t, Vni> TrunkOf(const ovs::VlanConfig& asked, uint16_t native) const {
    std::map<uint16_t, Vni> trunk;
    for (const uint16_t vlan : asked.trunks.empty() ? named_ : asked.trunks) {
      if (vlan != 0 && vlan != 4095 && vlan != native) {
        trunk.emplace(vlan, LocalSegmentOf(number_, vlan));
      }
    }
    return trunk;
  }

  const uint32_t number_;
  const std::set<uint16_t> named_;
};

state::Port PortOf(const LocalPort& local) {
  state::Port port = MakeLocalPort(local.device, local.mac);
  port.ingress_policer = local.interface->policer;
  port.shaper = local.interface->shaper;
  port.mtu_request = local.interface->mtu_request.value_or(0);
  return port;
}

}  // namespace

Vni LocalSegmentOf(uint32_t bridge_number, uint16_t vlan) {
  return Vni::Local(bridge_number * kVlans + vlan).value();
}

uint16_t LocalVlanOf(const Vni& vni) {
  return vni.IsLocal() ? static_cast<uint16_t>((vni.value() - Vni::kMax - 1) % kVlans) : 0;
}

void AddLocalBridge(uint32_t bridge_number, const ovs::BridgeConfig& bridge,
                    const std::vector<LocalPort>& ports, LocalState* state) {
  const BridgePorts vlans(bridge_number, bridge);
  for (const LocalPort& local : ports) {
    state::Port port = PortOf(local);
    vlans.SetVlans(local.interface->vlans, &port);
    for (const Vni& vni : state::SegmentsOf(port)) {
      state->segments.try_emplace(vni, MakeLocalSegment(kAnyMtu));
    }
    state->ports.emplace(local.id, std::move(port));
  }
}

}  // namespace outrider::agent
