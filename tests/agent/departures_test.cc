// Ports that leave this host: the pause, what is sent after the guest, and its coming back.
#include "vswitch/agent/departures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/departing_fixture.h"

namespace outrider::agent {
namespace {

using datapath::FrameFate;
using datapath::MoveMode;
using state::PortPhase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = PortEvent::Kind;

TEST_F(Departing, IsWatchedUntilItsGuestPauses) {
  EXPECT_EQ(Mode(), MoveMode::kWatched);
  EXPECT_EQ(Deliver(), FrameFate::kDelivered);
  EXPECT_THAT(observer_.moves, IsEmpty());
  EXPECT_THAT(EventKinds(), IsEmpty());
}

// Three frames come between the pause and the news of it; the device's counter stands still, and
// the last one that it counted, QEMU has swallowed.
TEST_F(Departing, WhatTheGuestHasNotReadIsSentAfterIt) {
  for (int n = 0; n < 10; ++n) Deliver();
  executor_.Advance(Departures::kSampleInterval);
  for (int n = 0; n < 5; ++n) Deliver();
  executor_.Advance(std::chrono::milliseconds(1));
  guest_runs_ = false;
  const int64_t paused = executor_.Wall();
  for (int n = 0; n < 3; ++n) Deliver();
  executor_.Advance(std::chrono::milliseconds(7));
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, {kQmpTrigger, paused}));
  EXPECT_EQ(Mode(), MoveMode::kRedirected);
  EXPECT_EQ(Deliver(), FrameFate::kRedirected);
  EXPECT_EQ(datapath_->SentAfter(kPort).size(), 5u);
  EXPECT_EQ(datapath_->SentAfter(kPort).front(), 14u);

  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kPaused, Kind::kRedirected));
  EXPECT_EQ(observer_.events[0].time_us, paused);
  EXPECT_EQ(observer_.events[0].trigger, "qmp");
  EXPECT_EQ(observer_.events[0].migration_id, "m-1");
  EXPECT_EQ(observer_.events[1].time_us, executor_.Wall());
  ASSERT_EQ(observer_.moves.size(), 1u);
  EXPECT_EQ(observer_.moves[0].migration_id, "m-1");
  EXPECT_EQ(observer_.moves[0].counts.replayed, 4u);
  EXPECT_EQ(observer_.moves[0].redirect_delay_us, 7000);
}

// What QEMU has read in vain since the pause makes no difference, nor when it is heard of.
TEST_F(Departing, WhatTheGuestHasNotReceivedIsSentAfterIt) {
  for (uint64_t swallowed = 0; swallowed <= 2; ++swallowed) {
    TellUsed();
    for (int n = 0; n < 5; ++n) Deliver();
    const uint64_t received = datapath_->Delivered(kPort)->total;
    executor_.Advance(std::chrono::milliseconds(1));
    guest_runs_ = false;
    const GuestWord word = Stopped(true);
    for (int n = 0; n < 3; ++n) Deliver();
    device_.read += swallowed;
    executor_.Advance(std::chrono::milliseconds(7));
    EXPECT_TRUE(reconciler_->GuestPaused(kPort, word));
    const std::vector<uint64_t> sent = datapath_->SentAfter(kPort);
    ASSERT_GE(sent.size(), 3u);
    EXPECT_EQ(std::vector<uint64_t>(sent.end() - 3, sent.end()),
              (std::vector<uint64_t>{received, received + 1, received + 2}))
        << swallowed;
    EXPECT_EQ(observer_.moves.back().counts.replayed, 3u * (swallowed + 1));
    // It runs on here, and the next time QEMU swallows another number of frames.
    guest_runs_ = true;
    device_.read += 3 - swallowed;
    used_ += 3;
    EXPECT_TRUE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 0}));
  }
}

