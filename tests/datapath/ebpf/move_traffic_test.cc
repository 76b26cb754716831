// A guest that moves from one host to another, as its frames see it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "tests/datapath/ebpf/move_fixture.h"
#include "vswitch/sys/netlink/offload_sender.h"

namespace outrider::datapath::ebpf {
namespace {

using state::PortPhase;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::IsEmpty;
using ::testing::Le;
using tests::Bytes;

class Move : public ::testing::Test {
 protected:
  Move() { hosts_.Arm(); }

  void SendTo(uint32_t first, uint32_t end) {
    for (uint32_t n = first; n < end; ++n) {
      hosts_.neighbor_of_old().Send(NumberedFrame(2, n));
    }
  }
  static std::vector<uint32_t> Take(Guest* guest, size_t count) {
    std::vector<uint32_t> numbers;
    while (numbers.size() < count) {
      const auto frame = guest->Receive();
      if (!frame) break;
      numbers.push_back(NumberOf(*frame));
    }
    return numbers;
  }
  static Bytes FromMoving(int to) { return UdpFrame(1, to); }

  MoveHosts hosts_;
};

TEST_F(Move, ReadsBackWhatIsInForce) {
  EXPECT_EQ(hosts_.a().Read(), hosts_.SourceState());
  EXPECT_EQ(hosts_.b().Read(), hosts_.DestinationState());
  hosts_.a().Start();
  hosts_.b().Start();
  EXPECT_EQ(hosts_.a().Read(), hosts_.SourceState());
  EXPECT_EQ(hosts_.b().Read(), hosts_.DestinationState());
}

TEST_F(Move, AWatchedPortDeliversAndRemembers) {
  SendTo(0, 3);
  EXPECT_EQ(Take(&hosts_.old_guest(), 3), Numbers(0, 3));
  const DeliveredFrames frames = hosts_.Delivered();
  EXPECT_EQ(frames.total, 3u);
  ASSERT_EQ(frames.kept.size(), 3u);
  EXPECT_EQ(frames.kept[0].sequence, 0u);
  EXPECT_EQ(frames.kept[2].sequence, 2u);
  EXPECT_LE(frames.kept[0].boot_ns, frames.kept[2].boot_ns);
  EXPECT_EQ(frames.kept[2].length, NumberedFrame(2, 2).size());
  EXPECT_EQ(frames.kept[2].destination.ToString(), MacOf(1));
  EXPECT_EQ(hosts_.CountsOfA().mode, MoveMode::kWatched);
}

// It comes to the guest's device as any other frame.
TEST_F(Move, WhatTheHostAnswersTheGuestIsRememberedToo) {
  // By two bytes: what is longer by more than a tag does not pass the device.
  const Bytes too_long = tests::PacketBuilder(MacOf(3), MacOf(1))
                             .Ipv4({.src = IpOf(1), .dst = IpOf(3), .dont_fragment = true})
                             .Udp(1000, 2000)
                             .Payload(MoveHosts::kMtu + 2 - 28)
                             .Build();
  hosts_.old_guest().Send(too_long);
  const auto answer = hosts_.old_guest().Receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)[ETH_HLEN + 9], IPPROTO_ICMP);
  const DeliveredFrames frames = hosts_.Delivered();
  EXPECT_EQ(frames.total, 1u);
  ASSERT_EQ(frames.kept.size(), 1u);
  EXPECT_EQ(frames.kept[0].length, answer->size());
  EXPECT_EQ(frames.kept[0].destination.ToString(), MacOf(1));
}

// 8192 slots.
TEST_F(Move, TheNewestFramesStay) {
  for (uint32_t n = 0; n < 9000; n += 100) {
    SendTo(n, n + 100);
    ASSERT_EQ(Take(&hosts_.old_guest(), 100), Numbers(n, n + 100));
  }
  const DeliveredFrames frames = hosts_.Delivered();
  EXPECT_EQ(frames.total, 9000u);
  ASSERT_EQ(frames.kept.size(), 8192u);
  EXPECT_EQ(frames.kept.front().sequence, 9000u - 8192);
  EXPECT_EQ(frames.kept.back().sequence, 8999u);
}

