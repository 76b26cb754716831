// Tags on super-packets, on the wire between hosts, and on frames cut short.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/bpf/vlan_fixture.h"

namespace outrider::tests {
namespace {

using ::testing::IsEmpty;

class VlanFramesTest : public VlanFixture {
 protected:
  static constexpr size_t kPayload = 20000;
  static constexpr uint16_t kSegment = 1400;

  static PacketBuilder Tcp(const Tags& tags) {
    return Start(kMacB, tags).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1, 2);
  }
  void SendSuper(const Tags& tags) {
    const auto headers = static_cast<uint16_t>(54 + 4 * tags.size());
    ASSERT_EQ(switch_->tap(1).Send(Tcp(tags).Payload(kPayload).Build(),
                                   {.gso_size = kSegment, .header_length = headers}),
              absl::OkStatus());
  }
};

// Tag off and another on: the segmentation metadata stays true.
TEST_F(VlanFramesTest, SuperPacketsChangeTheirTagUnsegmented) {
  Become(kTrunk, {abi::OR_VLAN_TRUNK, 0, {{100, 7}}, {{7, 100}}}, kAccess);
  SendSuper({{10}});
  const auto received = switch_->tap(2).ReceiveWithOffload(5000);
  ASSERT_TRUE(received.has_value());
  const Bytes expected = Tcp({{100}}).Payload(kPayload).Build();
  EXPECT_EQ(received->frame.size(), expected.size());
  EXPECT_EQ(Bytes(received->frame.begin(), received->frame.begin() + 50),
            Bytes(expected.begin(), expected.begin() + 50));
  EXPECT_EQ(received->gso_size, kSegment);
  EXPECT_EQ(switch_->Stats(1).rx_packets, (kPayload + kSegment - 1) / kSegment);
  EXPECT_EQ(switch_->Stats(1).rx_bytes, kPayload + 54 * switch_->Stats(1).rx_packets);
}

TEST_F(VlanFramesTest, SuperPacketsLoseTheirTagForAnAccessPort) {
  Become(kTrunk, kAccess, kAccess);
  SendSuper({{10}});
  const auto received = switch_->tap(2).ReceiveWithOffload(5000);
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->frame.size(), kPayload + 54);
  EXPECT_EQ(received->gso_size, kSegment);
}

// A stacked super-packet need not stay one (no tap takes two tags with segmentation); all of it has
// to arrive, under both tags.
TEST_F(VlanFramesTest, StackedSuperPacketsArriveWhole) {
  Become(kTunnel, {abi::OR_VLAN_TRUNK, 0, {{100, 7}}, {{7, 100}}}, kAccess);
  SendSuper({{30}});
  const Bytes head = Tcp({{100}, {30}}).Build();
  size_t payload = 0;
  while (payload < kPayload) {
    const auto received = switch_->tap(2).ReceiveWithOffload(5000);
    ASSERT_TRUE(received.has_value()) << payload << " bytes so far";
    ASSERT_GT(received->frame.size(), 62u);
    ASSERT_EQ(Bytes(received->frame.begin(), received->frame.begin() + 22),
              Bytes(head.begin(), head.begin() + 22));
    payload += received->frame.size() - 62;
  }
  EXPECT_EQ(payload, kPayload);
  EXPECT_EQ(switch_->Stats(1).rx_bytes, kPayload + 58 * switch_->Stats(1).rx_packets);
}

TEST_F(VlanFramesTest, EverySizeArrivesUnderTheTagOfItsPort) {
  Become(kTrunk, {abi::OR_VLAN_TRUNK, 0, {{100, 7}}, {{7, 100}}}, kAccess);
  for (size_t payload = 0; payload <= kMtu - 28; payload += 7) {
    const auto frame = [payload](uint16_t vlan) {
      return Start(kMacB, {{vlan}})
          .Ipv4({.src = kIpA, .dst = kIpB})
          .Udp(1, 2)
          .Payload(payload)
          .Build();
    };
    SendOffloaded(frame(10));
    ASSERT_EQ(switch_->tap(2).Receive(5000), frame(100)) << "payload " << payload;
  }
  EXPECT_THAT(Drops(), IsEmpty());
}

