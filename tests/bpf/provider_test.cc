// Segments that a VLAN of a physical network carries: MACs that the FDB has not, what of the
// network's multicast comes in, and what the host is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/bpf/bpf_switch.h"
#include "tests/bpf/join_group.h"

namespace outrider::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr uint32_t kVlan = 5;
// That of whichever router is the master (RFC 9568).
constexpr char kVirtualMac[] = "00:00:5e:00:01:01";
constexpr char kStation[] = "52:54:00:00:00:77";
constexpr char kGroup[] = "239.1.2.3";
constexpr char kGroupMac[] = "01:00:5e:01:02:03";

Bytes Frame(const std::string& dst, const std::string& src, size_t payload = 20) {
  return PacketBuilder(dst, src)
      .Ipv4({.src = "10.0.0.9", .dst = "10.0.0.200"})
      .Udp(1, 2)
      .Payload(payload)
      .Build();
}

class ProviderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  void Carry(uint32_t flags, uint32_t vlan = 0) {
    ASSERT_EQ(switch_->SetProvider(vlan, flags), absl::OkStatus());
  }
  uint32_t FromPort(uint32_t index, const Bytes& frame) {
    return switch_->Run("or_from_port", frame, {.of_tap = index}).value().verdict;
  }
  RunResult FromUplink(const Bytes& frame) {
    return switch_->Run("or_from_uplink", frame, {.of_tap = 3}).value();
  }
  bool Got(uint32_t index, const Bytes& frame) {
    return switch_->tap(index).Receive(1000) == frame;
  }
  bool GotNothing(uint32_t index) { return !switch_->tap(index).Receive().has_value(); }

  void Join(const std::string& group, uint32_t port) {
    ASSERT_EQ(JoinGroup(switch_.get(), group, port), absl::OkStatus());
  }

  std::unique_ptr<BpfSwitch> switch_;
};

// A router of the network hands its virtual MAC over to guest B.
TEST_F(ProviderTest, AMacThatMovesToAGuestIsNoStation) {
  Carry(OR_SEGMENT_FLOOD_UNKNOWN);
  ASSERT_EQ(switch_->HearStation(kVirtualMac), absl::OkStatus());
  const Bytes from_network = Frame(kVirtualMac, kStation);
  EXPECT_EQ(FromUplink(from_network).verdict, kDropped) << "it is there itself";
  EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(0, OR_DROP_SPLIT_HORIZON), 1)));
  EXPECT_EQ(FromPort(2, Frame(kBroadcast, kVirtualMac)), kDropped) << "not B's to use";
  EXPECT_EQ(FromUplink(from_network).verdict, kDropped) << "nor to move";

  ASSERT_EQ(switch_->Allow(2, kVirtualMac, {}), absl::OkStatus());
  ASSERT_EQ(FromPort(2, Frame(kBroadcast, kVirtualMac)), kRedirected);
  ASSERT_TRUE(Got(1, Frame(kBroadcast, kVirtualMac)));
  EXPECT_EQ(FromUplink(from_network).verdict, kStolen);
  EXPECT_TRUE(Got(2, from_network));
  // And back.
  ASSERT_EQ(FromUplink(Frame(kBroadcast, kVirtualMac)).verdict, kGoOn);
  EXPECT_EQ(FromUplink(from_network).verdict, kDropped);
}

TEST_F(ProviderTest, FloodedUnicastIsForOurPortsToo) {
  Carry(OR_SEGMENT_FLOOD_UNKNOWN);
  const Bytes frame = Frame(kVirtualMac, kMacA);
  EXPECT_EQ(FromPort(1, frame), kRedirected) << "out of the uplink";
  EXPECT_TRUE(Got(2, frame));
  EXPECT_TRUE(GotNothing(1));
  EXPECT_THAT(switch_->Drops(), IsEmpty());
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u);
  EXPECT_EQ(switch_->Stats(2).tx_packets, 1u);
  ASSERT_EQ(switch_->HearStation(kVirtualMac), absl::OkStatus());
  EXPECT_EQ(FromPort(1, frame), kRedirected);
  EXPECT_TRUE(GotNothing(2)) << "a station's is for the uplink alone";
}

