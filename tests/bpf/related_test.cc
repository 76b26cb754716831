// ICMP errors whose quoted packet is not the plain one: the connection must be found by what is
// quoted, and by nothing that only looks like it.
#include <gtest/gtest.h>

#include "tests/bpf/connection_fixture.h"

namespace outrider::tests {
namespace {

constexpr uint8_t kUdpProtocol = 17;

using RelatedTest = ConnectionTest;

// An error from a router in between about what guest A sent.
Bytes About(const PacketBuilder& sent) {
  const Bytes frame = sent.Build();
  const Bytes quoted(frame.begin() + 14, frame.end());
  PacketBuilder error(kMacA, kMacB);
  if (frame[12] == 0x08) {
    return error.Ipv4({.src = "10.0.0.254", .dst = kIpA}).Icmp(3, 1).Payload(quoted).Build();
  }
  return error.Ipv6({.src = "fd00::fe", .dst = kIp6A}).Icmpv6(1).Payload(quoted).Build();
}

PacketBuilder FromGuest() { return PacketBuilder(kMacB, kMacA); }

TEST_F(RelatedTest, BehindOptionsOfIpv4) {
  SetProfile(OutboundOnly());
  const auto udp = [](uint16_t port) {
    return FromGuest()
        .Ipv4({.src = kIpA, .dst = kIpB, .options = Bytes(8, 1)})
        .Udp(port, 53)
        .Payload(20);
  };
  ASSERT_TRUE(FromA(udp(2000).Build()));
  EXPECT_TRUE(ToA(About(udp(2000))));
  EXPECT_FALSE(ToA(About(udp(2001))));
}

// A later fragment has no ports: what stands in their place is the guest's data.
TEST_F(RelatedTest, LaterFragmentsAreOfNoConnection) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_TRUE(FromA(FromGuest().Ipv6({.src = kIp6A, .dst = kIp6B}).Udp(2000, 53).Build()));
  const auto v4 = [](uint16_t offset) {
    Ipv4Fields fields = {.src = kIpA, .dst = kIpB};
    fields.more_fragments = true;
    fields.fragment_offset = offset;
    return FromGuest().Ipv4(fields).Udp(2000, 53).Payload(20);
  };
  const auto v6 = [](uint16_t offset) {
    return FromGuest()
        .Ipv6({.src = kIp6A, .dst = kIp6B})
        .Fragment6({.offset = offset, .more = true})
        .Udp(2000, 53)
        .Payload(20);
  };
  EXPECT_TRUE(ToA(About(v4(0))));
  EXPECT_TRUE(ToA(About(v6(0))));
  for (const uint16_t offset : {uint16_t{1}, uint16_t{31}, uint16_t{32}, uint16_t{0x1fff}}) {
    SCOPED_TRACE(offset);
    EXPECT_FALSE(ToA(About(v4(offset))));
    EXPECT_FALSE(ToA(About(v6(offset))));
  }
}

// The guest's reply did not arrive; its connection has the asker's id at the other side.
TEST_F(RelatedTest, AnEchoReplyHasItsConnection) {
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6);
    SetUp();
    SetProfile({.ingress = {}, .egress = {RuleFor(state::AclAction::kAllowRelated)}});
    const auto echo = [&](PacketBuilder frame, uint8_t type, uint16_t id) {
      const bool to_a = type == 8 || type == 128;
      if (v6) {
        return frame.Ipv6({.src = to_a ? kIp6B : kIp6A, .dst = to_a ? kIp6A : kIp6B})
            .Icmpv6(type, 0, id);
      }
      return frame.Ipv4({.src = to_a ? kIpB : kIpA, .dst = to_a ? kIpA : kIpB}).Icmp(type, 0, id);
    };
    ASSERT_TRUE(ToA(echo(PacketBuilder(kMacA, kMacB), v6 ? 128 : 8, 7).Build()));
    EXPECT_TRUE(ToA(About(echo(FromGuest(), v6 ? 129 : 0, 7))));
    EXPECT_FALSE(ToA(About(echo(FromGuest(), v6 ? 129 : 0, 8))));
  }
}

// An error is not quoted by an error, whatever it quotes itself.
TEST_F(RelatedTest, AnErrorAboutAnErrorIsOfNoConnection) {
  SetProfile({.ingress = {}, .egress = {RuleFor(state::AclAction::kAllowRelated, kUdpProtocol)}});
  ASSERT_TRUE(ToA(UdpToA(2000, 53)));
  EXPECT_FALSE(ToA(About(FromGuest().Ipv4({.src = kIpA, .dst = kIpB}).Icmp(3, 3).Payload(28))));
}

}  // namespace
}  // namespace outrider::tests
