// IP anti-spoofing: each accepted exception by name, and random frames of IPv4, ARP and IPv6 with
// neighbour discovery against a naive model of who may say what.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "tests/bpf/spoof_model.h"

namespace outrider::tests {
namespace {

class SpoofTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
    abi::or_port port = switch_->StandardPort(1);
    port.policy = OR_POLICY_IP_ANTI_SPOOF;
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
    ASSERT_EQ(switch_->Allow(1, kMacA, {kIpA, kIp6A, "10.1.0.0/16", "fd01::/64"}),
              absl::OkStatus());
    ASSERT_EQ(switch_->Allow(1, kMacVirtual, {kIpVirtual}), absl::OkStatus());
  }

  // The reason it was dropped for; 0: it was not.
  uint32_t Dropped(const Bytes& packet) {
    EXPECT_EQ(switch_->raw().DeleteBatch("or_drops", switch_->raw().Keys("or_drops").value()),
              absl::OkStatus());
    const auto result = switch_->Run("or_from_port", packet);
    EXPECT_TRUE(result.ok()) << result.status();
    if (result->verdict != kDropped) return 0;
    const auto drops = switch_->Drops();
    EXPECT_EQ(drops.size(), 1u);
    return drops.begin()->first.second;
  }
  bool Spoofed(const Bytes& packet) {
    const uint32_t reason = Dropped(packet);
    EXPECT_TRUE(reason == 0 || reason == OR_DROP_SPOOFED_IP) << ReasonName(reason);
    return reason != 0;
  }
  bool Spoofed(const PacketBuilder& packet) { return Spoofed(packet.Build()); }

