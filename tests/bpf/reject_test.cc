// Answers to rejected frames: what they say, to whom, and when there is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/bpf/answer_fixture.h"

namespace outrider::tests {
namespace {

constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kRst = 0x04;
constexpr uint8_t kAck = 0x10;

PacketBuilder V4() { return FromGuestA().Ipv4({.src = kIpA, .dst = kIpB}); }
PacketBuilder V6() { return FromGuestA().Ipv6({.src = kV6A, .dst = kV6B}); }

class RejectTest : public AnswerTest {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(AnswerTest::SetUp());
    abi::or_port port = switch_->StandardPort(1);
    port.ingress_rule_set = 1;
    ASSERT_EQ(switch_->SetRuleSet(1, {.rules = {}, .default_action = state::AclAction::kReject}),
              absl::OkStatus());
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  }
};

TEST_F(RejectTest, AnswersASynWithAReset) {
  const Bytes answer = AnswerTo(V4().Tcp(1000, 80, kSyn).Payload(3).Build());
  ASSERT_EQ(answer.size(), 54u);
  EXPECT_EQ(At16(answer, 12), 0x0800);
  EXPECT_EQ(InternetChecksum(Slice(answer, 14, 34)), 0) << "the IP header's checksum";
  EXPECT_EQ(At16(answer, 16), 40);
  EXPECT_EQ(answer[23], 6);
  EXPECT_EQ(Slice(answer, 26, 30), (Bytes{10, 0, 0, 2}));
  EXPECT_EQ(Slice(answer, 30, 34), (Bytes{10, 0, 0, 1}));
  EXPECT_EQ(At16(answer, 34), 80);
  EXPECT_EQ(At16(answer, 36), 1000);
  EXPECT_EQ(At32(answer, 38), 0u);
  EXPECT_EQ(At32(answer, 42), 4u) << "the SYN and 3 bytes are acknowledged";
  EXPECT_EQ(answer[47], kRst | kAck);
  EXPECT_EQ(InternetChecksum(WithPseudoHeader(answer, true, 6)), 0);
  EXPECT_EQ(switch_->DroppedPackets(1), 1u);
  EXPECT_EQ(switch_->Stats(1).rx_packets, 0u);
  EXPECT_EQ(switch_->Stats(1).tx_packets, 1u);
}

TEST_F(RejectTest, AnswersWhatAcknowledgesWithAResetOfThatNumber) {
  Bytes packet = V6().Tcp(1000, 80, kAck).Build();
  packet[54 + 11] = 77;  // of the acknowledgement number, the last byte
  const Bytes answer = AnswerTo(packet);
  ASSERT_EQ(answer.size(), 74u);
  EXPECT_EQ(At32(answer, 58), 77u);
  EXPECT_EQ(answer[67], kRst);
  EXPECT_EQ(At16(answer, 18), 20) << "payload length";
  EXPECT_EQ(InternetChecksum(WithPseudoHeader(answer, false, 6)), 0);
}

TEST_F(RejectTest, AnswersUdpByIcmp) {
  const Bytes packet = V4().Udp(1000, 53).Payload(200).Build();
  const Bytes answer = AnswerTo(packet);
  ASSERT_EQ(answer.size(), 14u + 20 + 8 + 88);
  EXPECT_EQ(InternetChecksum(Slice(answer, 14, 34)), 0);
  EXPECT_EQ(At16(answer, 16), answer.size() - 14);
  EXPECT_EQ(answer[23], 1);
  EXPECT_EQ(answer[34], 3);
  EXPECT_EQ(answer[35], 13);
  EXPECT_EQ(InternetChecksum(Slice(answer, 34, answer.size())), 0);
  EXPECT_EQ(Slice(answer, 42, answer.size()), Slice(packet, 14, 14 + 88));
}

TEST_F(RejectTest, AnswersEchoOverIpv6) {
  const Bytes packet = V6().Icmpv6(128).Payload(20).Build();
  const Bytes answer = AnswerTo(packet);
  const size_t quoted = (packet.size() - 14) / 4 * 4;
  ASSERT_EQ(answer.size(), 14u + 40 + 8 + quoted);
  EXPECT_EQ(At16(answer, 18), 8 + quoted);
  EXPECT_EQ(answer[20], 58);
  EXPECT_EQ(Slice(answer, 22, 38), Slice(packet, 38, 54));
  EXPECT_EQ(answer[54], 1);
  EXPECT_EQ(answer[55], 1);
  EXPECT_EQ(InternetChecksum(WithPseudoHeader(answer, false, 58)), 0);
  EXPECT_EQ(Slice(answer, 62, answer.size()), Slice(packet, 14, 14 + quoted));
}

// A guest leaves the checksum to its device; whoever sends the answer on completes the same place.
TEST_F(RejectTest, LeavesAnUnfinishedChecksumUnfinished) {
  Bytes packet = V4().Tcp(1000, 80, kSyn).Build();
  packet[50] = packet[51] = 0;
  const uint16_t pseudo =
      static_cast<uint16_t>(~InternetChecksum(Slice(WithPseudoHeader(packet, true, 6), 0, 16)));
  packet[50] = static_cast<uint8_t>(pseudo >> 8);
  packet[51] = static_cast<uint8_t>(pseudo);
  const Bytes answer = AnswerTo(packet);
  ASSERT_EQ(answer.size(), 54u);
  EXPECT_EQ(At16(answer, 50), pseudo) << "the same length, protocol and addresses";
}

TEST_F(RejectTest, IsSilentWhereAnAnswerDoesHarm) {
  Ipv4Fields fragment = {.src = kIpA, .dst = kIpB};
  fragment.more_fragments = true;
  Ipv4Fields later = {.src = kIpA, .dst = kIpB};
  later.fragment_offset = 100;
  later.protocol = 17;
  const std::vector<std::pair<std::string, PacketBuilder>> silent = {
      {"a reset", V4().Tcp(1000, 80, kRst)},
      {"an ICMP error", V4().Icmp(3, 1).Payload(28)},
      {"an echo reply", V4().Icmp(0)},
      {"an ICMPv6 error", V6().Icmpv6(1).Payload(48)},
      {"a router advertisement", V6().Icmpv6(134).Payload(16)},
      {"a first fragment", FromGuestA().Ipv4(fragment).Udp(1, 2).Payload(64)},
      {"a later fragment", FromGuestA().Ipv4(later).Payload(64)},
      {"broadcast", FromGuestA(kBroadcast).Ipv4({.src = kIpA, .dst = "255.255.255.255"}).Udp(1, 2)},
      {"multicast", FromGuestA().Ipv4({.src = kIpA, .dst = "224.0.0.1"}).Udp(1, 2)},
      {"broadcast, to one address",
       FromGuestA(kBroadcast).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2)},
      {"multicast of IPv6", FromGuestA().Ipv6({.src = kV6A, .dst = "ff05::1"}).Udp(1, 2)},
      {"from many", FromGuestA().Ipv4({.src = "224.0.0.1", .dst = kIpB}).Udp(1, 2)},
      {"from many of IPv6", FromGuestA().Ipv6({.src = "ff02::1", .dst = kV6B}).Udp(1, 2)},
      {"from itself", FromGuestA().Ipv4({.src = "127.0.0.9", .dst = kIpB}).Udp(1, 2)},
      {"a host without an address", FromGuestA().Ipv4({.src = "0.0.0.0", .dst = kIpB}).Udp(1, 2)},
      {"an unspecified source", FromGuestA().Ipv6({.src = "::", .dst = kV6B}).Udp(1, 2)},
      {"another ethertype", FromGuestA().EtherType(0x88b5).Payload(46)},
  };
  for (const auto& [name, packet] : silent) {
    EXPECT_EQ(AnswerTo(packet.Build()), Bytes()) << name;
  }
  EXPECT_EQ(switch_->DroppedPackets(1), silent.size());
}