TEST_F(Move, WithoutAFirstFrameNothingIsReplayed) {
  SendTo(0, 3);
  EXPECT_EQ(Take(&hosts_.old_guest(), 3), Numbers(0, 3));
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  ASSERT_EQ(hosts_.Redirect(0), absl::OkStatus()) << "a second call changes nothing";
  SendTo(3, 5);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(3, 5));
  EXPECT_EQ(hosts_.new_guest().leads(), 1);
  EXPECT_THAT(hosts_.new_guest().Drain(), IsEmpty());
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
  EXPECT_EQ(hosts_.CountsOfA().redirected, 2u);
  EXPECT_EQ(hosts_.CountsOfA().replayed, 0u);
}

TEST_F(Move, ABroadcastFollowsTheGuest) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  hosts_.neighbor_of_old().Send(BroadcastFrame(2));
  EXPECT_EQ(hosts_.new_guest().Receive(), BroadcastFrame(2));
  EXPECT_EQ(hosts_.neighbor_of_new().Receive(), BroadcastFrame(2));
  EXPECT_THAT(hosts_.new_guest().Drain(), IsEmpty());
  EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "port_armed", 1), 1u);
  // The guest runs: it gets its own copy from now on.
  hosts_.new_guest().Send(FromMoving(3));
  ASSERT_TRUE(hosts_.neighbor_of_new().Receive());
  hosts_.neighbor_of_old().Send(BroadcastFrame(2));
  EXPECT_EQ(hosts_.new_guest().Receive(), BroadcastFrame(2));
  EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "move_copy", 1), 1u);
  EXPECT_THAT(hosts_.new_guest().Drain(), IsEmpty());
}

TEST_F(Move, AnArmedPortOpensAtItsGuestsFirstFrame) {
  // Past the redirect: it is for an open port alone.
  state::HostState there = hosts_.DestinationState();
  there.fdb[{kSegment, tests::MakeMac(1)}] = {kMoving, Epoch{2}};
  hosts_.b().Become(there);
  hosts_.neighbor_of_new().Send(NumberedFrame(3, 0));
  EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "port_armed", 1), 1u);
  EXPECT_EQ(hosts_.b().Read().ports.at(kMoving).phase, PortPhase::kArmed);
  hosts_.new_guest().Send(FromMoving(3));
  EXPECT_EQ(hosts_.neighbor_of_new().Receive(), FromMoving(3)) << "it goes its way";
  hosts_.neighbor_of_new().Send(NumberedFrame(3, 1));
  EXPECT_EQ(Take(&hosts_.new_guest(), 1), Numbers(1, 2));
  EXPECT_EQ(hosts_.b().Read().ports.at(kMoving).phase, PortPhase::kActive);
  const auto event = hosts_.events_of_b().AwaitFirstFrame();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->port, kMoving);
  EXPECT_TRUE(event->armed);
}

TEST_F(Move, WhoHasNotHeardOfTheFirstFrameDoesNotShutThePort) {
  hosts_.new_guest().Send(FromMoving(3));
  ASSERT_TRUE(hosts_.neighbor_of_new().Receive());
  state::HostState again = hosts_.DestinationState();
  again.ports[kMoving].profile_revision = 2;
  state::StateDelta delta;
  delta.ports.upserts[kMoving] = again.ports[kMoving];
  EXPECT_THAT(hosts_.b().Apply(delta).failures, IsEmpty());
  EXPECT_EQ(hosts_.b().Read().ports.at(kMoving).phase, PortPhase::kActive);
  // Another migration waits anew.
  delta.ports.upserts[kMoving].migration_id = "m-2";
  EXPECT_THAT(hosts_.b().Apply(delta).failures, IsEmpty());
  EXPECT_EQ(hosts_.b().Read().ports.at(kMoving).phase, PortPhase::kArmed);
}

TEST_F(Move, AGuestThatRunsOnTakesTheRedirectBack) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  SendTo(0, 4);
  EXPECT_EQ(Take(&hosts_.new_guest(), 4), Numbers(0, 4));
  hosts_.old_guest().Send(FromMoving(2));
  EXPECT_EQ(hosts_.neighbor_of_old().Receive(), FromMoving(2));
  const auto event = hosts_.events_of_a().AwaitReturned();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->port, kMoving);
  EXPECT_EQ(hosts_.CountsOfA().mode, MoveMode::kWatched);
  SendTo(4, 6);
  // What had been sent to the destination was remembered, too, and comes first.
  ASSERT_EQ(hosts_.TakeBack(), absl::OkStatus());
  EXPECT_EQ(Take(&hosts_.old_guest(), 6), Numbers(0, 6));
  ASSERT_EQ(hosts_.TakeBack(), absl::OkStatus());
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty()) << "once";
  SendTo(6, 7);
  EXPECT_EQ(Take(&hosts_.old_guest(), 1), Numbers(6, 7));
}