  static PacketBuilder From(const std::string& mac = kMacA, const std::string& to = kMacB) {
    return PacketBuilder(to, mac);
  }
  static PacketBuilder Udp4(const std::string& src, const std::string& mac = kMacA) {
    return From(mac).Ipv4({.src = src, .dst = kIpB}).Udp(1, 2);
  }
  static PacketBuilder Udp6(const std::string& src, const std::string& mac = kMacA) {
    return From(mac).Ipv6({.src = src, .dst = kIp6B}).Udp(1, 2);
  }
  static PacketBuilder Icmp6(const std::string& src, uint8_t type, const Bytes& body,
                             const std::string& mac = kMacA) {
    return From(mac, kAllNodes)
        .Ipv6({.src = src, .dst = "ff02::1", .hop_limit = 255})
        .Icmpv6(type)
        .Payload(body);
  }
  static PacketBuilder Arp(const ArpFields& fields, const std::string& mac = kMacA) {
    return From(mac, kBroadcast).Arp(fields);
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(SpoofTest, OwnAddressesPassWithTheMacTheyBelongTo) {
  for (const char* own : {kIpA, "10.1.0.0", "10.1.255.255"})
    EXPECT_FALSE(Spoofed(Udp4(own))) << own;
  for (const char* other : {kIpB, "10.2.0.0", "10.0.255.255", kIpVirtual, "255.255.255.255"}) {
    EXPECT_TRUE(Spoofed(Udp4(other))) << other;
  }
  for (const char* own : {kIp6A, "fd01::", "fd01::ffff:ffff:ffff:ffff"}) {
    EXPECT_FALSE(Spoofed(Udp6(own))) << own;
  }
  for (const char* other : {kIp6B, "fd01:0:0:1::", "fd00::"}) {
    EXPECT_TRUE(Spoofed(Udp6(other))) << other;
  }
  EXPECT_FALSE(Spoofed(Udp4(kIpVirtual, kMacVirtual)));
  EXPECT_TRUE(Spoofed(Udp4(kIpA, kMacVirtual)));
  EXPECT_EQ(Dropped(Udp4(kIpA, kMacC).Build()), OR_DROP_SPOOFED_MAC);
}

TEST_F(SpoofTest, FragmentsAreJudgedAsWell) {
  EXPECT_TRUE(Spoofed(From().Ipv4({.src = kIpB, .dst = kIpB, .fragment_offset = 5}).Payload(20)));
  EXPECT_FALSE(Spoofed(From().Ipv4({.src = kIpA, .dst = kIpB, .fragment_offset = 5}).Payload(20)));
  EXPECT_TRUE(
      Spoofed(From().Ipv6({.src = kIp6B, .dst = kIp6B}).Fragment6({.offset = 5}).Payload(20)));
}

TEST_F(SpoofTest, ACustomersTagHidesNothing) {
  abi::or_port port = switch_->Ports().Lookup(1).value();
  port.vlan_mode = abi::OR_VLAN_DOT1Q_TUNNEL;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  const auto tagged = [](const std::string& src) {
    return From().Vlan(30).Ipv4({.src = src, .dst = kIpB}).Udp(1, 2).Build();
  };
  EXPECT_EQ(Dropped(tagged(kIpB)), OR_DROP_SPOOFED_IP);
  // Port B has no place for the customer's tag.
  EXPECT_EQ(Dropped(tagged(kIpA)), OR_DROP_VLAN_TAGGED);
}

TEST_F(SpoofTest, APrefixOfOneFamilyIsNoneOfTheOther) {
  ASSERT_EQ(switch_->Allow(1, kMacA, {"::/0"}), absl::OkStatus());
  EXPECT_FALSE(Spoofed(Udp6("2001:db8::1")));
  EXPECT_TRUE(Spoofed(Udp4("192.0.2.1")));
  ASSERT_EQ(switch_->Allow(1, kMacA, {"0.0.0.0/0"}), absl::OkStatus());
  EXPECT_FALSE(Spoofed(Udp4("192.0.2.1")));
}

TEST_F(SpoofTest, WithoutAListOnlyTheExceptionsPass) {
  abi::or_port port = switch_->StandardPort(1);
  port.policy = OR_POLICY_IP_ANTI_SPOOF;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  EXPECT_TRUE(Spoofed(Udp4(kIpA)));
  EXPECT_TRUE(Spoofed(Udp6(kIp6A)));
  EXPECT_FALSE(Spoofed(Udp6(kLinkLocalA)));
}

TEST_F(SpoofTest, WhoHasNoIpv4AddressMayAskForOne) {
  const auto from_nobody = [](uint16_t src_port, uint16_t dst_port, const std::string& dst) {
    return From(kMacA, kBroadcast).Ipv4({.src = "0.0.0.0", .dst = dst}).Udp(src_port, dst_port);
  };
  EXPECT_FALSE(Spoofed(from_nobody(68, 67, "255.255.255.255").Payload(240)));
  EXPECT_TRUE(Spoofed(from_nobody(68, 67, kIpB)));
  EXPECT_TRUE(Spoofed(from_nobody(68, 68, "255.255.255.255")));
  EXPECT_TRUE(Spoofed(from_nobody(67, 67, "255.255.255.255")));
  EXPECT_TRUE(Spoofed(
      From(kMacA, kBroadcast).Ipv4({.src = "0.0.0.0", .dst = "255.255.255.255"}).Tcp(68, 67)));
}

TEST_F(SpoofTest, ArpSpeaksForTheGuestOnly) {
  const auto arp = [](const std::string& sender, const std::string& target,
                      uint16_t operation = 1) {
    return Arp({.operation = operation,
                .sender_mac = Mac(kMacA),
                .sender_ip = sender,
                .target_mac = {},
                .target_ip = target});
  };
  EXPECT_FALSE(Spoofed(arp(kIpA, kIpB)));
  EXPECT_FALSE(Spoofed(arp(kIpA, kIpA))) << "gratuitous";
  EXPECT_FALSE(Spoofed(arp(kIpA, kIpB, 2)));
  EXPECT_TRUE(Spoofed(arp(kIpB, kIpA)));
  EXPECT_TRUE(Spoofed(arp(kIpB, kIpB))) << "gratuitous, for another";
  EXPECT_TRUE(Spoofed(arp(kIpB, kIpA, 2)));
  EXPECT_FALSE(Spoofed(arp("0.0.0.0", kIpA))) << "probe";
  EXPECT_TRUE(Spoofed(arp("0.0.0.0", kIpB))) << "probe for another's address";
  EXPECT_TRUE(Spoofed(arp("0.0.0.0", kIpA, 2)));
  EXPECT_TRUE(Spoofed(arp("0.0.0.0", "0.0.0.0")));
}

// Without the check of MACs, ARP must still not bind an address of ours to another MAC.
TEST_F(SpoofTest, ArpNamesTheSourceMac) {
  abi::or_port port = switch_->StandardPort(1);
  port.flags = 0;
  port.policy = OR_POLICY_IP_ANTI_SPOOF;
  port.allowed = 1;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  EXPECT_TRUE(Spoofed(Arp({.sender_mac = Mac(kMacC), .sender_ip = kIpA, .target_ip = kIpB})));
  EXPECT_FALSE(Spoofed(Arp({.sender_mac = Mac(kMacA), .sender_ip = kIpA, .target_ip = kIpB})));
}

TEST_F(SpoofTest, RarpAndWhatIsNotIpPass) {
  EXPECT_FALSE(
      Spoofed(From(kMacA, kBroadcast)
                  .EtherType(0x8035)
                  .Arp({.operation = 3, .sender_mac = Mac(kMacA), .target_mac = Mac(kMacA)})
                  .Payload(18, 0)));
  EXPECT_FALSE(Spoofed(From().EtherType(0x88b5).Payload(46)));
}

TEST_F(SpoofTest, LinkLocalOfTheOwnMacPasses) {
  EXPECT_FALSE(Spoofed(Udp6(kLinkLocalA)));
  EXPECT_TRUE(Spoofed(Udp6(kLinkLocalB)));
  EXPECT_TRUE(Spoofed(Udp6("fe80::1")));
  EXPECT_TRUE(Spoofed(Udp6("fe80:0:0:1:5054:ff:fe00:1"))) << "beyond fe80::/64";
  ASSERT_EQ(switch_->Allow(1, kMacA, {"fe80::1"}), absl::OkStatus());
  EXPECT_FALSE(Spoofed(Udp6("fe80::1"))) << "listed like any other";
}

TEST_F(SpoofTest, NeighbourSolicitations) {
  const Bytes own = AddressBytes(kIp6A);
  const Bytes other = AddressBytes(kIp6B);
  const Bytes source = LinkLayerOption(1, kMacA);
  EXPECT_FALSE(Spoofed(Icmp6(kIp6A, 135, Concat(other, source))));
  EXPECT_FALSE(Spoofed(Icmp6(kLinkLocalA, 135, Concat(other, source))));
  EXPECT_TRUE(Spoofed(Icmp6(kIp6B, 135, Concat(other, source))));
  EXPECT_TRUE(Spoofed(Icmp6(kIp6A, 135, Concat(other, LinkLayerOption(1, kMacB)))));
  // Behind another option (a nonce).
  EXPECT_TRUE(Spoofed(Icmp6(
      kIp6A, 135, Concat(Concat(other, {14, 1, 1, 2, 3, 4, 5, 6}), LinkLayerOption(1, kMacB)))));
  EXPECT_FALSE(
      Spoofed(Icmp6(kIp6A, 135, Concat(Concat(other, {14, 1, 1, 2, 3, 4, 5, 6}), source))));
  // Duplicate address detection.
  EXPECT_FALSE(Spoofed(Icmp6("::", 135, own)));
  EXPECT_FALSE(Spoofed(Icmp6("::", 135, AddressBytes(kLinkLocalA))));
  EXPECT_FALSE(Spoofed(Icmp6("::", 135, Concat(own, {14, 1, 1, 2, 3, 4, 5, 6}))));
  EXPECT_TRUE(Spoofed(Icmp6("::", 135, other))) << "would take another's address";
  EXPECT_TRUE(Spoofed(Icmp6(kIp6A, 135, {1, 2, 3})));
  Bytes many = other;
  for (int i = 0; i < 9; ++i) many = Concat(many, {14, 1, 0, 0, 0, 0, 0, 0});
  EXPECT_TRUE(Spoofed(Icmp6(kIp6A, 135, many))) << "options beyond what is looked at";
}

TEST_F(SpoofTest, NeighbourAdvertisements) {
  const Bytes own = AddressBytes(kIp6A);
  const Bytes other = AddressBytes(kIp6B);
  const Bytes target = LinkLayerOption(2, kMacA);
  EXPECT_FALSE(Spoofed(Icmp6(kIp6A, 136, Concat(own, target))));
  EXPECT_FALSE(Spoofed(Icmp6(kLinkLocalA, 136, Concat(own, target))));
  EXPECT_FALSE(Spoofed(Icmp6(kLinkLocalA, 136, AddressBytes(kLinkLocalA))));
  EXPECT_TRUE(Spoofed(Icmp6(kIp6A, 136, Concat(other, target))));
  EXPECT_TRUE(Spoofed(Icmp6(kIp6A, 136, Concat(own, LinkLayerOption(2, kMacB)))));
  EXPECT_TRUE(Spoofed(Icmp6("::", 136, Concat(own, target))));
  // In fragments a receiver refuses it (RFC 6980), so nobody needs it there.
  EXPECT_TRUE(Spoofed(From(kMacA, kAllNodes)
                          .Ipv6({.src = kIp6A, .dst = "ff02::1", .hop_limit = 255})
                          .Fragment6({.more = true})
                          .Icmpv6(136)
                          .Payload(Concat(own, target))));
  // Behind an extension header.
  EXPECT_TRUE(Spoofed(From(kMacA, kAllNodes)
                          .Ipv6({.src = kIp6A, .dst = "ff02::1", .hop_limit = 255})
                          .Extension(60)
                          .Icmpv6(136)
                          .Payload(Concat(other, target))));
}

TEST_F(SpoofTest, RouterDiscoveryAndListenerReports) {
  EXPECT_FALSE(Spoofed(Icmp6(kLinkLocalA, 133, LinkLayerOption(1, kMacA))));
  EXPECT_TRUE(Spoofed(Icmp6(kLinkLocalA, 133, LinkLayerOption(1, kMacB))));
  EXPECT_FALSE(Spoofed(Icmp6("::", 133, {})));
  // An advertisement's options begin behind two more words.
  EXPECT_FALSE(Spoofed(Icmp6(kLinkLocalA, 134, Concat(Bytes(8), LinkLayerOption(1, kMacA)))));
  EXPECT_TRUE(Spoofed(Icmp6(kLinkLocalA, 134, Concat(Bytes(8), LinkLayerOption(1, kMacB)))));
  EXPECT_TRUE(Spoofed(Icmp6("::", 134, Bytes(8))));
  // Behind the hop-by-hop option that they must have (RFC 3810).
  const auto report = [](const std::string& src, uint8_t type) {
    return From(kMacA, "33:33:00:00:00:16")
        .Ipv6({.src = src, .dst = "ff02::16", .hop_limit = 1})
        .Extension(0)
        .Icmpv6(type)
        .Payload(20, 0);
  };
  EXPECT_FALSE(Spoofed(report("::", 143)));
  EXPECT_FALSE(Spoofed(report(kLinkLocalA, 143)));
  EXPECT_FALSE(Spoofed(report("::", 131)));
  EXPECT_TRUE(Spoofed(report("::", 130))) << "a query is a router's";
  EXPECT_TRUE(Spoofed(report("::", 128)));
  EXPECT_TRUE(Spoofed(report(kLinkLocalB, 143)));
  EXPECT_TRUE(Spoofed(Udp6("::")));
}

TEST_F(SpoofTest, EqualsTheNaiveModelOverRandomFrames) {
  std::mt19937 random(20261122);
  const auto pick = [&random](const std::vector<std::string>& from) {
    return from[random() % from.size()];
  };
  SpoofModel model;
  const std::vector<std::pair<std::string, std::string>> rows = {{kMacA, kIpA},
                                                                 {kMacA, kIp6A},
                                                                 {kMacA, "10.1.0.0/16"},
                                                                 {kMacA, "fd01::/64"},
                                                                 {kMacVirtual, kIpVirtual},
                                                                 {kMacVirtual, "fd02::/127"},
                                                                 {kMacVirtual, "10.1.128.0/17"}};
  for (const auto& [mac, prefix] : rows) {
    model.Allow(mac, prefix);
    ASSERT_EQ(switch_->Allow(1, mac, {prefix}), absl::OkStatus());
  }
  const std::vector<std::string> v4 = {"0.0.0.0",  kIpA,         kIpB,       kIpVirtual,
                                       "10.1.2.3", "10.1.200.1", "10.2.0.1", "169.254.1.1"};
  const std::vector<std::string> v6 = {
      "::",        kIp6A,           kIp6B,     kLinkLocalA, "fe80::9",
      "fd01::1:2", "fd01:0:0:1::1", "fd02::1", "fd02::2",   "fe80::200:5eff:fe00:101"};
  const std::vector<int> types = {0, 128, 130, 131, 132, 133, 134, 135, 136, 137, 143};
  uint64_t accepted = 0;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> dropped;
  constexpr int kFrames = 50'000;
  for (int i = 0; i < kFrames; ++i) {
    Claim c;
    c.family = std::array<int, 3>{0, 4, 6}[random() % 3];
    c.mac = pick({kMacA, kMacVirtual});
    c.source = pick(c.family == 6 ? v6 : v4);
    c.target = pick(c.family == 6 ? v6 : v4);
    c.inner_mac = random() % 4 == 0 ? pick({kMacA, kMacB, kMacVirtual}) : c.mac;
    c.operation = static_cast<uint16_t>(1 + random() % 2);
    c.type = types[random() % types.size()];
    c.has_option = random() % 2 == 0;
    c.fragment = random() % 5 == 0;
    c.src_port = random() % 2 == 0 ? 68 : 1;
    c.dst_port = random() % 2 == 0 ? 67 : 2;
    const bool expected = model.Accepts(c);
    const auto result = switch_->Run("or_from_port", Build(c));
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->verdict != kDropped, expected) << Text(c);
    // The MAC's own check comes first: ARP with another sender is its.
    const bool foreign = c.family == 0 && c.inner_mac != c.mac;
    if (!expected) ++dropped[{1, foreign ? OR_DROP_SPOOFED_MAC : OR_DROP_SPOOFED_IP}];
    accepted += expected ? 1 : 0;
  }
  EXPECT_EQ(switch_->Drops(), dropped);
  EXPECT_GT(accepted, kFrames / 5u);
  EXPECT_LT(accepted, kFrames * 4u / 5);
}

}  // namespace
}  // namespace outrider::tests