struct Seed {
  const char* name;
  Tags tags;
  uint16_t port;
  // Whole, by rules and VLANs.
  bool allowed;
};

// Allows TCP to port 80 on port A.
absl::Status SetRules(BpfSwitch& s) {
  state::AclRule web;
  web.protocol = 6;
  web.action = state::AclAction::kAllow;
  web.dst_port = state::PortRange{80, 80};
  RETURN_IF_ERROR(s.SetRuleSet(1, {web}, abi::OR_ACL_DROP));
  const auto ports = s.Ports();
  ASSIGN_OR_RETURN(abi::or_port port, ports.Lookup(1));
  port.ingress_rule_set = 1;
  return ports.Update(1, port);
}

// Every tagged frame cut at every length: no cut passes the rules, nothing is lost without a
// counter. Among the bytes the program must find the cuts itself; beside them the kernel has (it
// drops what is shorter than a tag and a type).
TEST_F(VlanFramesTest, NoCutOfATaggedFrameIsABypass) {
  const Seed seeds[] = {
      {"allowed", {{10}}, 80, true},
      {"denied", {{10}}, 22, false},
      {"stacked", {{10}, {30}}, 80, true},
      {"stacked, denied", {{10}, {30}}, 22, false},
      {"not allowed", {{11}}, 80, false},
      {"priority", {{0}}, 80, false},
      {"below priority", {{0}, {10}}, 80, false},
      {"triple", {{10}, {30}, {40}}, 80, false},
  };
  for (const bool offloaded : {true, false}) {
    Become(kTrunk, TunnelIn(7), kAccess);
    ASSERT_EQ(SetRules(*switch_), absl::OkStatus());
    uint64_t sent = 0;
    uint64_t forwarded = 0;
    for (const Seed& seed : seeds) {
      SCOPED_TRACE(fmt::format("{}, {}", seed.name, offloaded ? "beside" : "among"));
      const PacketBuilder packet =
          Start(kMacB, seed.tags).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(9, seed.port).Payload(60);
      const size_t whole = packet.Build().size();
      for (size_t length = offloaded ? 20 : 14; length <= whole; ++length, ++sent) {
        const Bytes frame = packet.BuildTruncated(length);
        const bool allowed = seed.allowed && length == whole;
        forwarded += allowed ? 1 : 0;
        if (offloaded) {
          SendOffloaded(frame);
          ASSERT_EQ(Got(2).has_value(), allowed) << "cut at " << length;
        } else {
          ASSERT_EQ(RunInBand(frame), allowed ? kRedirected : kDropped) << "cut at " << length;
        }
      }
    }
    EXPECT_EQ(switch_->Stats(1).rx_packets, forwarded);
    EXPECT_EQ(switch_->Stats(1).rx_packets + switch_->DroppedPackets(1), sent);
  }
}

// 64 VLANs on one port, each another segment.
TEST_F(VlanFramesTest, ATrunkOf64Vlans) {
  Vlans a{abi::OR_VLAN_TRUNK, 0};
  Vlans b{abi::OR_VLAN_TRUNK, 0};
  for (uint32_t i = 0; i < 64; ++i) {
    a.segments[100 + i] = 1000 + i;
    a.tags[1000 + i] = 100 + i;
    b.segments[4000 - i] = 1000 + i;
    b.tags[1000 + i] = 4000 - i;
  }
  Become(a, b, kAccess);
  for (uint32_t i = 0; i < 64; ++i) {
    SetMtu(1000 + i, kMtu);
    ASSERT_EQ(switch_->SetFdb(1000 + i, kMacB, abi::OR_FDB_LOCAL, 2), absl::OkStatus());
  }
  for (uint16_t i = 0; i < 64; ++i) {
    for (const char* dst : {kMacB, kBroadcast}) {
      SendOffloaded(Frame(dst, {{static_cast<uint16_t>(100 + i)}}));
      ASSERT_EQ(Got(2), Frame(dst, {{static_cast<uint16_t>(4000 - i)}})) << "VLAN " << 100 + i;
    }
  }
  EXPECT_EQ(switch_->DroppedPackets(2), 0u);
}

}  // namespace
}  // namespace outrider::tests
