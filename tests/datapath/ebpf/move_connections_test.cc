// Connections of a guest that moves, at the source that sends what comes after it: what the guest
// begins where it runs now the source cannot know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/datapath/ebpf/move_fixture.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using ::testing::IsEmpty;
using tests::Bytes;

constexpr uint8_t kSyn = 0x02, kSynAck = 0x12, kAck = 0x10;

// The guest may open connections, and nobody may to it.
class MoveConnections : public ::testing::Test {
 protected:
  MoveConnections() {
    hosts_.a().Become(Stateful(hosts_.SourceState()));
    hosts_.b().Become(Stateful(hosts_.DestinationState()));
  }

  static HostState Stateful(HostState state) {
    state::AclRule all;
    all.action = state::AclAction::kAllowRelated;
    state.rule_sets[tests::MakeDigest(1)] = {.rules = {all},
                                             .default_action = state::AclAction::kDrop};
    state.rule_sets[tests::MakeDigest(2)] = {.rules = {},
                                             .default_action = state::AclAction::kDrop};
    state::Port& port = state.ports[kMoving];
    port.ingress_rule_set = tests::MakeDigest(1);
    port.egress_rule_set = tests::MakeDigest(2);
    port.max_connections = 100;
    return state;
  }
  static Bytes FromGuest(uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack = 0) {
    return Segment(1, 2,
                   {.src_port = port, .dst_port = 80, .flags = flags, .seq = seq, .ack = ack});
  }
  static Bytes ToGuest(uint16_t port, uint8_t flags, uint32_t seq, uint32_t ack = 0) {
    return Segment(2, 1,
                   {.src_port = 80, .dst_port = port, .flags = flags, .seq = seq, .ack = ack});
  }
  static Bytes Segment(int from, int to, const tests::TcpFields& tcp) {
    return tests::PacketBuilder(MacOf(to), MacOf(from))
        .Ipv4({.src = IpOf(from), .dst = IpOf(to)})
        .Tcp(tcp)
        .Payload(64)
        .Build();
  }
  static uint64_t NowNs() { return static_cast<uint64_t>(ClockNs(CLOCK_BOOTTIME)); }

  // The guest runs at the destination, and its first frame has reached its peer.
  void BeginThere(uint16_t port) {
    hosts_.new_guest().Send(FromGuest(port, kSyn, 1000));
    EXPECT_EQ(hosts_.neighbor_of_old().Receive(), FromGuest(port, kSyn, 1000));
  }
  void Answer(const Bytes& frame) { hosts_.neighbor_of_old().Send(frame); }

  MoveHosts hosts_;
};

TEST_F(MoveConnections, WhatIsBegunAtTheDestinationHasItsAnswers) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  BeginThere(5000);
  Answer(ToGuest(5000, kSynAck, 7000, 1065));
  EXPECT_EQ(hosts_.new_guest().Receive(), ToGuest(5000, kSynAck, 7000, 1065));
  EXPECT_EQ(hosts_.CountsOfB().refused, 0u);
}

TEST_F(MoveConnections, WhatNeitherHostAllowsDoesNotReachTheGuest) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  BeginThere(5000);
  Answer(ToGuest(6000, kSyn, 1));
  EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "acl_egress", 1), 1u);
  EXPECT_THAT(hosts_.new_guest().Drain(), IsEmpty());
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
  EXPECT_EQ(hosts_.CountsOfB().refused, 1u);
}

// It runs there already, and here nobody has heard of its pause yet.
TEST_F(MoveConnections, WhatWasRefusedSinceThePauseIsSentAfterTheGuest) {
  Answer(ToGuest(4000, kSynAck, 7000, 1065));
  EXPECT_EQ(hosts_.a().AwaitPortDrops(kMoving, "acl_egress", 1), 1u);
  const uint64_t paused_ns = NowNs();
  BeginThere(5000);
  Answer(ToGuest(5000, kSynAck, 7000, 1065));
  EXPECT_EQ(hosts_.a().AwaitPortDrops(kMoving, "acl_egress", 2), 2u);
  EXPECT_EQ(hosts_.Delivered().total, 0u) << "the guest has not been given it";
  ASSERT_EQ(hosts_.Redirect(std::nullopt, paused_ns), absl::OkStatus());
  EXPECT_EQ(hosts_.new_guest().Receive(), ToGuest(5000, kSynAck, 7000, 1065));
  EXPECT_EQ(hosts_.CountsOfA().replayed, 1u);
  EXPECT_EQ(hosts_.CountsOfB().refused, 0u) << "what came before the pause stays behind";
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
}

