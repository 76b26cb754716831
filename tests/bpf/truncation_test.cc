// Every frame cut at every length: a cut must never turn a denied frame into a forwarded one, and
// nothing may be lost without a counter.
#include <gtest/gtest.h>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

// What a tap lets a guest send at least.
constexpr size_t kShortest = 14;
// BPF_PROG_TEST_RUN refuses what is shorter than an IP header; only super-packets need it here.
constexpr size_t kShortestGso = 54;
constexpr size_t kShortestTagged = 20;

struct Seed {
  const char* name;
  PacketBuilder packet;
  // Forwarded only when it is whole; false: denied by the rules even then.
  bool allowed;
  // Super-packets: bytes per segment, and of the headers that each repeats.
  uint32_t gso_size = 0;
  size_t headers = 0;
  // The kernel itself drops what is shorter.
  size_t shortest = kShortest;
};

const Ipv4Fields kV4 = {.src = kIpA, .dst = kIpB};
const Ipv6Fields kV6 = {.src = "fd00::1", .dst = "fd00::2"};
// From this link for sure (RFC 4861).
const Ipv6Fields kLinkV6 = {.src = "fe80::1", .dst = "fd00::2", .hop_limit = 255};

PacketBuilder ToB() { return PacketBuilder(kMacB, kMacA); }

std::vector<Seed> Seeds() {
  Ipv4Fields with_options = kV4;
  with_options.options = Bytes(20, 1);
  Ipv4Fields first = kV4;
  first.more_fragments = true;
  Ipv4Fields later = kV4;
  later.fragment_offset = 100;
  later.protocol = 6;
  return {
      {"tcp 80", ToB().Ipv4(kV4).Tcp(1000, 80).Payload(60), true},
      {"tcp 80 with options", ToB().Ipv4(with_options).Tcp(1000, 80).Payload(60), true},
      {"tcp 80, first fragment", ToB().Ipv4(first).Tcp(1000, 80).Payload(60), true},
      {"tcp 80, later fragment", ToB().Ipv4(later).Payload(60), false},
      {"tcp 22", ToB().Ipv4(kV4).Tcp(1000, 22).Payload(60), false},
      {"tcp 22, super-packet", ToB().Ipv4(kV4).Tcp(1000, 22).Payload(600), false, 100, 54,
       kShortestGso},
      {"udp 80", ToB().Ipv4(kV4).Udp(1000, 80).Payload(60), false},
      {"icmp echo", ToB().Ipv4(kV4).Icmp(8).Payload(60), true},
      {"icmp redirect", ToB().Ipv4(kV4).Icmp(5).Payload(60), false},
      {"tcp6 80", ToB().Ipv6(kV6).Tcp(1000, 80).Payload(60), true},
      {"tcp6 80 behind headers",
       ToB().Ipv6(kV6).Extension(0, 2).Extension(60).Extension(43, 3).Tcp(1000, 80).Payload(60),
       true},
      {"tcp6 22 behind headers", ToB().Ipv6(kV6).Extension(0).Extension(60, 4).Tcp(9, 22), false},
      {"tcp6 22, super-packet",
       ToB().Ipv6(kV6).Extension(0).Extension(60, 4).Tcp(9, 22).Payload(600), false, 100, 114,
       kShortestGso},
      {"tcp6 80, later fragment",
       ToB().Ipv6(kV6).Fragment6({.offset = 9, .more = false, .next_header = 6}).Payload(60),
       false},
      {"neighbour solicitation", ToB().Ipv6(kLinkV6).Icmpv6(135).Payload(16), true},
      {"... past a router", ToB().Ipv6(kV6).Icmpv6(135).Payload(16), false},
      {"router advertisement", ToB().Ipv6(kLinkV6).Icmpv6(134).Payload(16), false},
      {"icmpv6 echo", ToB().Ipv6(kV6).Icmpv6(128).Payload(16), false},
      {"tagged", ToB().Vlan(4).Ipv4(kV4).Tcp(1000, 80).Payload(60), false, 0, 0, kShortestTagged},
      {"other ethertype", ToB().EtherType(0x1234).Payload(60), false},
  };
}

state::AclRule Rule(uint8_t protocol) {
  state::AclRule rule;
  rule.protocol = protocol;
  rule.action = state::AclAction::kAllow;
  return rule;
}

// Allows TCP to port 80, and ICMP echo; everything else is denied.
absl::Status SetRules(BpfSwitch& s) {
  state::AclRule web = Rule(6);
  web.dst_port = state::PortRange{80, 80};
  state::AclRule echo = Rule(1);
  echo.icmp_type = 8;
  RETURN_IF_ERROR(s.SetRuleSet(1, {web, echo}, abi::OR_ACL_DROP));
  abi::or_port port = s.StandardPort(1);
  port.ingress_rule_set = 1;
  port.policy = OR_POLICY_RA_GUARD;
  return s.SetPort(1, port);
}

// Wire frames of a super-packet cut to `length` bytes. Cut in its headers it is one malformed
// frame.
uint64_t Segments(size_t length, size_t headers, uint32_t gso_size) {
  if (length <= headers) return 1;
  return (length - headers + gso_size - 1) / gso_size;
}

// Whether port B gets what port A sends.
bool Forwarded(BpfSwitch& s, const Bytes& frame, uint32_t gso_size) {
  if (gso_size != 0) {
    auto result = s.Run("or_from_port", frame, {.gso_size = gso_size});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() && result->verdict == kRedirected;
  }
  EXPECT_EQ(s.tap(1).Send(frame), absl::OkStatus());
  const auto received = s.tap(2).Receive();
  EXPECT_TRUE(!received || *received == frame);
  return received.has_value();
}

TEST(TruncationTest, NoCutIsABypass) {
  auto made = BpfSwitch::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  BpfSwitch& s = **made;
  ASSERT_EQ(SetRules(s), absl::OkStatus());
  ASSERT_EQ(s.AttachAll(), absl::OkStatus());
  uint64_t sent = 0;
  uint64_t forwarded = 0;
  for (const Seed& seed : Seeds()) {
    SCOPED_TRACE(seed.name);
    const size_t whole = seed.packet.Build().size();
    for (size_t length = seed.shortest; length <= whole; ++length) {
      const bool allowed = seed.allowed && length == whole;
      ASSERT_EQ(Forwarded(s, seed.packet.BuildTruncated(length), seed.gso_size), allowed)
          << "cut at " << length;
      sent += seed.gso_size != 0 ? Segments(length, seed.headers, seed.gso_size) : 1;
      forwarded += allowed ? 1 : 0;
    }
  }
  EXPECT_EQ(s.Stats(1).rx_packets, forwarded);
  EXPECT_EQ(s.Stats(1).rx_packets + s.DroppedPackets(1), sent);
}

// ARP has no length field: behind its header there is only padding.
TEST(TruncationTest, ArpPassesWhenItsHeaderIsWhole) {
  auto made = BpfSwitch::Create();
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_EQ((*made)->AttachAll(), absl::OkStatus());
  const PacketBuilder packet =
      ToB().Arp({.operation = 2, .sender_mac = Mac(kMacA), .sender_ip = kIpA}).Payload(18, 0);
  for (size_t length = kShortest; length <= 60; ++length) {
    EXPECT_EQ(Forwarded(**made, packet.BuildTruncated(length), 0), length >= 42)
        << "cut at " << length;
  }
}

}  // namespace
}  // namespace outrider::tests
