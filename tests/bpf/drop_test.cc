// One case per way to lose a frame that BPF_PROG_TEST_RUN can reach: rows, packet, and the one
// counter that must move. What needs real tunnel metadata is in overlay_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "tests/bpf/bpf_switch.h"
#include "tests/bpf/overlay_cases.h"
#include "tests/bpf/traced_switch.h"

namespace outrider::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

struct DropCase {
  std::string name;
  // Where the drop is counted.
  uint32_t port;
  uint32_t reason;
  Bytes packet;
  std::function<absl::Status(BpfSwitch&)> rows = [](BpfSwitch&) { return absl::OkStatus(); };
  std::string program = "or_from_port";
  RunContext context = {};
  // Wire frames.
  uint64_t packets = 1;
};

PacketBuilder FromA(const std::string& dst) { return PacketBuilder(dst, kMacA); }

Bytes UdpTo(const std::string& dst_mac, size_t payload = 100) {
  return FromA(dst_mac).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1000, 2000).Payload(payload).Build();
}

// What is rejected without an answer.
Bytes ResetTo(const std::string& dst_mac) {
  return FromA(dst_mac).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1000, 2000, 0x04).Build();
}

state::RuleSet RejectAll() { return {.rules = {}, .default_action = state::AclAction::kReject}; }

// Port `index` with one change.
std::function<absl::Status(BpfSwitch&)> WithPort(uint32_t index,
                                                 std::function<void(abi::or_port*)> change) {
  return [=](BpfSwitch& s) {
    abi::or_port port = s.StandardPort(index);
    change(&port);
    return s.SetPort(index, port);
  };
}

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
      {"armed", 1, OR_DROP_PORT_ARMED, UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->phase = abi::OR_PORT_ARMED; })},
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

std::vector<DropCase> SwitchingCases() {
  auto no_rows = [](BpfSwitch&) { return absl::OkStatus(); };
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
      {"past_the_switch", 1, OR_DROP_NOT_DELIVERED, UdpTo(kMacA), no_rows, "or_port_guard"},
      {"delivered_to_another_port",
       1,
       OR_DROP_NOT_DELIVERED,
       UdpTo(kMacA),
       no_rows,
       "or_port_guard",
       {.mark = OR_MARK_MAGIC | 2}},
      {"guard_of_unknown_device",
       0,
       OR_DROP_PORT_UNKNOWN,
       UdpTo(kMacA),
       [](BpfSwitch& s) {
         return s.Map<uint32_t, uint32_t>("or_devices")
             .Delete(static_cast<uint32_t>(s.tap(1).ifindex()));
       },
       "or_port_guard",
       {.mark = OR_MARK_MAGIC | 1}},
      {"host_into_tunnel", 0, OR_DROP_NOT_DELIVERED, UdpTo(kMacA), no_rows, "or_tunnel_guard"},
      {"no_tunnel_key", 0, OR_DROP_NO_TUNNEL_KEY, UdpTo(kMacA), no_rows, "or_from_overlay"},
  };
}

// Port `index` with a limit that nothing fits in any more.
std::function<absl::Status(BpfSwitch&)> Exhausted(uint32_t index, abi::or_limit_kind kind,
                                                  const abi::or_limit& limit,
                                                  uint32_t segment_flags = 0) {
  return [=](BpfSwitch& s) {
    RETURN_IF_ERROR(s.SetLimit(index, kind, limit));
    RETURN_IF_ERROR(s.SetSegment(kVni, segment_flags));
    // In debt, far beyond the test.
    abi::or_policer policer = {};
    policer.bytes.last_ns = uint64_t{1} << 62;
    policer.packets.last_ns = uint64_t{1} << 62;
    return s.Map<abi::or_policer_key, abi::or_policer>("or_policers")
        .Update({index, static_cast<uint32_t>(kind)}, policer);
  };
}

std::function<absl::Status(BpfSwitch&)> WithPolicy(uint32_t flags) {
  return WithPort(1, [flags](abi::or_port* p) { p->policy = flags; });
}

