// Real VXLAN over loopback: a socket plays the other host. Membership, split horizon and local-only
// replication for what comes in; the exact bytes of what goes out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

#include "tests/bpf/overlay_cases.h"
#include "tests/bpf/vxlan_sender.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

PacketBuilder FromRemote(const std::string& dst) { return PacketBuilder(dst, kMacRemote); }

Bytes UdpTo(const std::string& dst) {
  return FromRemote(dst).Ipv4({.src = "10.0.0.9", .dst = kIpB}).Udp(5, 6).Payload(64).Build();
}

absl::Status SendVxlan(const OverlayCase& test) {
  ASSIGN_OR_RETURN(const VxlanSender sender, VxlanSender::Create(test.outer_source, kLocalVtep));
  return sender.Send(test.label == 0 ? VxlanPayload(test.vni, test.inner)
                                     : MarkedVxlanPayload(test.vni, test.label, test.inner));
}

class OverlayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
    ASSERT_EQ(switch_->AttachAll(), absl::OkStatus());
  }

  // Loopback delivers on a softirq: a drop shows when the counters say so.
  void WaitForDrops(size_t count) {
    for (int i = 0; i < 2000 && switch_->Drops().size() < count; ++i) poll(nullptr, 0, 1);
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(OverlayTest, WhatOtherHostsSend) {
  for (const OverlayCase& test : OverlayCases()) {
    SCOPED_TRACE(test.name);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(test.rows(*switch_), absl::OkStatus());
    ASSERT_EQ(SendVxlan(test), absl::OkStatus());
    for (uint32_t port : test.delivered) {
      EXPECT_EQ(switch_->tap(port).Receive(5000), test.inner) << "port " << port;
    }
    WaitForDrops(test.reason != 0 ? 1 : 0);
    if (test.reason == 0) {
      EXPECT_THAT(switch_->Drops(), IsEmpty());
    } else {
      EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(test.drop_port, test.reason), 1)))
          << "wanted " << ReasonName(test.reason);
    }
    for (uint32_t port = 1; port <= 3; ++port) {
      const bool wanted = std::count(test.delivered.begin(), test.delivered.end(), port) > 0;
      EXPECT_EQ(switch_->Stats(port).tx_packets, wanted ? 1u : 0u) << "port " << port;
      EXPECT_EQ(switch_->tap(port).Receive(), std::nullopt) << "port " << port;
    }
  }
}

// What is on loopback between two VTEPs.
class WireTap {
 public:
  WireTap() : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    sockaddr_ll address = {};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
    bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

  // The next IP packet, without Ethernet header.
  std::optional<Bytes> Receive() {
    pollfd wait = {fd_.get(), POLLIN, 0};
    if (poll(&wait, 1, 5000) <= 0) return std::nullopt;
    Bytes bytes(70000);
    ssize_t size = recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (size < ETH_HLEN) return std::nullopt;
    return Bytes(bytes.begin() + ETH_HLEN, bytes.begin() + size);
  }

 private:
  UniqueFd fd_;
};

TEST_F(OverlayTest, UnicastToARemoteMacIsOneVxlanPacket) {
  WireTap wire;
  const Bytes inner = PacketBuilder(kMacRemote, kMacA)
                          .Ipv4({.src = kIpA, .dst = "10.0.0.9"})
                          .Udp(5, 6)
                          .Payload(64)
                          .Build();
  ASSERT_EQ(switch_->tap(1).Send(inner), absl::OkStatus());
  const auto outer = wire.Receive();
  ASSERT_TRUE(outer.has_value());
  ASSERT_GT(outer->size(), 28u);
  EXPECT_EQ(Bytes(outer->begin() + 12, outer->begin() + 20), (Bytes{127, 0, 0, 1, 127, 0, 0, 2}));
  EXPECT_EQ((*outer)[8], 64) << "TTL";
  EXPECT_EQ((*outer)[9], IPPROTO_UDP);
  EXPECT_EQ(Bytes(outer->begin() + 22, outer->begin() + 24), (Bytes{4789 >> 8, 4789 & 0xff}));
  EXPECT_EQ(Bytes(outer->begin() + 26, outer->begin() + 28), (Bytes{0, 0})) << "UDP checksum";
  EXPECT_EQ(Bytes(outer->begin() + 28, outer->end()), VxlanPayload(kVni, inner));
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u);
}

