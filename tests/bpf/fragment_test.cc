// Fragments at a stateful port: the first has the ports and is judged, the later ones follow it.
#include <gtest/gtest.h>

#include "tests/bpf/connection_fixture.h"

namespace outrider::tests {
namespace {

constexpr uint8_t kUdpProtocol = 17;

class FragmentTest : public ConnectionTest {
 protected:
  // Of a UDP datagram from B to A; the first one has the ports.
  static Bytes Fragment(bool first, uint16_t id, bool v6, uint8_t protocol = kUdpProtocol) {
    PacketBuilder frame(kMacA, kMacB);
    const uint16_t offset = first ? 0 : 5;
    if (v6) {
      frame.Ipv6({.src = kIp6B, .dst = kIp6A})
          .Fragment6({.offset = offset, .more = first, .next_header = protocol, .id = id});
    } else {
      frame.Ipv4({.src = kIpB,
                  .dst = kIpA,
                  .more_fragments = first,
                  .fragment_offset = offset,
                  .options = {},
                  .protocol = protocol,
                  .id = id});
    }
    if (first) frame.Udp(53, 2000);
    return frame.Payload(first ? 32 : 40).Build();
  }
};

TEST_F(FragmentTest, FollowTheirFirst) {
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6);
    SetUp();
    SetProfile(OutboundOnly());
    EXPECT_FALSE(ToA(Fragment(true, 9, v6)));
    EXPECT_FALSE(ToA(Fragment(false, 9, v6))) << "the first one was refused";
    const auto question =
        v6 ? PacketBuilder(kMacB, kMacA).Ipv6({.src = kIp6A, .dst = kIp6B}).Udp(2000, 53).Build()
           : UdpFromA(2000, 53);
    ASSERT_TRUE(FromA(question));
    EXPECT_FALSE(ToA(Fragment(false, 9, v6))) << "before its first";
    EXPECT_TRUE(ToA(Fragment(true, 9, v6)));
    EXPECT_TRUE(ToA(Fragment(false, 9, v6)));
    EXPECT_TRUE(ToA(Fragment(false, 9, v6))) << "another of the same";
    EXPECT_FALSE(ToA(Fragment(false, 10, v6))) << "of another datagram";
    EXPECT_FALSE(ToA(Fragment(false, 9 + OR_FRAGMENT_SLOTS, v6))) << "in the same slot";
    EXPECT_TRUE(ToA(Fragment(true, 9 + OR_FRAGMENT_SLOTS, v6)));
    EXPECT_FALSE(ToA(Fragment(false, 9, v6))) << "displaced";
    EXPECT_EQ(Count(), 1u) << "fragments are of the connection";
  }
}

TEST_F(FragmentTest, OfAnotherProtocolDoNotFollow) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_TRUE(ToA(Fragment(true, 9, false)));
  EXPECT_FALSE(ToA(Fragment(false, 9, false, 6)));
}

// TCP in fragments: how much it holds is not known from the first, so numbers cannot be held to.
TEST_F(FragmentTest, OfTcpLoosenTheWindow) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(TcpFrame({true, kSyn, 1000, 0})));
  ASSERT_TRUE(ToA(TcpFrame({false, kSyn | kAck, 5000, 1001})));
  ASSERT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  ASSERT_FALSE(FromA(TcpFrame({true, kAck, 1001, 9001})));
  EXPECT_TRUE(ToA(PacketBuilder(kMacA, kMacB)
                      .Ipv4({.src = kIpB, .dst = kIpA, .more_fragments = true})
                      .Tcp({.src_port = 80, .dst_port = 40'000, .seq = 5001, .ack = 1001})
                      .Payload(36)
                      .Build()));
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1001, 9001})));
}

// Whoever knows the addresses alone turns nothing off.
TEST_F(FragmentTest, OutOfTheWindowLoosenNothing) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(TcpFrame({true, kSyn, 1000, 0})));
  ASSERT_TRUE(ToA(TcpFrame({false, kSyn | kAck, 5000, 1001})));
  ASSERT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  for (const uint32_t seq : {900'000u, 5001u}) {
    const uint32_t ack = seq == 5001u ? 900'000u : 1001u;
    EXPECT_FALSE(ToA(PacketBuilder(kMacA, kMacB)
                         .Ipv4({.src = kIpB, .dst = kIpA, .more_fragments = true})
                         .Tcp({.src_port = 80, .dst_port = 40'000, .seq = seq, .ack = ack})
                         .Payload(36)
                         .Build()));
  }
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), 2u);
  EXPECT_EQ(Entries()[0].second.flags, OR_CONNECTION_FROM_GUEST);
  EXPECT_FALSE(FromA(TcpFrame({true, kAck, 1001, 9001})));
  EXPECT_FALSE(ToA(TcpFrame({false, kAck, 900'000, 1001, 10})));
}

}  // namespace
}  // namespace outrider::tests