std::vector<DropCase> PolicyCases() {
  const abi::or_limit bits = {8, 8, 0, 0};
  const abi::or_limit frames = {0, 0, 1, 1};
  const Bytes multicast =
      FromA("01:00:5e:01:02:03").Ipv4({.src = kIpA, .dst = "239.1.2.3"}).Udp(1, 2).Build();
  const Bytes advertisement = FromA("33:33:00:00:00:01")
                                  .Ipv6({.src = "fe80::1", .dst = "ff02::1", .hop_limit = 255})
                                  .Icmpv6(134)
                                  .Payload(8)
                                  .Build();
  return {
      {"policer", 1, OR_DROP_POLICER, UdpTo(kMacB), Exhausted(1, abi::OR_LIMIT_INGRESS, bits)},
      {"policer_pps", 1, OR_DROP_POLICER_PPS, UdpTo(kMacB),
       Exhausted(1, abi::OR_LIMIT_INGRESS, frames)},
      {"limits_missing", 1, OR_DROP_POLICER, UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->limits = 99; })},
      {"policer_without_bucket", 1, OR_DROP_POLICER, UdpTo(kMacB),
       [bits](BpfSwitch& s) {
         RETURN_IF_ERROR(s.SetLimit(1, abi::OR_LIMIT_INGRESS, bits));
         return s.Map<abi::or_policer_key, abi::or_policer>("or_policers")
             .Delete({1, abi::OR_LIMIT_INGRESS});
       }},
      {"policer_egress", 2, OR_DROP_POLICER_EGRESS, UdpTo(kMacB),
       Exhausted(2, abi::OR_LIMIT_EGRESS, bits)},
      {"policer_egress_pps", 2, OR_DROP_POLICER_EGRESS, UdpTo(kMacB),
       Exhausted(2, abi::OR_LIMIT_EGRESS, frames)},
      {"storm_broadcast", 1, OR_DROP_STORM_BROADCAST, UdpTo(kBroadcast),
       Exhausted(1, abi::OR_LIMIT_BROADCAST, bits)},
      {"storm_broadcast_pps", 1, OR_DROP_STORM_BROADCAST, UdpTo(kBroadcast),
       Exhausted(1, abi::OR_LIMIT_BROADCAST, frames)},
      {"storm_multicast", 1, OR_DROP_STORM_MULTICAST, multicast,
       Exhausted(1, abi::OR_LIMIT_MULTICAST, frames)},
      {"storm_unknown_unicast", 1, OR_DROP_STORM_UNKNOWN_UNICAST, UdpTo(kMacUnknown),
       Exhausted(1, abi::OR_LIMIT_UNKNOWN_UNICAST, frames, OR_SEGMENT_FLOOD_UNKNOWN)},
      {"spoofed_ip", 1, OR_DROP_SPOOFED_IP, UdpTo(kMacB), WithPolicy(OR_POLICY_IP_ANTI_SPOOF)},
      {"dhcp_offer", 1, OR_DROP_DHCP_SERVER,
       FromA(kMacB).Ipv4({.src = kIpA, .dst = kIpB}).Udp(67, 68).Build(),
       WithPolicy(OR_POLICY_DHCP_GUARD)},
      {"dhcp_offer_from_another_port", 1, OR_DROP_DHCP_SERVER,
       FromA(kMacB).Ipv4({.src = kIpA, .dst = kIpB}).Udp(4000, 68).Build(),
       WithPolicy(OR_POLICY_DHCP_GUARD)},
      {"dhcp_offer_to_a_relay", 1, OR_DROP_DHCP_SERVER,
       FromA(kMacB).Ipv4({.src = kIpA, .dst = kIpB}).Udp(67, 67).Build(),
       WithPolicy(OR_POLICY_DHCP_GUARD)},
      {"dhcpv6_advertise", 1, OR_DROP_DHCP_SERVER,
       FromA(kMacB).Ipv6({.src = "fe80::1", .dst = "fe80::2"}).Udp(547, 546).Build(),
       WithPolicy(OR_POLICY_DHCP_GUARD)},
      {"dhcpv6_behind_headers", 1, OR_DROP_DHCP_SERVER,
       FromA(kMacB).Ipv6({.src = "fe80::1", .dst = "fe80::2"}).Extension(60).Udp(547, 546).Build(),
       WithPolicy(OR_POLICY_DHCP_GUARD)},
      {"router_advertisement", 1, OR_DROP_ROUTER_ADVERTISEMENT, advertisement,
       WithPolicy(OR_POLICY_RA_GUARD)},
      {"router_advertisement_in_a_fragment", 1, OR_DROP_ROUTER_ADVERTISEMENT,
       FromA("33:33:00:00:00:01")
           .Ipv6({.src = "fe80::1", .dst = "ff02::1", .hop_limit = 255})
           .Extension(60)
           .Fragment6({.more = true})
           .Icmpv6(134)
           .Payload(8)
           .Build(),
       WithPolicy(OR_POLICY_RA_GUARD)},
      {"to_a_members_vtep", 1, OR_DROP_VTEP_DESTINATION,
       FromA(kMacB).Ipv4({.src = kIpA, .dst = kRemoteVtep}).Udp(4789, 4789).Build()},
      {"one_mac_too_many", 1, OR_DROP_TOO_MANY_MACS,
       PacketBuilder(kMacB, kMacC).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build(),
       [](BpfSwitch& s) {
         abi::or_port port = s.StandardPort(1);
         port.flags = 0;
         port.max_macs = 1;
         RETURN_IF_ERROR(s.SetPort(1, port));
         // Begun far in the future: neither over nor with room.
         return s.Map<uint32_t, abi::or_mac_window>("or_mac_windows")
             .Update(1, {0, 1, uint64_t{1} << 62});
       }},
      {"macs_without_a_window", 1, OR_DROP_TOO_MANY_MACS, UdpTo(kMacB),
       WithPort(1,
                [](abi::or_port* p) {
                  p->flags = 0;
                  p->max_macs = 1;
                })},
      {"to_our_vtep", 1, OR_DROP_VTEP_DESTINATION,
       FromA(kMacB).Ipv4({.src = kIpA, .dst = kLocalVtep}).Tcp(1, 22).Build()},
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