// Its agent is dead, or stopped: what waits for it is given when it is there again.
TEST_F(Move, AGuestThatRunsOnDoesNotWaitForItsAgent) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  SendTo(0, 2);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(0, 2));
  hosts_.old_guest().Send(FromMoving(2));
  EXPECT_EQ(hosts_.neighbor_of_old().Receive(), FromMoving(2));
  std::optional<Bytes> first;
  uint32_t sent = 2;
  for (; !first && sent < 10; ++sent) {
    SendTo(sent, sent + 1);
    first = hosts_.old_guest().Receive();
  }
  ASSERT_TRUE(first);
  EXPECT_EQ(NumberOf(*first), sent - 1);
  ASSERT_EQ(hosts_.TakeBack(), absl::OkStatus());
  EXPECT_EQ(Take(&hosts_.old_guest(), sent - 1), Numbers(0, sent - 1)) << "late, and each once";
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
}

TEST_F(Move, ManyFramesDoNotWaitForTheAgentOfAGuestThatRunsOn) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  hosts_.old_guest().Send(FromMoving(2));
  EXPECT_EQ(hosts_.neighbor_of_old().Receive(), FromMoving(2));
  constexpr uint32_t kMore = 3;
  SendTo(0, OR_RETURN_FRAMES + kMore);
  ASSERT_EQ(hosts_.TakeBack(), absl::OkStatus());
  std::vector<uint32_t> numbers = Take(&hosts_.old_guest(), OR_RETURN_FRAMES + kMore);
  EXPECT_THAT(numbers.front(), AllOf(Gt(0u), Le(OR_RETURN_FRAMES))) << "it went ahead";
  std::sort(numbers.begin(), numbers.end());
  EXPECT_EQ(numbers, Numbers(0, OR_RETURN_FRAMES + kMore)) << "each once";
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
}

// Its agent died before it had heard: the next one finds what waits.
TEST_F(Move, ARestartGivesWhatWaitsForAGuestThatRunsOn) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  SendTo(0, 2);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(0, 2));
  hosts_.old_guest().Send(FromMoving(2));
  EXPECT_EQ(hosts_.neighbor_of_old().Receive(), FromMoving(2));
  SendTo(2, 4);
  hosts_.a().Start();
  EXPECT_EQ(Take(&hosts_.old_guest(), 4), Numbers(0, 4));
  SendTo(4, 5);
  EXPECT_EQ(Take(&hosts_.old_guest(), 1), Numbers(4, 5));
}

// The controller had moved the port meanwhile: what has waited goes the way of the rest.
TEST_F(Move, WhatWaitsForAGuestThatRunsOnFollowsItsPort) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  SendTo(0, 2);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(0, 2));
  hosts_.old_guest().Send(FromMoving(2));
  EXPECT_EQ(hosts_.neighbor_of_old().Receive(), FromMoving(2));
  SendTo(2, 4);
  state::HostState departed = hosts_.SourceState();
  departed.ports[kMoving].phase = PortPhase::kDeparted;
  hosts_.a().Become(departed);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(2, 4));
  SendTo(4, 5);
  EXPECT_EQ(Take(&hosts_.new_guest(), 1), Numbers(4, 5));
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
}

TEST_F(Move, TheAgentTakesARedirectBack) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  SendTo(0, 2);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(0, 2));
  ASSERT_EQ(hosts_.TakeBack(), absl::OkStatus());
  EXPECT_EQ(Take(&hosts_.old_guest(), 2), Numbers(0, 2));
  SendTo(2, 4);
  EXPECT_EQ(Take(&hosts_.old_guest(), 2), Numbers(2, 4));
  EXPECT_THAT(hosts_.new_guest().Drain(), IsEmpty());
}

