#include "tests/bpf/drop_cases.h"

namespace outrider::tests {
namespace {

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
    return s.Map<uint32_t, abi::or_policer>("or_policers").Update(OR_POLICER(index, kind), policer);
  };
}

std::function<absl::Status(BpfSwitch&)> WithPolicy(uint32_t flags) {
  return WithPort(1, [flags](abi::or_port* p) { p->policy = flags; });
}

std::vector<DropCase> LimitCases() {
  const abi::or_limit bits = {8, 8, 0, 0};
  const abi::or_limit frames = {0, 0, 1, 1};
  const Bytes multicast =
      FromA("01:00:5e:01:02:03").Ipv4({.src = kIpA, .dst = "239.1.2.3"}).Udp(1, 2).Build();
  return {
      {"policer", 1, OR_DROP_POLICER, UdpTo(kMacB), Exhausted(1, abi::OR_LIMIT_INGRESS, bits)},
      {"policer_pps", 1, OR_DROP_POLICER_PPS, UdpTo(kMacB),
       Exhausted(1, abi::OR_LIMIT_INGRESS, frames)},
      {"limits_missing", 1, OR_DROP_POLICER, UdpTo(kMacB),
       WithPort(1,
                [](abi::or_port* p) {
                  p->limits = 99;
                  p->limited = 1u << abi::OR_LIMIT_INGRESS;
                })},
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
  };
}

std::vector<DropCase> SpeakerCases() {
  const Bytes advertisement = FromA("33:33:00:00:00:01")
                                  .Ipv6({.src = "fe80::1", .dst = "ff02::1", .hop_limit = 255})
                                  .Icmpv6(134)
                                  .Payload(8)
                                  .Build();
  return {
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
  };
}

std::vector<DropCase> AddressCases() {
  return {
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

}  // namespace

std::vector<DropCase> PolicyDropCases() {
  return Joined({LimitCases(), SpeakerCases(), AddressCases()});
}

}  // namespace outrider::tests