// Port C's device is the uplink.
std::function<absl::Status(BpfSwitch&)> WithUplink(uint32_t vlan, uint32_t flags) {
  return [=](BpfSwitch& s) { return s.SetProvider(vlan, flags); };
}

std::vector<DropCase> ToUplinkCases() {
  const auto customer = [](BpfSwitch& s) {
    abi::or_port port = s.StandardPort(1);
    port.vlan_mode = abi::OR_VLAN_DOT1Q_TUNNEL;
    RETURN_IF_ERROR(s.SetPort(1, port));
    RETURN_IF_ERROR(s.SetProvider(0, 0));
    return s.HearStation(kMacUnknown);
  };
  const auto no_device = [](BpfSwitch& s) {
    RETURN_IF_ERROR(s.SetProvider(5, 0));
    RETURN_IF_ERROR(s.HearStation(kMacUnknown));
    return s.Map<uint32_t, abi::or_provider>("or_providers").Update(kVni, {});
  };
  const auto no_row = [](BpfSwitch& s) {
    RETURN_IF_ERROR(s.SetProvider(5, 0));
    RETURN_IF_ERROR(s.HearStation(kMacUnknown));
    return s.Map<uint32_t, abi::or_provider>("or_providers").Delete(kVni);
  };
  const auto small = [](BpfSwitch& s) {
    RETURN_IF_ERROR(s.SetProvider(5, 0, 1000));
    return s.HearStation(kMacUnknown);
  };
  const auto aged = [](BpfSwitch& s) {
    RETURN_IF_ERROR(s.SetProvider(5, 0));
    return s.HearStation(kMacUnknown, OR_STATION_AGE_NS);
  };
  const Bytes tagged =
      FromA(kMacUnknown).Vlan(9).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build();
  return {
      {"uplink_without_a_device", 1, OR_DROP_UPLINK_MISSING, UdpTo(kMacUnknown), no_device},
      {"uplink_without_a_row", 1, OR_DROP_UPLINK_MISSING, UdpTo(kMacUnknown), no_row},
      {"uplink_takes_smaller_frames", 1, OR_DROP_OVER_MTU, UdpTo(kMacUnknown, 1000), small},
      {"nobody_heard_at_the_uplink", 1, OR_DROP_UNKNOWN_UNICAST, UdpTo(kMacUnknown),
       WithUplink(5, 0)},
      {"heard_too_long_ago", 1, OR_DROP_UNKNOWN_UNICAST, UdpTo(kMacUnknown), aged},
      // It would be in VLAN 9 of the physical network.
      {"customers_tag_to_untagged_uplink", 1, OR_DROP_VLAN_TAGGED, tagged, customer},
  };
}

