// Ports that the controller has moved before the word of their guests' pause: they wait for it, if
// QEMU can say it exactly, and for a moment only; and how a guest does is asked for.
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

class HeldDeparture : public Departing {
 protected:
  void SetUp() override {
    Departing::SetUp();
    reconciler_->SetGuestQuestion([this](const PortId& id) {
      EXPECT_EQ(id, kPort);
      ++asked_;
    });
    TellUsed();
    observer_.Clear();
  }
  std::vector<uint64_t> Acknowledged() const {
    std::vector<uint64_t> generations;
    for (const Acknowledgement& one : observer_.acknowledgements) {
      generations.push_back(static_cast<uint64_t>(one.generation));
    }
    return generations;
  }

  int asked_ = 0;
};

// The counts alone would take the last frame that was read for swallowed.
TEST_F(HeldDeparture, WaitsForTheWordOfThePause) {
  guest_runs_ = false;
  const uint64_t received = datapath_->Delivered(kPort)->total;
  for (int n = 0; n < 2; ++n) Deliver();
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(Mode(), MoveMode::kWatched);
  EXPECT_EQ(asked_, 1);
  EXPECT_THAT(Acknowledged(), IsEmpty()) << "it is not in force";
  EXPECT_EQ(Deliver(), FrameFate::kDelivered);

  executor_.Advance(std::chrono::milliseconds(10));
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, Stopped(true)));
  executor_.RunReady();
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(received, received + 1, received + 2));
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_THAT(Acknowledged(), ElementsAre(7));
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kPaused, Kind::kRedirected));
  EXPECT_EQ(observer_.events[1].trigger, "qmp");
  const int asked = asked_;
  executor_.Advance(Departures::kHold);
  EXPECT_EQ(asked_, asked) << "nobody waits any more";
  EXPECT_THAT(Acknowledged(), ElementsAre(7));
}

TEST_F(HeldDeparture, WaitsForAMomentOnly) {
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  executor_.Advance(Departures::kHold - std::chrono::microseconds(1));
  EXPECT_EQ(Deliver(), FrameFate::kDelivered);
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(asked_, Departures::kHold / Departures::kAskInterval);
  executor_.Advance(std::chrono::microseconds(1));
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_EQ(Deliver(), FrameFate::kRedirected);
  EXPECT_THAT(Acknowledged(), ElementsAre(7));
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kRedirected));
  EXPECT_EQ(observer_.events[0].trigger, "departed");
}

// One that is found running while its port waits runs as it should.
TEST_F(HeldDeparture, AGuestThatStillRunsChangesNothing) {
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  EXPECT_FALSE(reconciler_->GuestResumed(kPort, {kQmpTrigger, executor_.Wall()}));
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_THAT(EventKinds(), IsEmpty());
}

TEST_F(HeldDeparture, AllElseIsApplied) {
  state::HostState state = Moved();
  state.segments[MakeVni(8)].mtu = 1400;
  ASSERT_TRUE(Snapshot(7, state).ok());
  EXPECT_EQ(datapath_->ReadState()->segments.count(MakeVni(8)), 1u);
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  // And what comes while it waits does not make it wait longer.
  executor_.Advance(Departures::kHold - std::chrono::milliseconds(1));
  state.segments[MakeVni(9)].mtu = 1400;
  ASSERT_TRUE(Snapshot(8, state).ok());
  EXPECT_EQ(datapath_->ReadState()->segments.count(MakeVni(9)), 1u);
  EXPECT_THAT(Acknowledged(), IsEmpty());
  executor_.Advance(std::chrono::milliseconds(1));
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_THAT(Acknowledged(), ElementsAre(8));
}

TEST_F(HeldDeparture, ASessionThatBeginsMeanwhileHearsNoAcknowledgement) {
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  reconciler_->ReportAll();
  EXPECT_THAT(Acknowledged(), IsEmpty());
  EXPECT_EQ(observer_.receipts.back().phase, PortPhase::kActive);
  executor_.Advance(Departures::kHold);
  EXPECT_THAT(Acknowledged(), ElementsAre(7));
  EXPECT_EQ(observer_.receipts.back().phase, PortPhase::kDeparted);
}