TEST_F(OverlayTest, BroadcastGoesToLocalPortsAndToEachVtepOnce) {
  WireTap wire;
  const Bytes inner = PacketBuilder(kBroadcast, kMacA).EtherType(0x1234).Payload(60).Build();
  ASSERT_EQ(switch_->tap(1).Send(inner), absl::OkStatus());
  EXPECT_EQ(switch_->tap(2).Receive(5000), inner);
  EXPECT_EQ(switch_->tap(3).Receive(5000), inner);
  EXPECT_EQ(switch_->tap(1).Receive(), std::nullopt);
  const auto outer = wire.Receive();
  ASSERT_TRUE(outer.has_value());
  EXPECT_EQ(Bytes(outer->begin() + 28, outer->end()), VxlanPayload(kVni, inner));
}

// Between hosts a trunk's VLAN is the VNI alone, for each copy the same.
TEST_F(OverlayTest, ATrunksTagStaysAtItsPort) {
  abi::or_port trunk = switch_->StandardPort(1);
  trunk.vni = 0;
  trunk.vlan_mode = abi::OR_VLAN_TRUNK;
  trunk.vlan_map = 1;
  ASSERT_EQ(switch_->SetPort(1, trunk), absl::OkStatus());
  trunk = switch_->StandardPort(2);
  trunk.vlan_mode = abi::OR_VLAN_NATIVE_TAGGED;
  trunk.vlan_map = 1;
  ASSERT_EQ(switch_->SetPort(2, trunk), absl::OkStatus());
  using Segments = sys::TypedMap<abi::or_vlan_key, uint32_t>;
  using Tags = sys::TypedMap<abi::or_vlan_tag_key, uint32_t>;
  ASSERT_EQ(Segments(&switch_->raw(), "or_vlan_segments").Update({1, 10}, kVni), absl::OkStatus());
  ASSERT_EQ(Tags(&switch_->raw(), "or_vlan_tags").Update({1, kVni}, 10), absl::OkStatus());
  WireTap wire;
  const auto frame = [](bool tagged) {
    PacketBuilder packet(kBroadcast, kMacA);
    if (tagged) packet.Vlan(10);
    return packet.Ipv4({.src = kIpA, .dst = "10.0.0.9"}).Udp(5, 6).Payload(64).Build();
  };
  ASSERT_EQ(switch_->tap(1).Send(frame(true)), absl::OkStatus());
  EXPECT_EQ(switch_->tap(2).Receive(5000), frame(true));
  EXPECT_EQ(switch_->tap(3).Receive(5000), frame(false));
  const auto outer = wire.Receive();
  ASSERT_TRUE(outer.has_value());
  EXPECT_EQ(Bytes(outer->begin() + 28, outer->end()), VxlanPayload(kVni, frame(false)));
}

// RFC 7348, 6.1: an inner tag only where it is configured.
TEST_F(OverlayTest, ACustomersTagGoesThroughTheTunnel) {
  abi::or_port port = switch_->StandardPort(1);
  port.vlan_mode = abi::OR_VLAN_DOT1Q_TUNNEL;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  WireTap wire;
  for (const char* dst : {kMacRemote, kBroadcast}) {
    const Bytes inner = PacketBuilder(dst, kMacA)
                            .Vlan(30)
                            .Ipv4({.src = kIpA, .dst = "10.0.0.9"})
                            .Udp(5, 6)
                            .Payload(64)
                            .Build();
    ASSERT_EQ(switch_->tap(1).Send(inner), absl::OkStatus());
    // What loopback carries is seen on its way out and on its way in.
    std::optional<Bytes> outer = wire.Receive();
    while (outer && Bytes(outer->begin() + 28, outer->end()) != VxlanPayload(kVni, inner)) {
      outer = wire.Receive();
    }
    EXPECT_TRUE(outer.has_value()) << dst;
  }
}

