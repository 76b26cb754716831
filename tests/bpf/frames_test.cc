// Real frames through real devices: taps with the programs attached, as on a host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/bpf/bpf_switch.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class FramesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
    ASSERT_EQ(switch_->AttachAll(), absl::OkStatus());
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(FramesTest, EverySizeArrivesUnchanged) {
  for (size_t payload = 0; payload <= kMtu - 28; payload += 7) {
    const Bytes frame = PacketBuilder(kMacB, kMacA)
                            .Ipv4({.src = kIpA, .dst = kIpB})
                            .Udp(1, 2)
                            .Payload(payload)
                            .Build();
    ASSERT_EQ(switch_->tap(1).Send(frame), absl::OkStatus());
    ASSERT_EQ(switch_->tap(2).Receive(5000), frame) << "payload " << payload;
  }
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

// Nobody edits lengths, so that a super-packet stays one with its segmentation metadata intact.
TEST_F(FramesTest, SuperPacketReachesATapUnsegmented) {
  const Bytes frame =
      PacketBuilder(kMacB, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1, 2).Payload(20000).Build();
  ASSERT_EQ(switch_->tap(1).Send(frame, {.gso_size = 1400, .header_length = 54}), absl::OkStatus());
  const auto received = switch_->tap(2).ReceiveWithOffload(5000);
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->frame.size(), frame.size());
  EXPECT_EQ(received->gso_size, 1400);
  EXPECT_EQ(switch_->Stats(1).rx_packets, (20000u + 1399) / 1400);
}

TEST_F(FramesTest, TagThatTheKernelTookOffIsStillATag) {
  const Bytes tagged = PacketBuilder(kMacB, kMacA)
                           .Vlan(9)
                           .Ipv4({.src = kIpA, .dst = kIpB})
                           .Udp(1, 2)
                           .Payload(64)
                           .Build();
  ASSERT_EQ(switch_->tap(1).Send(tagged), absl::OkStatus());
  EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(1, OR_DROP_VLAN_TAGGED), 1)));
  EXPECT_EQ(switch_->tap(2).Receive(), std::nullopt);
}

TEST_F(FramesTest, ArpAnswerComesBackToTheGuest) {
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpB, kMacB), absl::OkStatus());
  ASSERT_EQ(switch_->tap(1).Send(PacketBuilder(kBroadcast, kMacA)
                                     .Arp({.sender_mac = Mac(kMacA),
                                           .sender_ip = kIpA,
                                           .target_mac = {},
                                           .target_ip = kIpB})
                                     .Build()),
            absl::OkStatus());
  EXPECT_EQ(switch_->tap(1).Receive(5000), PacketBuilder(kMacA, kMacB)
                                               .Arp({.operation = 2,
                                                     .sender_mac = Mac(kMacB),
                                                     .sender_ip = kIpB,
                                                     .target_mac = Mac(kMacA),
                                                     .target_ip = kIpA})
                                               .Build());
  EXPECT_EQ(switch_->tap(2).Receive(), std::nullopt);
}

TEST_F(FramesTest, WhatTheHostSendsReachesNoGuest) {
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  sockaddr_ll to = {};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = switch_->tap(2).ifindex();
  const Bytes frame = PacketBuilder(kMacB, kMacA).EtherType(0x1234).Payload(46).Build();
  sendto(fd.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to));
  EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(2, OR_DROP_NOT_DELIVERED), 1)));
  EXPECT_EQ(switch_->tap(2).Receive(), std::nullopt);
}

TEST_F(FramesTest, BroadcastPassesTheGuardsOfEveryPort) {
  const Bytes frame = PacketBuilder(kBroadcast, kMacA).EtherType(0x1234).Payload(46).Build();
  ASSERT_EQ(switch_->tap(1).Send(frame), absl::OkStatus());
  EXPECT_EQ(switch_->tap(2).Receive(5000), frame);
  EXPECT_EQ(switch_->tap(3).Receive(5000), frame);
  EXPECT_EQ(switch_->tap(1).Receive(), std::nullopt);
  for (uint32_t port = 1; port <= 3; ++port) EXPECT_EQ(switch_->DroppedPackets(port), 0u) << port;
}

}  // namespace
}  // namespace outrider::tests
