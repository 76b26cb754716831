#include "tests/bpf/port_setups.h"

namespace outrider::tests {
namespace {

state::AclRule Open(uint8_t protocol, uint16_t dst_port) {
  state::AclRule rule;
  rule.action = state::AclAction::kAllowRelated;
  rule.protocol = protocol;
  if (dst_port != 0) rule.dst_port = {dst_port, dst_port};
  return rule;
}

absl::Status Secure(BpfSwitch& s, uint32_t index) {
  abi::or_port port = s.StandardPort(index);
  port.policy = OR_POLICY_IP_ANTI_SPOOF | OR_POLICY_DHCP_GUARD | OR_POLICY_RA_GUARD |
                OR_POLICY_MARK | OR_POLICY_PIPE;
  port.dscp = 10;
  port.outer_dscp = 20;
  RETURN_IF_ERROR(s.SetPort(index, port));
  return s.Allow(index, kMacA, {"10.0.0.0/24", "fd00::/64"});
}

absl::Status AnyMac(BpfSwitch& s, uint32_t index) {
  abi::or_port port = s.StandardPort(index);
  port.flags = 0;
  port.max_macs = 1;
  RETURN_IF_ERROR((s.Map<uint32_t, abi::or_mac_window>("or_mac_windows").Update(index, {})));
  return s.SetPort(index, port);
}

// VLAN 5 and untagged frames are of the segment.
absl::Status Trunk(BpfSwitch& s, uint32_t index) {
  abi::or_port port = s.StandardPort(index);
  port.vlan_mode = abi::OR_VLAN_NATIVE_UNTAGGED;
  port.vlan_map = 1;
  for (const uint32_t vlan : {0u, 5u}) {
    RETURN_IF_ERROR(
        (s.Map<abi::or_vlan_key, uint32_t>("or_vlan_segments").Update({1, vlan}, kVni)));
  }
  RETURN_IF_ERROR((s.Map<abi::or_vlan_tag_key, uint32_t>("or_vlan_tags").Update({1, kVni}, 5)));
  return s.SetPort(index, port);
}

absl::Status Tunnel(BpfSwitch& s, uint32_t index) {
  abi::or_port port = s.StandardPort(index);
  port.vlan_mode = abi::OR_VLAN_DOT1Q_TUNNEL;
  return s.SetPort(index, port);
}

// A segment that answers, floods and snoops; B's addresses are known.
absl::Status Served(BpfSwitch& s) {
  RETURN_IF_ERROR(s.SetNeighbor(kVni, kStationB.ip, kStationB.mac));
  RETURN_IF_ERROR(s.SetNeighbor(kVni, kStationB.ip6, kStationB.mac));
  return s.SetSegment(kVni, OR_SEGMENT_SUPPRESS_ARP | OR_SEGMENT_SUPPRESS_ND |
                                OR_SEGMENT_FLOOD_UNKNOWN | OR_SEGMENT_SNOOP_MULTICAST |
                                OR_SEGMENT_DROP_UNKNOWN_MULTICAST);
}

}  // namespace

absl::Status SetStatefulPort(BpfSwitch& s, uint32_t index, state::AclAction default_action) {
  const state::RuleSet rules = {.rules = {Open(6, 80), Open(17, 53), Open(1, 0), Open(58, 0)},
                                .default_action = default_action};
  RETURN_IF_ERROR(s.SetRuleSet(100 + index, rules));
  RETURN_IF_ERROR((s.Map<uint32_t, uint32_t>("or_connection_counts").Update(index, 0)));
  RETURN_IF_ERROR((s.Map<uint32_t, abi::or_fragments>("or_fragments").Update(index, {})));
  abi::or_port port = s.StandardPort(index);
  port.ingress_rule_set = 100 + index;
  port.egress_rule_set = 100 + index;
  port.flags |= OR_PORT_STATEFUL;
  port.max_connections = 100;
  return s.SetPort(index, port);
}

std::vector<PortSetup> PortSetups(uint32_t index) {
  const auto of_port = [index](absl::Status (*rows)(BpfSwitch&, uint32_t)) {
    return [=](BpfSwitch& s) { return rows(s, index); };
  };
  const auto stateful = [index](state::AclAction action) {
    return [=](BpfSwitch& s) { return SetStatefulPort(s, index, action); };
  };
  return {
      {"plain", [](BpfSwitch&) { return absl::OkStatus(); }},
      {"stateful", stateful(state::AclAction::kDrop)},
      {"rejecting", stateful(state::AclAction::kReject)},
      {"secured", of_port(Secure)},
      {"any MAC", of_port(AnyMac)},
      {"trunk", of_port(Trunk)},
      {"dot1q-tunnel", of_port(Tunnel)},
      {"served", Served, true},
  };
}

}  // namespace outrider::tests
