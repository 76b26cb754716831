// Every VLAN mode against every kind of tag, in both directions, to the byte; tags beside the bytes
// (as any device hands them up) and among them.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/bpf/vlan_fixture.h"

namespace outrider::tests {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;

constexpr uint16_t kService = 0x88a8;

struct IngressCase {
  const char* name;
  Vlans mode;
  Tags sent;
  // 0: it passes, into `vni`, with the tags that stay.
  uint32_t reason;
  uint32_t vni = 0;
  Tags kept = {};
};

std::vector<IngressCase> AccessAndTunnelCases() {
  return {
      {"access, untagged", kAccess, {}, 0, 7},
      {"access, priority", kAccess, {{0}}, 0, 7},
      {"access, tagged", kAccess, {{10}}, OR_DROP_VLAN_TAGGED},
      {"access, service tag", kAccess, {{10, kService}}, OR_DROP_VLAN_TAGGED},
      {"access, tag below priority", kAccess, {{0}, {10}}, OR_DROP_VLAN_TAGGED},
      {"access, two priority tags", kAccess, {{0}, {0}}, 0, 7},
      {"access, tag below two of priority", kAccess, {{0}, {0}, {10}}, OR_DROP_VLAN_TAGGED},
      {"access, double", kAccess, {{10}, {30}}, OR_DROP_VLAN_TAGGED},
      {"tunnel, untagged", kTunnel, {}, 0, 7},
      {"tunnel, priority", kTunnel, {{0}}, 0, 7},
      {"tunnel, tagged", kTunnel, {{10}}, 0, 7, {{10}}},
      {"tunnel, highest", kTunnel, {{4095}}, 0, 7, {{4095}}},
      {"tunnel, service tag", kTunnel, {{10, kService}}, 0, 7, {{10, kService}}},
      {"tunnel, tag below priority", kTunnel, {{0}, {10}}, 0, 7, {{10}}},
      {"tunnel, double", kTunnel, {{10}, {20}}, OR_DROP_VLAN_TAGGED},
      {"tunnel of 30, untagged", kTunnelOf30, {}, OR_DROP_UNTAGGED_ON_TRUNK},
      {"tunnel of 30, priority", kTunnelOf30, {{0}}, OR_DROP_UNTAGGED_ON_TRUNK},
      {"tunnel of 30, allowed", kTunnelOf30, {{30}}, 0, 7, {{30}}},
      {"tunnel of 30, not allowed", kTunnelOf30, {{31}}, OR_DROP_VLAN_NOT_ALLOWED},
      {"tunnel of 30, double", kTunnelOf30, {{30}, {31}}, OR_DROP_VLAN_TAGGED},
      {"no mode", {static_cast<abi::or_vlan_mode>(77)}, {}, OR_DROP_PORT_BLOCKED},
  };
}

std::vector<IngressCase> TrunkCases() {
  return {
      {"trunk, untagged", kTrunk, {}, OR_DROP_UNTAGGED_ON_TRUNK},
      {"trunk, priority", kTrunk, {{0}}, OR_DROP_UNTAGGED_ON_TRUNK},
      {"trunk, 10", kTrunk, {{10}}, 0, 7},
      {"trunk, 20", kTrunk, {{20}}, 0, 8},
      {"trunk, not allowed", kTrunk, {{30}}, OR_DROP_VLAN_NOT_ALLOWED},
      {"trunk, highest", kTrunk, {{4095}}, OR_DROP_VLAN_NOT_ALLOWED},
      {"trunk, service tag", kTrunk, {{10, kService}}, OR_DROP_VLAN_NOT_ALLOWED},
      {"trunk, double", kTrunk, {{10}, {30}}, 0, 7, {{30}}},
      {"trunk, double with service", kTrunk, {{20}, {30, kService}}, 0, 8, {{30, kService}}},
      {"trunk, outer not allowed", kTrunk, {{30}, {10}}, OR_DROP_VLAN_NOT_ALLOWED},
      {"trunk, tag below priority", kTrunk, {{0}, {10}}, OR_DROP_UNTAGGED_ON_TRUNK},
      {"trunk, priority below tag", kTrunk, {{10}, {0}}, 0, 7},
      {"trunk, tag below priority below tag", kTrunk, {{10}, {0}, {30}}, OR_DROP_VLAN_TAGGED},
      {"trunk, triple", kTrunk, {{10}, {30}, {40}}, OR_DROP_VLAN_TAGGED},
  };
}

std::vector<IngressCase> NativeCases(const Vlans& mode) {
  return {
      {"native, untagged", mode, {}, 0, 7},
      {"native, priority", mode, {{0}}, 0, 7},
      {"native, native tag", mode, {{10}}, 0, 7},
      {"native, 20", mode, {{20}}, 0, 8},
      {"native, not allowed", mode, {{30}}, OR_DROP_VLAN_NOT_ALLOWED},
      {"native, double", mode, {{20}, {30}}, 0, 8, {{30}}},
      {"native, double hop", mode, {{10}, {20}}, 0, 7, {{20}}},
      {"native, tag below priority", mode, {{0}, {20}}, OR_DROP_VLAN_TAGGED},
  };
}

class VlanTest : public VlanFixture {
 protected:
  // B and C show what comes into segment 7 and 8, with the tags it has there.
  void ExpectIngress(const IngressCase& test) {
    for (const char* dst : {kBroadcast, kMacB}) {
      for (const bool offloaded : {true, false}) {
        SCOPED_TRACE(fmt::format("{} to {}, {}", test.name, dst, offloaded ? "beside" : "among"));
        Become(test.mode, TunnelIn(7), TunnelIn(8));
        ASSERT_EQ(switch_->SetFdb(8, kMacB, abi::OR_FDB_LOCAL, 3), absl::OkStatus());
        const uint32_t verdict = SendAs(Frame(dst, test.sent), offloaded);
        if (test.reason != 0) {
          EXPECT_THAT(Drops(), ElementsAre(Pair(Pair(1, test.reason), 1)))
              << "wanted " << ReasonName(test.reason);
          EXPECT_EQ(Got(2), std::nullopt);
          EXPECT_EQ(Got(3), std::nullopt);
        } else if (!offloaded && dst != kBroadcast) {
          EXPECT_EQ(verdict, kRedirected);
        } else {
          EXPECT_EQ(Got(test.vni == 7 ? 2 : 3), Frame(dst, test.kept));
          EXPECT_EQ(Got(test.vni == 7 ? 3 : 2), std::nullopt);
        }
        EXPECT_EQ(switch_->Stats(1).rx_packets, test.reason == 0 ? 1u : 0u);
      }
    }
  }
  uint32_t SendAs(const Bytes& frame, bool offloaded) {
    if (!offloaded) return RunInBand(frame);
    SendOffloaded(frame);
    return kStolen;
  }
};

TEST_F(VlanTest, AccessAndTunnelPortsTake) {
  for (const IngressCase& test : AccessAndTunnelCases()) ExpectIngress(test);
}

TEST_F(VlanTest, TrunksTake) {
  for (const IngressCase& test : TrunkCases()) ExpectIngress(test);
}

TEST_F(VlanTest, NativeTrunksTake) {
  for (const IngressCase& test : NativeCases(kNativeTagged)) ExpectIngress(test);
  for (const IngressCase& test : NativeCases(kNativeUntagged)) ExpectIngress(test);
}

struct EgressCase {
  const char* name;
  Vlans mode;
  uint32_t vni;
  // Tags of the frame in its segment.
  Tags kept;
  // 0: the guest gets it, with `tags`.
  uint32_t reason;
  Tags tags = {};
};

const EgressCase kEgressCases[] = {
    {"access", kAccess, 7, {}, 0},
    {"access, customer tag", kAccess, 7, {{30}}, OR_DROP_VLAN_TAGGED},
    {"access, other segment", kAccess, 8, {}, OR_DROP_PORT_BLOCKED},
    {"trunk, 10", kTrunk, 7, {}, 0, {{10}}},
    {"trunk, 20", kTrunk, 8, {}, 0, {{20}}},
    {"trunk, customer tag", kTrunk, 7, {{30}}, 0, {{10}, {30}}},
    {"trunk, service tag", kTrunk, 8, {{30, kService}}, 0, {{20}, {30, kService}}},
    {"trunk, other segment",
     {abi::OR_VLAN_TRUNK, 0, {{10, 7}}, {{7, 10}}},
     8,
     {},
     OR_DROP_PORT_BLOCKED},
    {"native-tagged", kNativeTagged, 7, {}, 0, {{10}}},
    {"native-tagged, 20", kNativeTagged, 8, {}, 0, {{20}}},
    {"native-tagged, customer tag", kNativeTagged, 7, {{20}}, 0, {{10}, {20}}},
    {"native-untagged", kNativeUntagged, 7, {}, 0},
    {"native-untagged, 20", kNativeUntagged, 8, {}, 0, {{20}}},
    // Or it would come out as if it were of VLAN 20, and of segment 8.
    {"native-untagged, customer tag", kNativeUntagged, 7, {{20}}, OR_DROP_VLAN_TAGGED},
    {"tunnel", kTunnel, 7, {}, 0},
    {"tunnel, customer tag", kTunnel, 7, {{30}}, 0, {{30}}},
    {"tunnel, service tag", kTunnel, 7, {{30, kService}}, 0, {{30, kService}}},
    {"tunnel, other segment", kTunnel, 8, {}, OR_DROP_PORT_BLOCKED},
    {"tunnel of 30, untagged", kTunnelOf30, 7, {}, OR_DROP_UNTAGGED_ON_TRUNK},
    {"tunnel of 30, allowed", kTunnelOf30, 7, {{30}}, 0, {{30}}},
    {"tunnel of 30, not allowed", kTunnelOf30, 7, {{31}}, OR_DROP_VLAN_NOT_ALLOWED},
    {"no mode", {static_cast<abi::or_vlan_mode>(77)}, 7, {}, OR_DROP_PORT_BLOCKED},
};

// Port B under test; port C, which is served after it, gets the frame as it is in the segment:
// what B's copy needed has left no trace.
TEST_F(VlanTest, PortsGive) {
  for (const EgressCase& test : kEgressCases) {
    for (const char* dst : {kBroadcast, kMacB}) {
      for (const bool offloaded : {true, false}) {
        if (!offloaded && dst != kBroadcast) continue;
        SCOPED_TRACE(fmt::format("{} to {}, {}", test.name, dst, offloaded ? "beside" : "among"));
        Become(TunnelIn(test.vni), test.mode, TunnelIn(test.vni));
        SendAs(Frame(dst, test.kept), offloaded);
        if (test.reason == 0) {
          EXPECT_EQ(Got(2), Frame(dst, test.tags));
          EXPECT_THAT(Drops(), IsEmpty());
        } else {
          EXPECT_EQ(Got(2), std::nullopt);
          EXPECT_THAT(Drops(), ElementsAre(Pair(Pair(2, test.reason), 1)))
              << "wanted " << ReasonName(test.reason);
        }
        if (dst == kBroadcast) {
          EXPECT_EQ(Got(3), Frame(dst, test.kept));
        }
        EXPECT_EQ(switch_->Stats(2).tx_packets, test.reason == 0 ? 1u : 0u);
      }
    }
  }
}

TEST_F(VlanTest, OneBroadcastHasAnotherTagForEachPort) {
  Become(kNativeUntagged, {abi::OR_VLAN_TRUNK, 0, {{100, 7}}, {{7, 100}}},
         {abi::OR_VLAN_NATIVE_TAGGED, 7, {{0, 7}, {200, 7}}, {{7, 200}}});
  SendOffloaded(Frame(kBroadcast, {{10}}));
  EXPECT_EQ(Got(2), Frame(kBroadcast, {{100}}));
  EXPECT_EQ(Got(3), Frame(kBroadcast, {{200}}));
  EXPECT_EQ(Got(1), std::nullopt);
  EXPECT_THAT(Drops(), IsEmpty());
}

TEST_F(VlanTest, PriorityOfATagDoesNotMakeItAnotherVlan) {
  Become(kTrunk, TunnelIn(7), TunnelIn(8));
  Bytes frame = Frame(kMacB, {{10}});
  frame[14] |= 0xf0;  // priority 7, drop eligible
  SendOffloaded(frame);
  EXPECT_EQ(Got(2), Frame(kMacB, {}));
  // Nor is the customer's VLAN, to a list of what is allowed.
  Become(kTunnelOf30, kTunnel, kAccess);
  frame = Frame(kMacB, {{30}});
  frame[14] |= 0xf0;
  SendOffloaded(frame);
  EXPECT_EQ(Got(2), frame);
}

// A hypervisor announces the guest of a trunk without a tag: a sign of life, though no traffic.
TEST_F(VlanTest, AnUntaggedAnnouncementOnATrunkIsAFirstFrame) {
  Become(kTrunk, kAccess, kAccess);
  abi::or_port port = switch_->StandardPort(1);
  port.vni = 0;
  port.vlan_mode = abi::OR_VLAN_TRUNK;
  port.vlan_map = 1;
  port.phase = abi::OR_PORT_ARMED;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  SendOffloaded(PacketBuilder(kBroadcast, kMacA).EtherType(0x1234).Payload(46).Build());
  auto first_frames = switch_->Map<uint32_t, abi::or_first_frame>("or_first_frames");
  EXPECT_TRUE(first_frames.Lookup(1).ok());
  EXPECT_THAT(Drops(), ElementsAre(Pair(Pair(1, OR_DROP_UNTAGGED_ON_TRUNK), 1)));
}

TEST_F(VlanTest, ArpIsAnsweredUnderTheTagOfTheQuestion) {
  Become(kTrunk, kAccess, kTunnel);
  const abi::or_segment segment = {OR_SEGMENT_SUPPRESS_ARP, kMtu, kReplicationList, 3, 0, 0};
  auto segments = switch_->Map<uint32_t, abi::or_segment>("or_segments");
  ASSERT_EQ(segments.Update(kOtherVni, segment), absl::OkStatus());
  ASSERT_EQ(switch_->SetNeighbor(kOtherVni, kIpB, kMacB), absl::OkStatus());
  const ArpFields question = {
      .sender_mac = Mac(kMacA), .sender_ip = kIpA, .target_mac = {}, .target_ip = kIpB};
  SendOffloaded(Start(kBroadcast, {{20}}).Arp(question).Build());
  EXPECT_EQ(Got(1), PacketBuilder(kMacA, kMacB)
                        .Vlan(20)
                        .Arp({.operation = 2,
                              .sender_mac = Mac(kMacB),
                              .sender_ip = kIpB,
                              .target_mac = Mac(kMacA),
                              .target_ip = kIpA})
                        .Build());
  // The same address in a customer's VLAN is somebody else.
  SendOffloaded(Start(kBroadcast, {{20}, {30}}).Arp(question).Build());
  EXPECT_EQ(Got(1), std::nullopt);
}

// The MTU counts what the segment carries: not the port's tag, but the customer's.
TEST_F(VlanTest, EachSegmentOfATrunkHasItsMtu) {
  Become(kTrunk, TunnelIn(7), TunnelIn(8));
  SetMtu(kOtherVni, 1000);
  const auto of_size = [](const Tags& tags, size_t l3) {
    return Start(kMacB, tags).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Payload(l3 - 28).Build();
  };
  const std::vector<std::pair<Tags, size_t>> largest = {
      {{{10}}, kMtu}, {{{20}}, 1000}, {{{10}, {30}}, kMtu - 4}, {{{20}, {30}}, 996}};
  ASSERT_EQ(switch_->SetFdb(8, kMacB, abi::OR_FDB_LOCAL, 3), absl::OkStatus());
  for (const auto& [tags, size] : largest) {
    SendOffloaded(of_size(tags, size));
    const uint32_t port = tags[0].vlan == 10 ? 2 : 3;
    EXPECT_EQ(Got(port), of_size(Tags(tags.begin() + 1, tags.end()), size));
    EXPECT_THAT(Drops(), IsEmpty());
  }
  for (const auto& [tags, size] : largest) SendOffloaded(of_size(tags, size + 1));
  EXPECT_THAT(Drops(), ElementsAre(Pair(Pair(1, OR_DROP_OVER_MTU), 4)));
}

}  // namespace
}  // namespace outrider::tests
