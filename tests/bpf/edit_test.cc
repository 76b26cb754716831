// Connections whose rules change: they are judged again as their first packet was, or kept.
#include <gtest/gtest.h>

#include "tests/bpf/connection_fixture.h"

namespace outrider::tests {
namespace {

constexpr uint8_t kUdpProtocol = 17;

// From a router in between, to A.
Bytes ErrorAbout(const Bytes& frame) {
  return PacketBuilder(kMacA, kMacB)
      .Ipv4({.src = "10.0.0.254", .dst = kIpA})
      .Icmp(3, 4)
      .Payload({frame.begin() + 14, frame.end()})
      .Build();
}

class EditTest : public ConnectionTest {
 protected:
  // Asks, is answered, and has its rules changed.
  void EditTo(Profile profile, bool keep) {
    SetUp();
    SetProfile(OutboundOnly());
    ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
    ASSERT_TRUE(ToA(UdpToA(53, 2000)));
    ASSERT_TRUE(FromA(TcpFrame({true, kSyn, 1000, 0})));
    ASSERT_TRUE(ToA(TcpFrame({false, kSyn | kAck, 5000, 1001})));
    profile.keep = keep;
    SetProfile(profile);
  }
  static Profile Nothing() { return {.ingress = {}, .egress = {}}; }
};

TEST_F(EditTest, ConnectionsThatNewRulesDenyEnd) {
  EditTo(Nothing(), /*keep=*/false);
  EXPECT_FALSE(FromA(UdpFromA(2000, 53)));
  EXPECT_EQ(Dropped(OR_DROP_ACL_INGRESS), 1u);
  EXPECT_EQ(Count(), 1u);
  EXPECT_FALSE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  EXPECT_EQ(Count(), 0u);
}

// The first frame after the edit is an answer: it is the question that is judged.
TEST_F(EditTest, AnAnswerHasItsConnectionJudged) {
  EditTo(Nothing(), /*keep=*/false);
  EXPECT_FALSE(ToA(UdpToA(53, 2000)));
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), 1u);
  EXPECT_EQ(Count(), 1u);

  EditTo({.ingress = {RuleFor(state::AclAction::kAllowRelated, kUdpProtocol, 53)}, .egress = {}},
         false);
  EXPECT_TRUE(ToA(UdpToA(53, 2000))) << "the rule names the question's port";
  EXPECT_FALSE(ToA(TcpFrame({false, kAck, 5001, 1001, 10})));
  EXPECT_TRUE(ToA(UdpToA(53, 2000)));
  EXPECT_EQ(Count(), 1u);
}

TEST_F(EditTest, ConnectionsThatNewRulesAdmitGoOn) {
  EditTo({.ingress = {RuleFor(state::AclAction::kAllowRelated, 6, 80),
                      RuleFor(state::AclAction::kAllow)},
          .egress = {}},
         /*keep=*/false);
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001}))) << "judged as its SYN was";
  EXPECT_EQ(Count(), 2u);
  EXPECT_TRUE(FromA(UdpFromA(2000, 53)));
  EXPECT_EQ(Count(), 1u) << "allowed, but not remembered any more";
  EXPECT_FALSE(ToA(UdpToA(53, 2000)));
}

TEST_F(EditTest, KeptConnectionsGoOnWhateverTheRules) {
  EditTo(Nothing(), /*keep=*/true);
  EXPECT_TRUE(FromA(UdpFromA(2000, 53)));
  EXPECT_TRUE(ToA(UdpToA(53, 2000)));
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  EXPECT_TRUE(ToA(ErrorAbout(UdpFromA(2000, 53))));
  EXPECT_FALSE(FromA(UdpFromA(2001, 53))) << "a new one";
  SetProfile(Nothing());
  EXPECT_FALSE(FromA(UdpFromA(2000, 53))) << "until the profile keeps them no more";
}

TEST_F(EditTest, ErrorsWaitForTheConnectionsJudgement) {
  EditTo(OutboundOnly(), /*keep=*/false);
  EXPECT_FALSE(ToA(ErrorAbout(UdpFromA(2000, 53))));
  EXPECT_TRUE(FromA(UdpFromA(2000, 53)));
  EXPECT_TRUE(ToA(ErrorAbout(UdpFromA(2000, 53))));
}

// Rules are written for the question: what is looked at of an answer is turned.
TEST_F(EditTest, AnAnswerIsJudgedAsItsQuestion) {
  state::AclRule macs = RuleFor(state::AclAction::kAllowRelated, kUdpProtocol, 53);
  macs.src_mac = Mac(kMacA);
  macs.dst_mac = Mac(kMacB);
  macs.src = *IpPrefix::Parse("10.0.0.1/32");
  macs.src_port = {2000, 2000};
  EditTo({.ingress = {macs}, .egress = {}}, /*keep=*/false);
  EXPECT_TRUE(ToA(UdpToA(53, 2000)));
  EXPECT_TRUE(ToA(UdpToA(53, 2000))) << "from then on its own";
}

TEST_F(EditTest, AnEchoReplyIsJudgedAsTheRequest) {
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6);
    SetUp();
    SetProfile(OutboundOnly());
    const auto echo = [&](bool from_a, uint8_t type) {
      PacketBuilder frame(from_a ? kMacB : kMacA, from_a ? kMacA : kMacB);
      if (v6) {
        frame.Ipv6({.src = from_a ? kIp6A : kIp6B, .dst = from_a ? kIp6B : kIp6A})
            .Icmpv6(type, 0, 7);
      } else {
        frame.Ipv4({.src = from_a ? kIpA : kIpB, .dst = from_a ? kIpB : kIpA}).Icmp(type, 0, 7);
      }
      return frame.Payload(16).Build();
    };
    ASSERT_TRUE(FromA(echo(true, v6 ? 128 : 8)));
    state::AclRule requests = RuleFor(state::AclAction::kAllowRelated, v6 ? 58 : 1);
    requests.icmp_type = v6 ? 128 : 8;
    SetProfile({.ingress = {requests}, .egress = {}});
    EXPECT_TRUE(ToA(echo(false, v6 ? 129 : 0)));
    EXPECT_EQ(Count(), 1u);
  }
}

// A rule that lets SYNs through lets the connections through that it would have begun.
TEST_F(EditTest, TcpIsJudgedByTheFlagsOfItsFirstPacket) {
  state::AclRule syns = RuleFor(state::AclAction::kAllowRelated, 6, 80);
  syns.tcp_flags_mask = kSyn | kAck;
  syns.tcp_flags_value = kSyn;
  EditTo({.ingress = {syns}, .egress = {}}, /*keep=*/false);
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  EditTo({.ingress = {syns}, .egress = {}}, /*keep=*/false);
  EXPECT_TRUE(ToA(TcpFrame({false, kSyn | kAck, 5000, 1001})));
  syns.tcp_flags_value = kAck;
  EditTo({.ingress = {syns}, .egress = {}}, /*keep=*/false);
  EXPECT_FALSE(FromA(TcpFrame({true, kAck, 1001, 5001})));
}

}  // namespace
}  // namespace outrider::tests
