#include "tests/bpf/drop_cases.h"

namespace outrider::tests {
namespace {

// What is rejected without an answer.
Bytes ResetTo(const std::string& dst_mac) {
  return FromA(dst_mac).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1000, 2000, 0x04).Build();
}

state::RuleSet RejectAll() { return {.rules = {}, .default_action = state::AclAction::kReject}; }

Bytes ArpFrom(const std::string& sender) {
  return FromA(kBroadcast)
      .Arp({.sender_mac = Mac(sender), .sender_ip = kIpA, .target_mac = {}, .target_ip = kIpB})
      .Build();
}

std::vector<DropCase> PortCases() {
  return {
      {"device_without_port", 0, OR_DROP_PORT_UNKNOWN, UdpTo(kMacB),
       [](BpfSwitch& s) {
         return s.Map<uint32_t, uint32_t>("or_devices")
             .Delete(static_cast<uint32_t>(s.tap(1).ifindex()));
       }},
      {"ifindex_of_another_device", 0, OR_DROP_PORT_UNKNOWN, UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->ifindex += 1000; })},
      {"blocked", 1, OR_DROP_PORT_BLOCKED, UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->phase = abi::OR_PORT_BLOCKED; })},
      {"unknown_phase_is_blocked", 1, OR_DROP_PORT_BLOCKED, UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->phase = 77; })},
      {"departed", 1, OR_DROP_PORT_DEPARTED, UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->phase = abi::OR_PORT_DEPARTED; })},
      {"to_departed_port_without_a_way", 2, OR_DROP_PORT_DEPARTED, UdpTo(kMacB),
       WithPort(2, [](abi::or_port* p) { p->phase = abi::OR_PORT_DEPARTED; })},
      {"to_moving_port_that_is_not_watched", 2, OR_DROP_PORT_DEPARTED, UdpTo(kMacB),
       WithPort(2,
                [](abi::or_port* p) {
                  p->phase = abi::OR_PORT_DEPARTED;
                  p->flags |= OR_PORT_MOVING;
                })},
      {"to_blocked_port", 2, OR_DROP_PORT_BLOCKED, UdpTo(kMacB),
       WithPort(2, [](abi::or_port* p) { p->phase = abi::OR_PORT_BLOCKED; })},
      {"to_armed_port", 2, OR_DROP_PORT_ARMED, UdpTo(kMacB),
       WithPort(2, [](abi::or_port* p) { p->phase = abi::OR_PORT_ARMED; })},
      {"to_port_of_another_segment", 2, OR_DROP_PORT_BLOCKED, UdpTo(kMacB),
       WithPort(2, [](abi::or_port* p) { p->vni = kOtherVni; })},
      {"to_port_without_device", 2, OR_DROP_PORT_UNKNOWN, UdpTo(kMacB),
       WithPort(2, [](abi::or_port* p) { p->ifindex = 0; })},
      {"to_port_that_is_gone", 9, OR_DROP_PORT_UNKNOWN, UdpTo(kMacUnknown),
       [](BpfSwitch& s) { return s.SetFdb(kVni, kMacUnknown, abi::OR_FDB_LOCAL, 9); }},
      {"spoofed", 1, OR_DROP_SPOOFED_MAC,
       PacketBuilder(kMacB, kMacC).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build()},
      {"spoofed_inside_arp", 1, OR_DROP_SPOOFED_MAC, ArpFrom(kMacC)},
      {"acl_ingress", 1, OR_DROP_ACL_INGRESS, UdpTo(kMacB),
       [](BpfSwitch& s) {
         abi::or_port port = s.StandardPort(1);
         port.ingress_rule_set = 5;
         RETURN_IF_ERROR(s.SetRuleSet(5, {}, abi::OR_ACL_DROP));
         return s.SetPort(1, port);
       }},
      {"acl_egress", 2, OR_DROP_ACL_EGRESS, UdpTo(kMacB),
       [](BpfSwitch& s) {
         abi::or_port port = s.StandardPort(2);
         port.egress_rule_set = 5;
         RETURN_IF_ERROR(s.SetRuleSet(5, {}, abi::OR_ACL_DROP));
         return s.SetPort(2, port);
       }},
      {"acl_reject_ingress", 1, OR_DROP_ACL_REJECT_INGRESS, ResetTo(kMacB),
       [](BpfSwitch& s) {
         abi::or_port port = s.StandardPort(1);
         port.ingress_rule_set = 5;
         RETURN_IF_ERROR(s.SetRuleSet(5, RejectAll()));
         return s.SetPort(1, port);
       }},
      {"acl_reject_egress", 2, OR_DROP_ACL_REJECT_EGRESS, ResetTo(kMacB),
       [](BpfSwitch& s) {
         abi::or_port port = s.StandardPort(2);
         port.egress_rule_set = 5;
         RETURN_IF_ERROR(s.SetRuleSet(5, RejectAll()));
         return s.SetPort(2, port);
       }},
      {"rule_set_missing", 1, OR_DROP_RULE_SET_MISSING, UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->ingress_rule_set = 6; })},
      {"egress_rule_set_missing", 2, OR_DROP_RULE_SET_MISSING, UdpTo(kMacB),
       WithPort(2, [](abi::or_port* p) { p->egress_rule_set = 6; })},
      {"over_mtu", 1, OR_DROP_OVER_MTU, UdpTo(kMacB, kMtu - 28 + 1)},
      {"multicast_unknown", 1, OR_DROP_MULTICAST_UNKNOWN,
       FromA("01:00:5e:01:02:03").Ipv4({.src = kIpA, .dst = "239.1.2.3"}).Udp(1, 2).Build(),
       [](BpfSwitch& s) {
         return s.SetSegment(kVni, OR_SEGMENT_SNOOP_MULTICAST | OR_SEGMENT_DROP_UNKNOWN_MULTICAST);
       }},
      {"gso_over_mtu",
       1,
       OR_DROP_OVER_MTU,
       FromA(kMacB).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1, 2).Payload(3000).Build(),
       [](BpfSwitch&) { return absl::OkStatus(); },
       "or_from_port",
       {.gso_size = kMtu - 40 + 1},
       3},
  };
}