// No index with the word: what came after it is sent, what QEMU swallowed besides is guessed.
TEST_F(Departing, WhatCameSinceThePauseWasNotReceivedThoughItWasRead) {
  for (int n = 0; n < 5; ++n) Deliver();
  executor_.Advance(Departures::kSampleInterval);
  guest_runs_ = false;
  const GuestWord word = Stopped(false);
  for (int n = 0; n < 3; ++n) Deliver();
  device_.read += 3;
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, word));
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(5, 6, 7));
}

TEST_F(Departing, WithoutCountersTheTimeOfThePauseDecides) {
  has_counters_ = false;
  Restart();
  observer_.Clear();
  for (int n = 0; n < 20; ++n) {
    executor_.Advance(std::chrono::milliseconds(1));
    Deliver();
  }
  const int64_t paused = executor_.Wall();  // with the 20th frame, number 19
  executor_.Advance(std::chrono::milliseconds(1));
  Deliver();
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, {kQmpTrigger, paused}));
  // The margin is 2 ms.
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(17, 18, 19, 20));
}

TEST_F(Departing, ASecondWordChangesNothing) {
  Deliver();
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, {kQmpTrigger, 0}));
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, {kLibvirtTrigger, 0}));
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kPaused, Kind::kRedirected));
}

TEST_F(Departing, APortThatGoesNowhereDoesNotCare) {
  ASSERT_TRUE(Snapshot(7, SampleState()).ok());
  observer_.Clear();
  EXPECT_FALSE(reconciler_->GuestPaused(kPort, {kQmpTrigger, 0}));
  EXPECT_FALSE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 0}));
  EXPECT_FALSE(reconciler_->GuestPaused(MakePortId(9), {kQmpTrigger, 0}));
  EXPECT_THAT(EventKinds(), IsEmpty());
}

TEST_F(Departing, IsTakenBackWhenItsGuestRunsHereAgain) {
  EXPECT_FALSE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 0})) << "it has not paused";
  Deliver();
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 0});
  observer_.Clear();
  EXPECT_TRUE(reconciler_->GuestResumed(kPort, {kLibvirtTrigger, 1234}));
  EXPECT_FALSE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 1235})) << "said once";
  EXPECT_EQ(Mode(), MoveMode::kWatched);
  EXPECT_EQ(Deliver(), FrameFate::kDelivered);
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kResumed));
  EXPECT_EQ(observer_.events[0].trigger, "libvirt");
  EXPECT_EQ(observer_.events[0].time_us, 1234);
  // And it may pause once more.
  executor_.Advance(Departures::kSampleInterval);
  guest_runs_ = false;
  Deliver();
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, {kQmpTrigger, 0}));
  EXPECT_EQ(datapath_->ReadMove(kPort)->mode, MoveMode::kRedirected);
}

TEST_F(Departing, TheGuestsFrameTakesItBackInTheDatapath) {
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 0});
  observer_.Clear();
  ASSERT_TRUE(datapath_->InjectGuestFrame(kPort, 4321));
  executor_.RunReady();
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kResumed));
  EXPECT_EQ(observer_.events[0].trigger, "frame");
  EXPECT_EQ(observer_.events[0].time_us, 4321);
  reconciler_->OnReturned({.port = kPort, .time_us = 4321});
  executor_.RunReady();
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kResumed)) << "told once";
}

// Redirects, and says that not all could be sent; counts what it is asked to take back, and keeps
// since when the guest is said to have paused.
class HalfMoves final : public datapath::MovePath {
 public:
  explicit HalfMoves(datapath::MovePath* under) : under_(under) {}
  absl::StatusOr<datapath::DeliveredFrames> Delivered(const PortId& id) override {
    return under_->Delivered(id);
  }
  absl::Status Redirect(const PortId& id, std::optional<uint64_t> first,
                        uint64_t paused_boot_ns) override {
    RETURN_IF_ERROR(under_->Redirect(id, first, paused_boot_ns));
    paused_ns = paused_boot_ns;
    return absl::UnavailableError("the tunnel is down");
  }
  absl::Status TakeBack(const PortId& id) override {
    ++taken_back;
    return under_->TakeBack(id);
  }
  absl::StatusOr<datapath::MoveCounts> ReadMove(const PortId& id) override {
    return under_->ReadMove(id);
  }

