#include <utility>

#include "tests/bpf/drop_cases.h"

namespace outrider::tests {
namespace {

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

}  // namespace

std::vector<DropCase> UplinkDropCases() { return Joined({ToUplinkCases(), FromUplinkCases()}); }

}  // namespace outrider::tests