TEST_F(Move, ADepartedPortIsRedirectedEvenWithoutItsDeviceAndOverARestart) {
  state::HostState departed = hosts_.SourceState();
  departed.ports[kMoving].phase = PortPhase::kDeparted;
  hosts_.a().Become(departed);
  SendTo(0, 2);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(0, 2));
  hosts_.old_guest().Send(FromMoving(2));
  EXPECT_EQ(hosts_.a().AwaitPortDrops(kMoving, "port_departed", 1), 1u);
  EXPECT_EQ(hosts_.TakeBack(), absl::OkStatus());
  SendTo(2, 4);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(2, 4)) << "nobody takes it back";
  hosts_.a().RemoveDevice("port1");
  hosts_.a().Start();
  SendTo(4, 6);
  EXPECT_EQ(Take(&hosts_.new_guest(), 2), Numbers(4, 6));
  departed.ports[kMoving].device.reset();
  EXPECT_EQ(hosts_.a().Read(), departed);
}

// Killed while it sent: nobody but the next process can go on.
TEST_F(Move, ARestartGoesOnWithWhatWasBeingSent) {
  SendTo(0, 4);
  EXPECT_EQ(Take(&hosts_.old_guest(), 4), Numbers(0, 4));
  hosts_.BeginRedirect(2);
  SendTo(4, 6);
  EXPECT_THAT(hosts_.new_guest().Drain(), IsEmpty());
  hosts_.a().Start();
  SendTo(6, 8);
  EXPECT_EQ(Take(&hosts_.new_guest(), 6), Numbers(2, 8));
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
  EXPECT_EQ(hosts_.CountsOfA().replayed, 4u);
  EXPECT_EQ(hosts_.CountsOfA().redirected, 2u);
}

TEST_F(Move, AnAbortedMigrationDeliversHere) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  SendTo(0, 1);
  EXPECT_EQ(Take(&hosts_.new_guest(), 1), Numbers(0, 1));
  state::HostState aborted = hosts_.SourceState();
  aborted.departures.clear();
  hosts_.a().Become(aborted);
  EXPECT_EQ(Take(&hosts_.old_guest(), 1), Numbers(0, 1));
  SendTo(1, 2);
  EXPECT_EQ(Take(&hosts_.old_guest(), 1), Numbers(1, 2));
  EXPECT_EQ(hosts_.a().datapath().Delivered(kMoving).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(hosts_.Redirect(0).code(), absl::StatusCode::kNotFound);
}

TEST_F(Move, WithoutAWayNothingIsRedirected) {
  state::HostState no_way = hosts_.SourceState();
  no_way.departures[kMoving].label = 0;
  hosts_.a().Become(no_way);
  EXPECT_EQ(hosts_.Redirect(0).code(), absl::StatusCode::kFailedPrecondition);
  SendTo(0, 1);
  EXPECT_EQ(Take(&hosts_.old_guest(), 1), Numbers(0, 1));
}

TEST_F(Move, AMarkThatNobodyAwaitsIsRefused) {
  state::HostState other = hosts_.DestinationState();
  other.ports[kMoving].arrival->label = MoveHosts::kLabel + 1;
  hosts_.b().Become(other);
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  SendTo(0, 1);
  // What comes by itself is as ever.
  hosts_.neighbor_of_old().Send(UdpFrame(2, 3));
  EXPECT_EQ(hosts_.neighbor_of_new().Receive(), UdpFrame(2, 3));
  EXPECT_THAT(hosts_.new_guest().Drain(), IsEmpty());
  EXPECT_EQ(hosts_.b().HostDrops("move_unknown"), 2u) << "the frame, and the one before it";
}

// The source need not have another port in the segment any more.
TEST_F(Move, AnArrivalStandsForMembership) {
  state::HostState alone = hosts_.DestinationState();
  alone.segments[kSegment].vteps.clear();
  hosts_.b().Become(alone);
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  SendTo(0, 1);
  EXPECT_EQ(Take(&hosts_.new_guest(), 1), Numbers(0, 1));
}