  int taken_back = 0;
  uint64_t paused_ns = 0;

 private:
  datapath::MovePath* const under_;
};

TEST_F(Departing, WhatCouldNotAllBeSentIsRedirectedAllTheSame) {
  HalfMoves moves(datapath_.get());
  const auto clock = [this] { return executor_.Wall(); };
  MoveReports reports(clock);
  reports.SetObserver(&observer_);
  Departures departures({.executor = &executor_,
                         .moves = &moves,
                         .queue = nullptr,
                         .clock = clock,
                         .boot_clock = [this] { return executor_.now().count(); },
                         .reports = &reports});
  departures.Follow(Armed(), reconciler_->applied());
  executor_.Advance(std::chrono::seconds(1));
  constexpr int64_t kAgoUs = 30'000;
  EXPECT_TRUE(departures.Paused(kPort, {kQmpTrigger, executor_.Wall() - kAgoUs}));
  EXPECT_EQ(moves.paused_ns,
            static_cast<uint64_t>(executor_.now().count() - kAgoUs - Departures::kMarginUs) * 1000);
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kPaused, Kind::kRedirected));
  // The guest's frame has taken the port back; what came before it is still to be given to it.
  departures.Returned(kPort, 4321);
  departures.Returned(kPort, 4321);
  EXPECT_EQ(moves.taken_back, 1);
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kPaused, Kind::kRedirected, Kind::kResumed));
}

// The controller moved the port before anybody here had noticed the pause: decided while the record
// is still there.
TEST_F(Departing, ADepartureUnnoticedIsDecidedBeforeItIsApplied) {
  for (int n = 0; n < 4; ++n) Deliver();
  executor_.Advance(Departures::kSampleInterval);
  guest_runs_ = false;
  for (int n = 0; n < 2; ++n) Deliver();
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(3, 4, 5));
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kRedirected));
  EXPECT_EQ(observer_.events[0].trigger, "departed");
  EXPECT_EQ(observer_.moves.back().counts.replayed, 3u);
  // The word of the pause comes late, but is told.
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, {kLibvirtTrigger, 9}));
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kRedirected, Kind::kPaused));
}

TEST_F(Departing, AResumptionOfADepartedPortIsToldOnceAndLeftToTheController) {
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 0});
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  observer_.Clear();
  EXPECT_TRUE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 0}));
  EXPECT_FALSE(reconciler_->GuestResumed(kPort, {kLibvirtTrigger, 0}));
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kResumed));
  EXPECT_EQ(Mode(), MoveMode::kRedirected);
}

TEST_F(Departing, CountsOnceMoreWhenTheMoveHasEnded) {
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 0});
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  for (int n = 0; n < 5; ++n) EXPECT_EQ(Deliver(), FrameFate::kRedirected);
  observer_.Clear();
  ASSERT_TRUE(Snapshot(8, {}).ok());
  ASSERT_EQ(observer_.moves.size(), 1u);
  EXPECT_EQ(observer_.moves[0].migration_id, "m-1");
  EXPECT_EQ(observer_.moves[0].counts.redirected, 5u);
  ASSERT_TRUE(Snapshot(9, {}).ok());
  EXPECT_EQ(observer_.moves.size(), 1u);
}