std::vector<DropCase> FromUplinkCases() {
  const auto packet = [](const std::string& dst, const std::string& src, size_t payload = 64) {
    return PacketBuilder(dst, src)
        .Vlan(5)
        .Ipv4({.src = "10.0.0.9", .dst = kIpA})
        .Udp(1, 2)
        .Payload(payload)
        .Build();
  };
  const auto at_uplink = [&](const std::string& name, uint32_t reason, const Bytes& frame,
                             std::function<absl::Status(BpfSwitch&)> rows) {
    return DropCase{name,
                    0,
                    reason,
                    frame,
                    [rows = std::move(rows)](BpfSwitch& s) { return rows(s); },
                    "or_from_uplink",
                    {.of_tap = 3}};
  };
  const auto heard = [](BpfSwitch& s) {
    RETURN_IF_ERROR(s.SetProvider(5, OR_SEGMENT_FLOOD_UNKNOWN));
    return s.HearStation(kMacUnknown);
  };
  const auto no_segment = [](BpfSwitch& s) {
    RETURN_IF_ERROR(s.SetProvider(5, 0));
    return s.Map<uint32_t, abi::or_segment>("or_segments").Delete(kVni);
  };
  const auto remote = [](BpfSwitch& s) {
    RETURN_IF_ERROR(s.SetProvider(5, 0));
    return s.SetFdb(kVni, kMacRemote, abi::OR_FDB_REMOTE, 1);
  };
  return {
      at_uplink("own_source", OR_DROP_OWN_SOURCE, packet(kBroadcast, kMacA), WithUplink(5, 0)),
      at_uplink("uplink_to_uplink", OR_DROP_SPLIT_HORIZON, packet(kMacUnknown, kMacC), heard),
      at_uplink("uplink_to_tunnel", OR_DROP_SPLIT_HORIZON, packet(kMacRemote, kMacC), remote),
      at_uplink("uplink_to_nobody", OR_DROP_UNKNOWN_UNICAST, packet(kMacUnknown, kMacC),
                WithUplink(5, 0)),
      at_uplink("uplink_without_segment", OR_DROP_SEGMENT_UNKNOWN, packet(kMacA, kMacC),
                no_segment),
      at_uplink("uplink_over_mtu", OR_DROP_OVER_MTU, packet(kMacA, kMacC, kMtu), WithUplink(5, 0)),
      at_uplink("uplink_malformed", OR_DROP_MALFORMED,
                PacketBuilder(kMacA, kMacC)
                    .Vlan(5)
                    .Ipv4({.src = kIpB, .dst = kIpA, .total_length = 4000})
                    .Build(),
                WithUplink(5, 0)),
      at_uplink("uplink_multicast_source", OR_DROP_MALFORMED, packet(kMacA, "01:00:5e:00:00:01"),
                WithUplink(5, 0)),
  };
}

std::vector<DropCase> AllCases() {
  std::vector<DropCase> all = PortCases();
  for (const auto& more : {VlanCases(), MalformedCases(), FilterCases(), SwitchingCases(),
                           PolicyCases(), ToUplinkCases(), FromUplinkCases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

// All cases share one loaded switch: loading is most of the time.
TEST(DropTest, EachCaseDropsForItsReason) {
  auto made = BpfSwitch::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  BpfSwitch& s = **made;
  for (const DropCase& test : AllCases()) {
    SCOPED_TRACE(test.name);
    ASSERT_EQ(s.Reset(), absl::OkStatus());
    ASSERT_EQ(test.rows(s), absl::OkStatus());
    auto result = s.Run(test.program, test.packet, test.context);
    ASSERT_TRUE(result.ok()) << result.status();
    const bool copied = test.reason == OR_DROP_REDIRECT_FAILED;
    EXPECT_EQ(result->verdict, copied ? kStolen : kDropped);
    EXPECT_THAT(s.Drops(), ElementsAre(Pair(Pair(test.port, test.reason), test.packets)))
        << "wanted " << ReasonName(test.reason);
    const bool passed_source = test.program == "or_from_port" && (test.port != 1 && test.port != 0);
    EXPECT_EQ(s.Stats(1).rx_packets, passed_source ? 1u : 0u);
    EXPECT_EQ(s.Stats(2).tx_packets, 0u);
  }
}

TEST(DropTest, ATraceNamesTheSameReasonAndChangesNothing) {
  auto made = BpfSwitch::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  BpfSwitch& s = **made;
  auto traced = TracedSwitch::Create(&s);
  ASSERT_TRUE(traced.ok()) << traced.status();
  for (const DropCase& test : AllCases()) {
    // Guards see what a trace ends with, uplinks have no port to trace from, and what a tap would
    // segment comes in from a tap only.
    if (test.program.ends_with("_guard") || test.program == "or_from_uplink" ||
        test.context.gso_size != 0) {
      continue;
    }
    SCOPED_TRACE(test.name);
    ASSERT_EQ(s.Reset(), absl::OkStatus());
    ASSERT_EQ(test.rows(s), absl::OkStatus());
    const MapsContent before = (*traced)->Content();
    const auto trace = test.program == "or_from_port"
                           ? (*traced)->FromPort(test.packet)
                           : (*traced)->FromOverlay(test.packet, 0, kRemoteVtep);
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_THAT(DropsOf(*trace), ElementsAre(Pair(test.port, test.reason)))
        << "wanted " << ReasonName(test.reason);
    EXPECT_TRUE((*traced)->Content() == before);
  }
}

TEST(DropTest, EveryReasonHasACase) {
  std::set<uint32_t> covered;
  for (const DropCase& test : AllCases()) covered.insert(test.reason);
  for (const OverlayCase& test : OverlayCases()) covered.insert(test.reason);
#define OR_DROP_COVERED(code, number, name, text) EXPECT_TRUE(covered.contains(number)) << name;
  OR_DROP_REASONS(OR_DROP_COVERED)
#undef OR_DROP_COVERED
}

}  // namespace
}  // namespace outrider::tests