TEST_F(RejectTest, AnswersSoManyASecond) {
  const Bytes packet = V4().Udp(1000, 53).Payload(200).Build();
  int answers = 0;
  for (int i = 0; i < 300; ++i) answers += AnswerTo(packet).empty() ? 0 : 1;
  EXPECT_GE(answers, 100);
  EXPECT_LE(answers, 200) << "in two windows at most, these runs take less than a second";
  EXPECT_EQ(switch_->DroppedPackets(1), 300u);
}

TEST_F(RejectTest, WhatIsNotAnsweredTakesNothingOfTheShare) {
  const Bytes reset = V4().Tcp(1000, 80, kRst).Build();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(AnswerTo(reset).empty());
  const auto quotas = switch_->Map<abi::or_rule_count_key, abi::or_quota>("or_quotas");
  EXPECT_THAT(quotas.Keys().value(), ::testing::IsEmpty());
}

// What one guest is told is not taken from another's share.
TEST_F(RejectTest, EachPortHasItsOwnShareOfAnswers) {
  const Bytes packet = V4().Udp(1000, 53).Payload(200).Build();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(switch_->Run("or_from_port", packet).ok());
  abi::or_port port = switch_->StandardPort(2);
  port.ingress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(2, port), absl::OkStatus());
  const Bytes from_b =
      PacketBuilder(kMacA, kMacB).Ipv4({.src = kIpB, .dst = kIpA}).Udp(1, 2).Payload(20).Build();
  EXPECT_EQ(switch_->Run("or_from_port", from_b, {.of_tap = 2}).value().verdict, kRedirected);
}

// RFC 9293, 3.10.7.1: data and FIN count, and so does the SYN.
TEST_F(RejectTest, AcknowledgesTheFin) {
  const Bytes answer = AnswerTo(
      V4().Tcp({.src_port = 1000, .dst_port = 80, .flags = 0x01, .seq = 500}).Payload(7).Build());
  ASSERT_EQ(answer.size(), 54u);
  EXPECT_EQ(At32(answer, 42), 508u);
}

// Rejected by the egress list of the port the frame is for: the answer goes to the sender's.
TEST_F(RejectTest, TowardsAGuestTheSenderIsAnswered) {
  ASSERT_EQ(switch_->SetPort(1, switch_->StandardPort(1)), absl::OkStatus());
  abi::or_port port = switch_->StandardPort(2);
  port.egress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(2, port), absl::OkStatus());
  const Bytes answer = AnswerTo(V4().Tcp(1000, 80, kSyn).Build());
  ASSERT_EQ(answer.size(), 54u);
  EXPECT_EQ(answer[47], kRst | kAck);
  EXPECT_EQ(switch_->DroppedPackets(2), 1u);
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u) << "the switch took it";
  EXPECT_EQ(switch_->Stats(2).tx_packets, 0u);
}

}  // namespace
}  // namespace outrider::tests