// The hypervisor has ended and its tap is gone, then the port is detached; the controller is away.
TEST_F(Departing, GoesOnWithoutItsDeviceAndWithoutTheController) {
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 0});
  datapath_->RemoveDevice("tap1");
  reconciler_->DeviceGone("tap1");
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_FALSE(InForce().device);
  EXPECT_EQ(Deliver(), FrameFate::kRedirected);
  EXPECT_TRUE(reconciler_->Status().failures.empty());
  ASSERT_TRUE(store_->DeleteAttachment(kPort).ok());
  reconciler_->Detach(kPort);
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_EQ(Deliver(), FrameFate::kRedirected);
  Restart();
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_EQ(Deliver(), FrameFate::kRedirected);
  EXPECT_EQ(reconciler_->Status().objects_written, 0u);
  // Given back: the device is not there any more.
  ASSERT_TRUE(Snapshot(9, SampleState(PortPhase::kActive, 3)).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
}

TEST_F(Departing, ARestartInTheMiddleGoesOn) {
  Deliver();
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 0});
  Restart();
  EXPECT_EQ(Mode(), MoveMode::kRedirected);
  EXPECT_EQ(reconciler_->Status().objects_written, 0u);
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kRedirected));
  EXPECT_EQ(observer_.events[0].trigger, "") << "it does not know";
  EXPECT_EQ(observer_.moves.size(), 1u);
  observer_.Clear();
  EXPECT_TRUE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 0}));
  EXPECT_EQ(Mode(), MoveMode::kWatched);
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kResumed));
}

TEST_F(Departing, ASessionThatBeginsLaterHearsAllOfIt) {
  reconciler_->SetObserver(nullptr);
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 77});
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  Deliver();
  ASSERT_TRUE(Snapshot(8, {}).ok());
  reconciler_->SetObserver(&observer_);
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kPaused, Kind::kRedirected));
  EXPECT_EQ(observer_.events[0].time_us, 77);
  ASSERT_EQ(observer_.moves.size(), 1u);
  EXPECT_EQ(observer_.moves[0].counts.redirected, 1u);
  // Not for ever: the next move's first word drops what is long over.
  executor_.Advance(std::chrono::microseconds(MoveReports::kKeptUs + 1));
  ASSERT_TRUE(Snapshot(9, SampleState(PortPhase::kActive, 3)).ok());
  state::HostState again = Armed();
  again.ports[kPort].epoch = Epoch{3};
  again.fdb.begin()->second.epoch = Epoch{3};
  again.departures[kPort].migration_id = "m-2";
  ASSERT_TRUE(Snapshot(10, again).ok());
  ASSERT_TRUE(reconciler_->GuestPaused(kPort, {kApiTrigger, 0}));
  observer_.Clear();
  reconciler_->ReportAll();
  ASSERT_EQ(observer_.events.size(), 2u);
  EXPECT_EQ(observer_.events[0].migration_id, "m-2");
}

TEST_F(Departing, WhatAProbeSawIsSaidAgainForAWhile) {
  const ProbeReport seen{.port = MakePortId(9),
                         .migration_id = "m-9",
                         .from = kPort,
                         .counts = {.sent = 5},
                         .failure = ""};
  reconciler_->TellProbe(seen);
  ASSERT_EQ(observer_.probes.size(), 1u);
  EXPECT_EQ(observer_.probes[0].counts.sent, 5u);
  observer_.Clear();
  reconciler_->ReportAll();
  ASSERT_EQ(observer_.probes.size(), 1u);
  EXPECT_EQ(observer_.probes[0].migration_id, "m-9");
  executor_.Advance(std::chrono::microseconds(MoveReports::kKeptUs + 1));
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 77});
  observer_.Clear();
  reconciler_->ReportAll();
  EXPECT_TRUE(observer_.probes.empty());
}

// Label 0: an older controller's, or there is no way.
TEST_F(Departing, WithoutAWayNothingIsSent) {
  state::HostState state = Armed();
  state.departures[kPort].label = 0;
  state.departures[kPort].migration_id = "m-2";
  ASSERT_TRUE(Snapshot(7, state).ok());
  observer_.Clear();
  EXPECT_FALSE(reconciler_->GuestPaused(kPort, {kQmpTrigger, 0}));
  EXPECT_EQ(Deliver(), FrameFate::kDelivered);
}

}  // namespace
}  // namespace outrider::agent