TEST_F(ProviderTest, WhatTheUplinkRefusesOfAFloodIsForOurPortsAllTheSame) {
  ASSERT_EQ(switch_->SetProvider(kVlan, OR_SEGMENT_FLOOD_UNKNOWN, 500), absl::OkStatus());
  const Bytes frame = Frame(kVirtualMac, kMacA, 1000);
  EXPECT_EQ(FromPort(1, frame), kDropped);
  EXPECT_TRUE(Got(2, frame));
  EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(1, OR_DROP_OVER_MTU), 1)));
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u) << "the switch took it";
}

TEST_F(ProviderTest, MulticastOfTheNetworkIsForThoseWhoJoined) {
  Carry(OR_SEGMENT_SNOOP_MULTICAST);
  Join(kGroup, 1);
  const Bytes data =
      PacketBuilder(kGroupMac, kStation).Ipv4({.src = "10.0.0.9", .dst = kGroup}).Udp(1, 2).Build();
  const RunResult result = FromUplink(data);
  EXPECT_EQ(result.verdict, kGoOn) << "the host's as well";
  EXPECT_EQ(result.packet, data);
  EXPECT_TRUE(Got(1, data));
  EXPECT_TRUE(GotNothing(2));
  // A guest that heard it would keep its own back (RFC 2236).
  const Bytes report = PacketBuilder(kGroupMac, kStation)
                           .Ipv4({.src = "10.0.0.9", .dst = kGroup, .ttl = 1, .protocol = 2})
                           .Payload({0x16, 0, 0, 0, 239, 1, 2, 3})
                           .Build();
  EXPECT_EQ(FromUplink(report).verdict, kGoOn);
  EXPECT_TRUE(GotNothing(1));
  EXPECT_TRUE(GotNothing(2));
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

// The host's MTU is its device's, and its stack judges for itself.
TEST_F(ProviderTest, WhatTheSegmentRefusesOfBroadcastsIsLeftToTheHost) {
  const auto from_station = [] { return PacketBuilder(kBroadcast, kStation); };
  const struct {
    uint32_t reason;
    Bytes frame;
  } cases[] = {
      {OR_DROP_OVER_MTU, Frame(kBroadcast, kStation, kMtu)},
      {OR_DROP_MALFORMED,
       from_station().Ipv4({.src = kIpB, .dst = kIpA, .total_length = 4000}).Build()},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(ReasonName(test.reason));
    for (const uint32_t vlan : {0u, kVlan}) {
      ASSERT_EQ(switch_->Reset(), absl::OkStatus());
      Carry(0, vlan);
      Bytes frame = test.frame;
      const uint8_t tag[] = {0x81, 0, 0, kVlan};
      if (vlan != 0) frame.insert(frame.begin() + 12, std::begin(tag), std::end(tag));
      const RunResult result = FromUplink(frame);
      EXPECT_EQ(result.verdict, kGoOn);
      EXPECT_EQ(result.packet, test.frame) << "a tag is beside the bytes";
      EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(0, test.reason), 1)));
      EXPECT_TRUE(GotNothing(1));
    }
  }
}

// A rejected frame is one drop, wherever its answer gets stuck.
TEST_F(ProviderTest, AnAnswerThatCannotLeaveIsNotDroppedAgain) {
  Carry(0);
  ASSERT_EQ(switch_->SetRuleSet(1, {.rules = {}, .default_action = state::AclAction::kReject}),
            absl::OkStatus());
  abi::or_port port = switch_->StandardPort(1);
  port.egress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  EXPECT_EQ(FromUplink(Frame(kMacA, kStation)).verdict, kRedirected) << "answered";
  ASSERT_EQ((switch_->Map<uint32_t, abi::or_provider>("or_providers").Update(kVni, {})),
            absl::OkStatus());
  EXPECT_EQ(FromUplink(Frame(kMacA, kStation)).verdict, kDropped);
  EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(1, OR_DROP_ACL_REJECT_EGRESS), 2)));
}

}  // namespace
}  // namespace outrider::tests