// Numbers are those of the frames the guest was given.
TEST_F(MoveConnections, WhatWasRefusedStandsBetweenTheOthers) {
  hosts_.old_guest().Send(FromGuest(4000, kSyn, 1000));
  ASSERT_EQ(hosts_.neighbor_of_old().Receive(), FromGuest(4000, kSyn, 1000));
  Answer(ToGuest(4000, kSynAck, 7000, 1065));
  ASSERT_EQ(hosts_.old_guest().Receive(), ToGuest(4000, kSynAck, 7000, 1065));
  const uint64_t paused_ns = NowNs();
  BeginThere(5000);
  Answer(ToGuest(4000, kAck, 7065, 1065));
  ASSERT_EQ(hosts_.old_guest().Receive(), ToGuest(4000, kAck, 7065, 1065));
  Answer(ToGuest(5000, kSynAck, 9000, 1065));
  EXPECT_EQ(hosts_.a().AwaitPortDrops(kMoving, "acl_egress", 1), 1u);
  Answer(ToGuest(4000, kAck, 7129, 1065));
  ASSERT_EQ(hosts_.old_guest().Receive(), ToGuest(4000, kAck, 7129, 1065));
  const DeliveredFrames frames = hosts_.Delivered();
  EXPECT_EQ(frames.total, 3u);
  ASSERT_EQ(frames.kept.size(), 3u);
  EXPECT_EQ(frames.kept[2].sequence, 2u);
  ASSERT_EQ(hosts_.Redirect(1, paused_ns), absl::OkStatus());
  EXPECT_EQ(hosts_.new_guest().Receive(), ToGuest(4000, kAck, 7065, 1065));
  EXPECT_EQ(hosts_.new_guest().Receive(), ToGuest(5000, kSynAck, 9000, 1065));
  EXPECT_EQ(hosts_.new_guest().Receive(), ToGuest(4000, kAck, 7129, 1065));
  EXPECT_EQ(hosts_.CountsOfA().replayed, 3u);
  EXPECT_EQ(hosts_.CountsOfA().lost, 0u);
}

TEST_F(MoveConnections, AGuestThatIsBackIsNotGivenWhatWasRefused) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  Answer(ToGuest(6000, kSyn, 1));
  EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "acl_egress", 1), 1u);
  ASSERT_EQ(hosts_.TakeBack(), absl::OkStatus());
  Answer(ToGuest(6001, kSyn, 1));
  EXPECT_EQ(hosts_.a().AwaitPortDrops(kMoving, "acl_egress", 1), 1u);
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
}

// 512 slots and an eighth of the rest are for them.
TEST_F(MoveConnections, AFloodOfWhatIsRefusedLeavesTheRecordToTheOthers) {
  hosts_.old_guest().Send(FromGuest(4000, kSyn, 1000));
  ASSERT_EQ(hosts_.neighbor_of_old().Receive(), FromGuest(4000, kSyn, 1000));
  Answer(ToGuest(4000, kSynAck, 7000, 1065));
  ASSERT_EQ(hosts_.old_guest().Receive(), ToGuest(4000, kSynAck, 7000, 1065));
  for (uint32_t n = 0; n < 9000; n += 100) {
    for (uint32_t k = 0; k < 100; ++k) Answer(ToGuest(6000, kSyn, n + k));
    ASSERT_EQ(hosts_.a().AwaitPortDrops(kMoving, "acl_egress", n + 100), n + 100);
  }
  EXPECT_EQ(hosts_.Delivered().kept.size(), 1u);
  ASSERT_EQ(hosts_.Redirect(0, 0), absl::OkStatus());
  EXPECT_EQ(hosts_.new_guest().Receive(), ToGuest(4000, kSynAck, 7000, 1065));
  EXPECT_EQ(hosts_.CountsOfA().replayed, 586u) << "1 + 512 + 512 / 7";
}

}  // namespace
}  // namespace outrider::datapath::ebpf
