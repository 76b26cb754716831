// What the guards must let pass, and whether a guest may speak to a tunnel end point's address.
// What they drop: drop_test.cc.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

using ::testing::IsEmpty;

class GuardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
    SetPolicy(OR_POLICY_DHCP_GUARD | OR_POLICY_RA_GUARD);
  }

  void SetPolicy(uint32_t policy) {
    abi::or_port port = switch_->StandardPort(1);
    port.policy = policy;
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  }
  bool Passes(const PacketBuilder& packet) {
    const auto result = switch_->Run("or_from_port", packet.Build());
    EXPECT_TRUE(result.ok()) << result.status();
    return result->verdict != kDropped;
  }
  static PacketBuilder From(const std::string& to = kMacB) { return PacketBuilder(to, kMacA); }
  static PacketBuilder Udp4(uint16_t src, uint16_t dst) {
    return From().Ipv4({.src = kIpA, .dst = kIpB}).Udp(src, dst);
  }
  static PacketBuilder Udp6(uint16_t src, uint16_t dst) {
    return From().Ipv6({.src = "fe80::1", .dst = "ff02::1:2"}).Udp(src, dst);
  }
  static PacketBuilder Advertisement() {
    return From("33:33:00:00:00:01")
        .Ipv6({.src = "fe80::1", .dst = "ff02::1", .hop_limit = 255})
        .Icmpv6(134)
        .Payload(8);
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(GuardTest, ClientsPass) {
  EXPECT_TRUE(Passes(Udp4(68, 67)));
  EXPECT_TRUE(Passes(Udp6(546, 547)));
  EXPECT_TRUE(Passes(Udp6(4000, 547)));
  EXPECT_TRUE(Passes(Udp4(546, 547))) << "IPv6's ports are nothing in IPv4";
  EXPECT_TRUE(Passes(Udp6(67, 68)));
  EXPECT_TRUE(Passes(From().Ipv4({.src = kIpA, .dst = kIpB}).Tcp(67, 68)));
  for (const uint8_t type : {133, 135, 136, 128}) {
    EXPECT_TRUE(Passes(From()
                           .Ipv6({.src = "fe80::1", .dst = "fe80::2", .hop_limit = 255})
                           .Icmpv6(type)
                           .Payload(24)));
  }
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

// A server, or a relay, is known by either port.
TEST_F(GuardTest, ServersDoNotPassWhateverTheOtherPort) {
  for (const uint16_t other : {uint16_t{4000}, uint16_t{547}, uint16_t{67}}) {
    SCOPED_TRACE(other);
    EXPECT_FALSE(Passes(Udp6(547, other)));
    EXPECT_FALSE(Passes(Udp6(other, 546)));
    EXPECT_FALSE(Passes(Udp4(67, other)));
    EXPECT_FALSE(Passes(Udp4(other, 68)));
  }
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_DHCP_SERVER}), 12u);
}

TEST_F(GuardTest, ServersAndRoutersPassWithoutThem) {
  SetPolicy(0);
  EXPECT_TRUE(Passes(Udp4(67, 68)));
  EXPECT_TRUE(Passes(Udp6(547, 546)));
  EXPECT_TRUE(Passes(Advertisement()));
}

// With the guard off an advertisement passes the rules as neighbour discovery does.
TEST_F(GuardTest, ARouterNeedsNoRule) {
  abi::or_port port = switch_->StandardPort(1);
  port.ingress_rule_set = 1;
  ASSERT_EQ(switch_->SetRuleSet(1, {}, abi::OR_ACL_DROP), absl::OkStatus());
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  EXPECT_TRUE(Passes(Advertisement()));
  EXPECT_FALSE(Passes(Udp4(1, 2)));
}

// The overlay has an address space of its own: what a port of the segment is known by stays
// reachable though some host's tunnel end point has the same address.
TEST_F(GuardTest, AnAddressOfTheSegmentIsNoTunnelEndPoint) {
  const PacketBuilder to_vtep = From().Ipv4({.src = kIpA, .dst = kRemoteVtep}).Udp(1, 2);
  EXPECT_FALSE(Passes(to_vtep));
  ASSERT_EQ(switch_->SetNeighbor(kVni, kRemoteVtep, kMacB), absl::OkStatus());
  EXPECT_TRUE(Passes(to_vtep));
  ASSERT_EQ(switch_->SetNeighbor(kVni, kLocalVtep, kMacB), absl::OkStatus());
  EXPECT_TRUE(Passes(From().Ipv4({.src = kIpA, .dst = kLocalVtep}).Udp(1, 2)));
  // An end point of hosts that are not in this segment is nobody it knows.
  EXPECT_TRUE(Passes(From().Ipv4({.src = kIpA, .dst = "127.0.0.3"}).Udp(1, 2)));
}