TEST_F(HeldDeparture, OneThatIsGivenBackMeanwhileStays) {
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  ASSERT_TRUE(Snapshot(8, Armed()).ok());
  EXPECT_THAT(Acknowledged(), ElementsAre(8));
  executor_.Advance(2 * Departures::kHold);
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(Mode(), MoveMode::kWatched);
  // And may go once more.
  ASSERT_TRUE(Snapshot(9, Moved()).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  executor_.Advance(Departures::kHold);
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
}

TEST_F(HeldDeparture, WithoutADeviceThereIsNothingToWaitFor) {
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  datapath_->RemoveDevice("tap1");
  reconciler_->DeviceGone("tap1");
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_THAT(Acknowledged(), ElementsAre(7));
}

// The controller has to know of a guest that runs on where its port is not any more.
TEST_F(HeldDeparture, HowTheGuestDoesIsAskedForWhenItHasDeparted) {
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  executor_.Advance(Departures::kHold);
  EXPECT_EQ(asked_, Departures::kHold / Departures::kAskInterval + 1);
  EXPECT_TRUE(reconciler_->GuestResumed(kPort, {kQmpTrigger, executor_.Wall()}));
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kRedirected, Kind::kResumed));
  ASSERT_TRUE(Snapshot(8, Moved()).ok());
  EXPECT_EQ(asked_, Departures::kHold / Departures::kAskInterval + 1) << "once";
}

TEST_F(HeldDeparture, AfterARestartItIsToldHowTheGuestIsFound) {
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  executor_.Advance(Departures::kHold);
  Restart();
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  observer_.Clear();
  reconciler_->GuestPaused(kPort, {kQmpTrigger, 0});
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kPaused));
  reconciler_->GuestResumed(kPort, {kQmpTrigger, 0});
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kPaused, Kind::kResumed));
}

// An agent before this one may have died while the port waited.
TEST_F(HeldDeparture, AfterARestartItWaitsNoLonger) {
  ASSERT_TRUE(Snapshot(7, Moved()).ok());
  ASSERT_EQ(InForce().phase, PortPhase::kActive);
  Restart();
  EXPECT_EQ(InForce().phase, PortPhase::kDeparted);
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kRedirected));
  EXPECT_THAT(Acknowledged(), ElementsAre(7));
}

class Filtering : public Departing {
 protected:
  void SetUp() override {
    Departing::SetUp();
    TellUsed();
  }
  // Two frames come after the guest has stopped, and QEMU swallows the first.
  void Pause(GuestWord word) {
    executor_.Advance(std::chrono::milliseconds(1));
    guest_runs_ = false;
    received_ = datapath_->Delivered(kPort)->total;
    for (int n = 0; n < 2; ++n) Deliver();
    ++device_.read;
    word.used[MakeMac(1)] = used_;
    EXPECT_TRUE(reconciler_->GuestPaused(kPort, word));
  }

  const MacAddress group_{{0x33, 0x33, 0, 0, 0, 2}};
  bool answers_ = true;
  uint64_t received_ = 0;
};

// A frame for a group is read and not received, though the guest lacks nothing.
TEST_F(Filtering, AFrameThatTheCardDoesNotTakeIsNotMissed) {
  Deliver();
  Deliver(group_);
  Deliver();
  Pause({.trigger = kQmpTrigger, .filters = {{MakeMac(1), CardFilter{}}}});
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(received_, received_ + 1));
}

// Also while the samples since then do not agree yet.
TEST_F(Filtering, NorJustAfterASampleOfIt) {
  reconciler_->SetUsedIndexQuestion([this](const PortId&, const UsedIndexDone& done) {
    if (std::exchange(answers_, false)) executor_.Post([this, done] { done(used_); });
  });
  Deliver(group_);
  executor_.Advance(Departures::kSampleInterval);
  Deliver();
  Pause({.trigger = kQmpTrigger, .filters = {{MakeMac(1), CardFilter{}}}});
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(received_, received_ + 1));
}

