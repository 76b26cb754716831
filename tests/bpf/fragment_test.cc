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

// All that is sure to be the same in each fragment must be.
TEST_F(FragmentTest, OfOtherAddressesDoNotFollow) {
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6);
    SetUp();
    SetProfile({.ingress = {}, .egress = {RuleFor(state::AclAction::kAllowRelated, kUdpProtocol)}});
    const auto later = [&](const std::string& last_of_src, const std::string& last_of_dst) {
      PacketBuilder frame(kMacA, kMacB);
      const std::string net = v6 ? "fd00::" : "10.0.0.";
      if (v6) {
        frame.Ipv6({.src = net + last_of_src, .dst = net + last_of_dst})
            .Fragment6({.offset = 5, .next_header = kUdpProtocol, .id = 9});
      } else {
        Ipv4Fields fields = {.src = net + last_of_src, .dst = net + last_of_dst};
        fields.fragment_offset = 5;
        fields.protocol = kUdpProtocol;
        fields.id = 9;
        frame.Ipv4(fields);
      }
      return frame.Payload(40).Build();
    };
    ASSERT_TRUE(ToA(Fragment(true, 9, v6)));
    // No rule may speak for them: later ones pass rules that name a protocol only of IPv4.
    SetProfile({.ingress = {}, .egress = {}});
    EXPECT_TRUE(ToA(later("2", "1")));
    EXPECT_FALSE(ToA(later("3", "1")));
    EXPECT_FALSE(ToA(later("2", "3")));
    EXPECT_TRUE(ToA(later("2", "1")));
  }
}

TEST_F(FragmentTest, OfAnotherSegmentDoNotFollow) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_TRUE(ToA(Fragment(true, 9, false)));
  for (const uint32_t index : {1u, 2u}) {
    const auto ports = switch_->Ports();
    abi::or_port port = ports.Lookup(index).value();
    port.vni = kOtherVni;
    ASSERT_EQ(ports.Update(index, port), absl::OkStatus());
  }
  ASSERT_EQ(switch_->SetFdb(kOtherVni, kMacA, abi::OR_FDB_LOCAL, 1), absl::OkStatus());
  EXPECT_FALSE(ToA(Fragment(false, 9, false)));
}

// Both directions have slots of their own: nobody displaces what the other side sends.
TEST_F(FragmentTest, OfBothDirectionsDoNotDisplaceEachOther) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  const auto from_a = [](bool first) {
    Ipv4Fields fields = {.src = kIpA, .dst = kIpB};
    fields.more_fragments = first;
    fields.fragment_offset = first ? 0 : 5;
    fields.protocol = kUdpProtocol;
    fields.id = 9;
    PacketBuilder frame(kMacB, kMacA);
    frame.Ipv4(fields);
    if (first) frame.Udp(2000, 53);
    return frame.Payload(40).Build();
  };
  ASSERT_TRUE(ToA(Fragment(true, 9, false)));
  ASSERT_TRUE(FromA(from_a(true)));
  EXPECT_TRUE(ToA(Fragment(false, 9, false)));
}

TEST_F(FragmentTest, FollowAsLongAsReassemblyMayTake) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_TRUE(ToA(Fragment(true, 9, false)));
  auto map = switch_->Map<uint32_t, abi::or_fragments>("or_fragments");
  abi::or_fragments notes = map.Lookup(1).value();
  bool noted = false;
  for (abi::or_datagram& datagram : notes.slots) {
    if (datagram.expires_s == 0) continue;
    noted = true;
    datagram.expires_s = 1;
  }
  ASSERT_TRUE(noted);
  ASSERT_EQ(map.Update(1, notes), absl::OkStatus());
  EXPECT_FALSE(ToA(Fragment(false, 9, false))) << "the note is over";
}

}  // namespace
}  // namespace outrider::tests