// Of either family; and who only asks for such an address speaks to the segment.
TEST_F(GuardTest, OurEndPointsAreGuardedAndArpIsNot) {
  EXPECT_FALSE(Passes(From().Ipv6({.src = "fd00::1", .dst = kLocalVtep6}).Udp(1, 2)));
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_VTEP_DESTINATION}), 1u);
  EXPECT_TRUE(Passes(From().Ipv6({.src = "fd00::1", .dst = "fd99::2"}).Udp(1, 2)));
  for (const char* target : {kLocalVtep, kRemoteVtep}) {
    EXPECT_TRUE(Passes(From(kBroadcast)
                           .Arp({.sender_mac = Mac(kMacA),
                                 .sender_ip = kIpA,
                                 .target_mac = {},
                                 .target_ip = target})));
  }
}

// Each port has a list of its own, though another's may name the same MAC.
TEST_F(GuardTest, WhatAnotherPortsListAllowsIsNotAllowed) {
  constexpr char kVirtual[] = "00:00:5e:00:01:01";
  for (const uint32_t index : {1u, 2u}) {
    abi::or_port port = switch_->StandardPort(index);
    port.policy = OR_POLICY_IP_ANTI_SPOOF;
    ASSERT_EQ(switch_->SetPort(index, port), absl::OkStatus());
  }
  ASSERT_EQ(switch_->Allow(1, kMacA, {"10.0.0.1/32"}), absl::OkStatus());
  ASSERT_EQ(switch_->Allow(2, kMacB, {"10.0.0.2/32"}), absl::OkStatus());
  ASSERT_EQ(switch_->Allow(2, kMacA, {"10.0.0.3/32"}), absl::OkStatus());
  ASSERT_EQ(switch_->Allow(2, kVirtual, {"10.0.0.4/32"}), absl::OkStatus());
  const auto passes = [&](uint32_t of_tap, const std::string& mac, const std::string& ip) {
    const Bytes frame = PacketBuilder(kMacC, mac).Ipv4({.src = ip, .dst = kIpB}).Udp(1, 2).Build();
    return switch_->Run("or_from_port", frame, {.of_tap = of_tap}).value().verdict != kDropped;
  };
  EXPECT_TRUE(passes(1, kMacA, "10.0.0.1"));
  EXPECT_FALSE(passes(1, kMacA, "10.0.0.3"));
  EXPECT_FALSE(passes(1, kVirtual, "10.0.0.4"));
  EXPECT_FALSE(passes(2, kMacA, "10.0.0.1"));
  EXPECT_TRUE(passes(2, kMacA, "10.0.0.3"));
  EXPECT_TRUE(passes(2, kVirtual, "10.0.0.4"));
  EXPECT_TRUE(passes(2, kMacB, "10.0.0.2"));
}

// Or one forged frame after the other would take the places of those that are in use.
TEST_F(GuardTest, WhatIsDroppedTakesNoPlaceOfASourceMac) {
  abi::or_port port = switch_->StandardPort(1);
  port.flags = 0;
  port.policy = OR_POLICY_DHCP_GUARD;
  port.max_macs = 1;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  auto windows = switch_->Map<uint32_t, abi::or_mac_window>("or_mac_windows");
  ASSERT_EQ(windows.Update(1, {}), absl::OkStatus());
  EXPECT_FALSE(Passes(PacketBuilder(kMacB, kMacC).Ipv4({.src = kIpA, .dst = kIpB}).Udp(67, 68)));
  EXPECT_EQ(windows.Lookup(1)->count, 0u);
  EXPECT_TRUE(Passes(Udp4(1, 2)));
  EXPECT_EQ(windows.Lookup(1)->count, 1u);
}

TEST_F(GuardTest, SoManySourceMacsAWindow) {
  abi::or_port port = switch_->StandardPort(1);
  port.flags = 0;
  port.max_macs = 3;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  auto windows = switch_->Map<uint32_t, abi::or_mac_window>("or_mac_windows");
  ASSERT_EQ(windows.Update(1, {}), absl::OkStatus());
  const auto from = [&](int n) {
    return Passes(PacketBuilder(kMacB, fmt::format("52:54:00:00:01:{:02x}", n))
                      .Ipv4({.src = kIpA, .dst = kIpB})
                      .Udp(1, 2));
  };
  for (int n = 1; n <= 3; ++n) EXPECT_TRUE(from(n)) << n;
  for (int n = 4; n <= 9; ++n) EXPECT_FALSE(from(n)) << n;
  for (int n = 1; n <= 3; ++n) EXPECT_TRUE(from(n)) << "has its place";
  EXPECT_EQ(windows.Lookup(1)->count, 3u);
  // The window is over: whoever comes first has a place.
  abi::or_mac_window over = *windows.Lookup(1);
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto now_ns =
      static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  // Of a machine that has just started no window can be that old.
  over.start_ns = now_ns > OR_MAC_WINDOW_NS ? now_ns - OR_MAC_WINDOW_NS : 0;
  ASSERT_EQ(windows.Update(1, over), absl::OkStatus());
  for (const int n : {7, 1, 8}) EXPECT_TRUE(from(n)) << n;
  for (const int n : {2, 3}) EXPECT_FALSE(from(n)) << n;
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_TOO_MANY_MACS}), 8u);
}

}  // namespace
}  // namespace outrider::tests