TEST_F(OverlayTest, TheHostItselfCannotSendIntoTheTunnel) {
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  sockaddr_ll to = {};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = switch_->tunnel_ifindex();
  const Bytes frame = UdpTo(kMacB);
  sendto(fd.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to));
  EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(0, OR_DROP_NOT_DELIVERED), 1)));
}

// What another host may send with a tag inside.
std::vector<OverlayCase> TaggedCases() {
  const auto trunk_b = [](BpfSwitch& s) {
    abi::or_port port = s.StandardPort(2);
    port.vni = 0;
    port.vlan_mode = abi::OR_VLAN_TRUNK;
    port.vlan_map = 2;
    RETURN_IF_ERROR((s.Map<abi::or_vlan_tag_key, uint32_t>("or_vlan_tags").Update({2, kVni}, 0)));
    return s.SetPort(2, port);
  };
  const auto tunnel_b = [](BpfSwitch& s) {
    abi::or_port port = s.StandardPort(2);
    port.vlan_mode = abi::OR_VLAN_DOT1Q_TUNNEL;
    return s.SetPort(2, port);
  };
  const auto with_tag = [](const std::string& dst) {
    return FromRemote(dst).Vlan(4).Ipv4({.src = "10.0.0.9", .dst = kIpB}).Udp(5, 6).Build();
  };
  const Bytes tagged = FromRemote(kMacB).Vlan(4).Vlan(5).Payload(46).Build();
  return {
      {"tagged_twice_inside", kRemoteVtep, kVni, tagged, {}, OR_DROP_VLAN_TAGGED},
      {"tagged_inside", kRemoteVtep, kVni, with_tag(kMacB), {}, OR_DROP_VLAN_TAGGED, 2},
      {"untagged_to_a_trunk", kRemoteVtep, kVni, UdpTo(kMacB), {2}, 0, 0, trunk_b},
      {"no_hop_into_a_vlan",
       kRemoteVtep,
       kVni,
       with_tag(kMacB),
       {},
       OR_DROP_VLAN_TAGGED,
       2,
       trunk_b},
      {"tagged_inside_to_a_tunnel", kRemoteVtep, kVni, with_tag(kMacB), {2}, 0, 0, tunnel_b},
  };
}

// What another host sends after a guest, port 2, that has left it.
std::vector<OverlayCase> MovedCases() {
  const auto awaits = [](abi::or_port_phase phase, uint8_t flags) {
    return [=](BpfSwitch& s) {
      abi::or_arrival_key key{};
      const auto bytes = Ip(kRemoteVtep).bytes();
      std::copy(bytes.begin(), bytes.end(), key.address);
      key.label = 7;
      RETURN_IF_ERROR((s.Map<abi::or_arrival_key, uint32_t>("or_arrivals").Update(key, 2)));
      abi::or_port port = s.StandardPort(2);
      port.phase = static_cast<uint8_t>(phase);
      port.flags |= flags;
      // What was let through there is let through here.
      port.egress_rule_set = 3;
      RETURN_IF_ERROR(s.SetRuleSet(3, {}, abi::OR_ACL_DROP));
      return s.SetPort(2, port);
    };
  };
  const auto nobody = [](BpfSwitch&) { return absl::OkStatus(); };
  const auto armed = awaits(abi::OR_PORT_ARMED, 0);
  const auto open = awaits(abi::OR_PORT_ACTIVE, 0);
  const auto departed = awaits(abi::OR_PORT_DEPARTED, OR_PORT_MOVING);
  const Bytes all = UdpTo(kBroadcast);
  return {
      {"marked_for_nobody",
       kRemoteVtep,
       kVni,
       UdpTo(kMacB),
       {},
       OR_DROP_MOVE_UNKNOWN,
       0,
       nobody,
       7},
      {"of_another_label", kRemoteVtep, kVni, UdpTo(kMacB), {}, OR_DROP_MOVE_UNKNOWN, 0, armed, 8},
      {"from_another_host", "127.0.0.3", kVni, UdpTo(kMacB), {}, OR_DROP_MOVE_UNKNOWN, 0, armed, 7},
      {"to_an_armed_port", kRemoteVtep, kVni, UdpTo(kMacB), {2}, 0, 0, armed, 7},
      {"to_an_open_port", kRemoteVtep, kVni, UdpTo(kMacB), {2}, 0, 0, open, 7},
      {"whatever_its_mac", kRemoteVtep, kVni, UdpTo(kMacUnknown), {2}, 0, 0, armed, 7},
      {"broadcast_to_an_armed_port", kRemoteVtep, kVni, all, {2}, 0, 0, armed, 7},
      {"broadcast_to_an_open_port", kRemoteVtep, kVni, all, {}, OR_DROP_MOVE_COPY, 2, open, 7},
      {"of_another_segment",
       kRemoteVtep,
       kOtherVni,
       UdpTo(kMacB),
       {},
       OR_DROP_PORT_BLOCKED,
       2,
       armed,
       7},
      {"one_hop", kRemoteVtep, kVni, UdpTo(kMacB), {}, OR_DROP_PORT_DEPARTED, 2, departed, 7},
  };
}

}  // namespace