// More of them: vlan_test.cc.
std::vector<DropCase> VlanCases() {
  return {
      {"tagged", 1, OR_DROP_VLAN_TAGGED,
       FromA(kMacB).Vlan(5).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build()},
      {"tagged_qinq", 1, OR_DROP_VLAN_TAGGED,
       FromA(kMacB).Vlan(5, 0x88a8).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build()},
      {"tagged_below_a_priority_tag", 1, OR_DROP_VLAN_TAGGED,
       FromA(kMacB).Vlan(0).Vlan(5).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build()},
      {"vlan_not_allowed", 1, OR_DROP_VLAN_NOT_ALLOWED,
       FromA(kMacB).Vlan(5).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build(),
       WithPort(1, [](abi::or_port* p) { p->vlan_mode = abi::OR_VLAN_TRUNK; })},
      {"untagged_on_trunk", 1, OR_DROP_UNTAGGED_ON_TRUNK, UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->vlan_mode = abi::OR_VLAN_TRUNK; })},
  };
}

std::vector<DropCase> MalformedCases() {
  const Ipv4Fields v4 = {.src = kIpA, .dst = kIpB};
  const Ipv6Fields v6 = {.src = "fd00::1", .dst = "fd00::2"};
  Ipv4Fields wrong_version = v4;
  wrong_version.version = 5;
  Ipv4Fields too_long = v4;
  too_long.total_length = 2000;
  Ipv4Fields cuts_ports = v4;
  cuts_ports.total_length = 22;
  Ipv4Fields first_fragment = v4;
  first_fragment.more_fragments = true;
  first_fragment.protocol = 6;
  Ipv6Fields jumbo = v6;
  jumbo.payload_length = 2000;
  auto malformed = [](const std::string& name, const PacketBuilder& packet) {
    return DropCase{name, 1, OR_DROP_MALFORMED, packet.Build()};
  };
  PacketBuilder deep = FromA(kMacB).Ipv6(v6);
  for (int i = 0; i < 12; ++i) deep.Extension(60);
  return {
      malformed("source_is_multicast", PacketBuilder(kMacB, "53:54:00:00:00:01").Payload(46)),
      malformed("ipv4_version_5", FromA(kMacB).Ipv4(wrong_version).Udp(1, 2)),
      malformed("ipv4_longer_than_frame", FromA(kMacB).Ipv4(too_long).Udp(1, 2)),
      malformed("ports_in_the_padding", FromA(kMacB).Ipv4(cuts_ports).Udp(1, 2)),
      malformed("tiny_first_fragment", FromA(kMacB).Ipv4(first_fragment).Payload(8)),
      malformed(
          "tcp_cut_short",
          FromA(kMacB).Ipv4({.src = kIpA, .dst = kIpB, .options = {}, .protocol = 6}).Payload(19)),
      malformed("ipv6_longer_than_frame", FromA(kMacB).Ipv6(jumbo).Udp(1, 2)),
      malformed("ipv6_mapped_source", FromA(kMacB).Ipv6({.src = kIpA, .dst = "fd00::2"}).Udp(1, 2)),
      malformed("ipv6_too_many_extensions", deep.Udp(1, 2)),
      malformed("arp_for_token_ring",
                FromA(kBroadcast).Arp({.sender_mac = Mac(kMacA), .target_mac = {}, .hardware = 6})),
  };
}