// Nor when an answer, with frames on both sides of it, would do without it as well.
TEST_F(Filtering, NorWhenFramesComeBetweenQuestionAndAnswer) {
  reconciler_->SetUsedIndexQuestion([this](const PortId&, const UsedIndexDone& done) {
    executor_.Post([this, done] {
      Deliver();
      done(used_);
    });
  });
  Deliver(group_);
  executor_.Advance(Departures::kSampleInterval);
  Pause({.trigger = kQmpTrigger, .filters = {{MakeMac(1), CardFilter{}}}});
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(received_, received_ + 1));
}

// Then what came after the pause was not received, whatever else the samples leave open.
TEST_F(Filtering, NorIfTheSamplesLeaveItOpenWhatCameAfterThePause) {
  reconciler_->SetUsedIndexQuestion(nullptr);
  ASSERT_TRUE(reconciler_->GuestPaused(kPort, Stopped(false)));
  ASSERT_TRUE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 0}));
  // Anew, with samples that are never exact: frames come on both sides of every answer.
  reconciler_->SetUsedIndexQuestion([this](const PortId&, const UsedIndexDone& done) {
    executor_.Post([this, done] {
      Deliver();
      const uint16_t used = used_;
      Deliver();
      done(used);
    });
  });
  executor_.Advance(Departures::kSampleInterval);
  executor_.Advance(std::chrono::milliseconds(1));
  guest_runs_ = false;
  GuestWord word = Stopped(true);
  executor_.Advance(std::chrono::milliseconds(1));
  const uint64_t received = datapath_->Delivered(kPort)->total;
  Deliver();
  // QEMU has read it, in vain.
  ++device_.read;
  word.filters = {{MakeMac(1), CardFilter{}}};
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, word));
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(received));
}

// A guest without buffers: QEMU keeps the frame that it has read for it, and throws it away when
// the guest stops.
TEST_F(Filtering, AFrameThatWaitsInQemuWasNotReceived) {
  Deliver();
  executor_.Advance(Departures::kSampleInterval);
  const uint64_t waits = datapath_->Delivered(kPort)->total;
  Deliver();
  --used_;
  for (int n = 0; n < UsedCalibration::kAgreeing; ++n) {
    executor_.Advance(Departures::kSampleInterval);
  }
  Pause({.trigger = kQmpTrigger, .filters = {{MakeMac(1), CardFilter{}}}});
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(waits, waits + 1, waits + 2));
}

// Twice rather than not at all.
TEST_F(Filtering, WithoutAFilterItMayHaveBeenSwallowed) {
  Deliver();
  Deliver(group_);
  Deliver();
  Pause({.trigger = kQmpTrigger});
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(received_ - 1, received_, received_ + 1));
}

class KernelReads : public Departing {
 protected:
  void SetUp() override {
    ask_reader_ = [this](const std::string& device, const std::function<void(bool)>& done) {
      EXPECT_EQ(device, "tap1");
      ++asked_;
      executor_.Post([done] { done(true); });
    };
    Departing::SetUp();
    executor_.RunReady();
  }

  int asked_ = 0;
};

// Nothing is swallowed, though nobody tells the index.
TEST_F(KernelReads, WhatWasReadWasReceived) {
  EXPECT_EQ(asked_, 1);
  for (int n = 0; n < 4; ++n) Deliver();
  executor_.Advance(Departures::kSampleInterval);
  guest_runs_ = false;
  executor_.Advance(std::chrono::milliseconds(1));
  for (int n = 0; n < 3; ++n) Deliver();
  EXPECT_TRUE(reconciler_->GuestPaused(kPort, {kLibvirtTrigger, executor_.Wall()}));
  EXPECT_THAT(datapath_->SentAfter(kPort), ElementsAre(4, 5, 6));
}

}  // namespace
}  // namespace outrider::agent