std::vector<OverlayCase> OverlayCases() {
  const auto flood = [](BpfSwitch& s) { return s.SetSegment(kVni, OR_SEGMENT_FLOOD_UNKNOWN); };
  const auto no_segment = [](BpfSwitch& s) {
    return s.Map<uint32_t, abi::or_segment>("or_segments").Delete(kVni);
  };
  const auto deny_b = [](BpfSwitch& s) {
    abi::or_port port = s.StandardPort(2);
    port.egress_rule_set = 3;
    RETURN_IF_ERROR(s.SetRuleSet(3, {}, abi::OR_ACL_DROP));
    return s.SetPort(2, port);
  };
  const Bytes from_multicast = PacketBuilder(kMacB, "01:00:5e:00:00:01").Payload(46).Build();
  const Bytes lldp = FromRemote("01:80:c2:00:00:0e").EtherType(0x88cc).Payload(46).Build();
  std::vector<OverlayCase> cases = {
      {"unicast", kRemoteVtep, kVni, UdpTo(kMacB), {2}},
      {"stranger", "127.0.0.3", kVni, UdpTo(kMacB), {}, OR_DROP_NOT_A_MEMBER},
      {"member_of_another_vni", kRemoteVtep, kOtherVni, UdpTo(kMacB), {}, OR_DROP_NOT_A_MEMBER},
      {"segment_gone", kRemoteVtep, kVni, UdpTo(kMacB), {}, OR_DROP_SEGMENT_UNKNOWN, 0, no_segment},
      {"remote_mac", kRemoteVtep, kVni, UdpTo(kMacRemote), {}, OR_DROP_SPLIT_HORIZON},
      {"unknown_mac", kRemoteVtep, kVni, UdpTo(kMacUnknown), {}, OR_DROP_UNKNOWN_UNICAST},
      {"unknown_mac_flooded", kRemoteVtep, kVni, UdpTo(kMacUnknown), {1, 2, 3}, 0, 0, flood},
      {"broadcast_stays_here", kRemoteVtep, kVni, UdpTo(kBroadcast), {1, 2, 3}},
      {"egress_rules_hold", kRemoteVtep, kVni, UdpTo(kMacB), {}, OR_DROP_ACL_EGRESS, 2, deny_b},
      {"egress_rules_hold_for_copies",
       kRemoteVtep,
       kVni,
       UdpTo(kBroadcast),
       {1, 3},
       OR_DROP_ACL_EGRESS,
       2,
       deny_b},
      {"link_local_control", kRemoteVtep, kVni, lldp, {}, OR_DROP_RESERVED_MULTICAST},
      {"multicast_source", kRemoteVtep, kVni, from_multicast, {}, OR_DROP_MALFORMED},
  };
  for (OverlayCase& test : TaggedCases()) cases.push_back(std::move(test));
  for (OverlayCase& test : MovedCases()) cases.push_back(std::move(test));
  return cases;
}

}  // namespace outrider::tests