// Port `index` with a list of one rule for everything in one direction, and with so many
// connections.
std::function<absl::Status(BpfSwitch&)> WithRule(uint32_t index, bool ingress,
                                                 state::AclAction action,
                                                 uint32_t max_connections = 0) {
  return [=](BpfSwitch& s) {
    state::RuleSet set;
    set.rules.resize(1);
    set.rules[0].action = action;
    RETURN_IF_ERROR(s.SetRuleSet(1, set));
    abi::or_port port = s.StandardPort(index);
    (ingress ? port.ingress_rule_set : port.egress_rule_set) = 1;
    port.max_connections = max_connections;
    if (max_connections != 0) port.flags |= OR_PORT_STATEFUL;
    RETURN_IF_ERROR((s.Map<uint32_t, uint32_t>("or_connection_counts").Update(index, 1)));
    return s.SetPort(index, port);
  };
}

std::vector<DropCase> FilterCases() {
  const Bytes tcp = FromA(kMacB).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1000, 80).Build();
  return {
      {"no_share", 1, OR_DROP_CONNECTIONS_FULL, UdpTo(kMacB),
       WithRule(1, true, state::AclAction::kAllowRelated)},
      {"share_used_up", 2, OR_DROP_CONNECTIONS_FULL, UdpTo(kMacB),
       WithRule(2, false, state::AclAction::kAllowRelated, 1)},
      {"mid_stream", 1, OR_DROP_CONNECTION_INVALID, tcp,
       WithRule(1, true, state::AclAction::kAllowRelated, 10)},
  };
}

std::vector<DropCase> SwitchingCases() {
  return {
      {"unknown_unicast", 1, OR_DROP_UNKNOWN_UNICAST, UdpTo(kMacUnknown)},
      {"segment_unknown", 1, OR_DROP_SEGMENT_UNKNOWN, UdpTo(kBroadcast),
       [](BpfSwitch& s) { return s.Map<uint32_t, abi::or_segment>("or_segments").Delete(kVni); }},
      {"hairpin", 1, OR_DROP_HAIRPIN, UdpTo(kMacA)},
      {"vtep_unknown", 1, OR_DROP_ENCAP_FAILED, UdpTo(kMacRemote),
       [](BpfSwitch& s) { return s.Map<uint32_t, abi::or_vtep>("or_vteps").Delete(1); }},
      {"copy_to_a_device_that_is_gone", 2, OR_DROP_REDIRECT_FAILED, UdpTo(kBroadcast),
       WithPort(2, [](abi::or_port* p) { p->ifindex = 99999; })},
      {"reserved_multicast", 1, OR_DROP_RESERVED_MULTICAST,
       FromA("01:80:c2:00:00:0e").EtherType(0x88cc).Payload(46).Build()},
  };
}

}  // namespace

std::vector<DropCase> FromPortDropCases() {
  return Joined({PortCases(), VlanCases(), MalformedCases(), FilterCases(), SwitchingCases()});
}

}  // namespace outrider::tests