TEST_F(Move, ATrunksFramesKeepTheirSegment) {
  const Vni other = tests::MakeVni(8);
  state::HostState here = hosts_.SourceState();
  state::HostState there = hosts_.DestinationState();
  for (state::HostState* state : {&here, &there}) {
    state->segments[other] = state->segments[kSegment];
    state->ports[kMoving].vni.reset();
  }
  here.ports[kMoving].vlans = {.mode = state::VlanMode::kTrunk,
                               .trunk = {{10, kSegment}, {20, other}}};
  there.ports[kMoving].vlans = {.mode = state::VlanMode::kTrunk,
                                .trunk = {{110, kSegment}, {120, other}}};
  here.ports[tests::MakePortId(2)].vni.reset();
  here.ports[tests::MakePortId(2)].vlans = here.ports[kMoving].vlans;
  here.fdb[{other, tests::MakeMac(1)}] = {kMoving, Epoch{1}};
  hosts_.a().Become(here);
  hosts_.b().Become(there);
  const auto tagged = [](uint16_t vlan) {
    return tests::PacketBuilder(MacOf(1), MacOf(2))
        .Vlan(vlan)
        .Ipv4({.src = IpOf(2), .dst = IpOf(1)})
        .Udp(1, 2)
        .Payload(64)
        .Build();
  };
  hosts_.neighbor_of_old().Send(tagged(10));
  hosts_.neighbor_of_old().Send(tagged(20));
  EXPECT_EQ(hosts_.old_guest().Receive(), tagged(10));
  EXPECT_EQ(hosts_.old_guest().Receive(), tagged(20));
  ASSERT_EQ(hosts_.Redirect(0), absl::OkStatus());
  EXPECT_EQ(hosts_.new_guest().Receive(), tagged(110));
  EXPECT_EQ(hosts_.new_guest().Receive(), tagged(120));
  hosts_.neighbor_of_old().Send(tagged(20));
  EXPECT_EQ(hosts_.new_guest().Receive(), tagged(120)) << "straight";
  // And to the device after all.
  ASSERT_EQ(hosts_.TakeBack(), absl::OkStatus());
  EXPECT_EQ(hosts_.old_guest().Receive(), tagged(20));
}

TEST_F(Move, SuperPacketsAreReplayedWhole) {
  constexpr uint16_t kSegmentSize = 1000;
  Bytes payload(20 * kSegmentSize);
  for (size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<uint8_t>(i / 7);
  const Bytes frame = tests::PacketBuilder(MacOf(1), MacOf(2))
                          .Ipv4({.src = IpOf(2), .dst = IpOf(1)})
                          .Tcp({.src_port = 1, .dst_port = 2, .seq = 5000})
                          .Payload(payload)
                          .Build();
  // From the guest's side of its device.
  const tests::NetnsScope scope(hosts_.a().guests());
  const auto sender = sys::OffloadSender::Create().value();
  const auto netlink = sys::NetlinkSocket::Create().value();
  const auto device = static_cast<uint32_t>(netlink->FindLink("port2")->ifindex);
  const sys::OffloadFrame super{.bytes = frame,
                                .segmentation = sys::Segmentation::kTcpV4,
                                .segment_size = kSegmentSize,
                                .header_length = 54,
                                .checksum = sys::UnfinishedChecksum{.start = 34, .offset = 16}};
  ASSERT_EQ(sender->Send(device, {}, super), absl::OkStatus());
  ASSERT_TRUE(hosts_.old_guest().Receive());
  EXPECT_EQ(hosts_.Delivered().total, 1u);
  ASSERT_EQ(hosts_.Redirect(0), absl::OkStatus());
  // Whole, or in segments, as the underlay's offloads have it.
  Bytes got(payload.size());
  for (size_t bytes = 0; bytes < payload.size();) {
    const auto part = hosts_.new_guest().Receive();
    ASSERT_TRUE(part) << bytes << " bytes have come";
    const size_t seq =
        size_t{(*part)[38]} << 24 | (*part)[39] << 16 | (*part)[40] << 8 | (*part)[41];
    ASSERT_LE(seq - 5000 + part->size() - 54, payload.size());
    std::copy(part->begin() + 54, part->end(), got.begin() + static_cast<ptrdiff_t>(seq - 5000));
    bytes += part->size() - 54;
  }
  EXPECT_EQ(got, payload);
  EXPECT_EQ(hosts_.CountsOfA().replayed, 1u);
  EXPECT_EQ(hosts_.CountsOfA().lost, 0u);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
