// A port that arrives at this host, or leaves it, by a migration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/reconciler_fixture.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ArmedPort : public ReconcilerTest {
 protected:
  void SetUp() override {
    ReconcilerTest::SetUp();
    state::HostState armed = SampleState(PortPhase::kArmed, 2);
    armed.ports[kPort].report_first_frame = true;
    armed.ports[kPort].migration_id = "m-1";
    armed.fdb[{MakeVni(7), MakeMac(1)}] = {*IpAddress::Parse("192.0.2.1"), Epoch{1}};
    ASSERT_TRUE(Snapshot(5, armed).ok());
    Attach(1);
    observer_.Clear();
  }
};

TEST_F(ArmedPort, OpensAtTheFirstFrame) {
  EXPECT_EQ(InForce().phase, PortPhase::kArmed);
  const size_t applies = datapath_->applied().size();
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  ASSERT_EQ(datapath_->applied().size(), applies + 1);
  EXPECT_EQ(datapath_->applied().back().size(), 1u) << "one object, no full pass";
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated, PortEvent::Kind::kFirstFrame));
  EXPECT_EQ(observer_.events[0].epoch, Epoch{2});
  EXPECT_EQ(observer_.events[1].time_us, 1234);
  EXPECT_EQ(observer_.events[1].ether_type, 0x8035);
  EXPECT_EQ(observer_.receipts.back().phase, PortPhase::kActive);
  EXPECT_EQ(*datapath_->ReadState(), reconciler_->desired());
}

TEST_F(ArmedPort, StaysOpenWhileTheNewsIsUnderWayAndOverARestart) {
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  ControllerDelta delta{
      .store_id = "store-1", .from = Generation{5}, .to = Generation{6}, .delta = {}};
  delta.delta.segments.upserts[MakeVni(8)].mtu = 1400;
  ASSERT_TRUE(reconciler_->TakeDelta(delta).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  Restart();
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(reconciler_->Status().objects_written, 0u);
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated));
}

// Killed between hearing of the frame and opening the port.
TEST_F(ArmedPort, OpensAfterARestartWhenTheGuestHasSentBefore) {
  datapath_->SetEventSink(nullptr);
  datapath_->InjectFirstFrame(kPort, 0x8035, 1234);
  Restart();
  executor_.RunReady();
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_EQ(observer_.events.back().time_us, 1234);
}

TEST_F(ArmedPort, IsClosedWhenTheMigrationIsAborted) {
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  ASSERT_TRUE(Snapshot(7, {}).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  EXPECT_EQ(InForce().device, "tap1");
  EXPECT_FALSE(InForce().vni);
}

TEST_F(ArmedPort, TellsANewSessionAllThatHappenedWithoutOne) {
  reconciler_->SetObserver(nullptr);
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  reconciler_->SetObserver(&observer_);
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kActivated, PortEvent::Kind::kFirstFrame));
  EXPECT_EQ(observer_.events[1].time_us, 1234);
  ASSERT_EQ(observer_.receipts.size(), 1u);
  ASSERT_EQ(observer_.acknowledgements.size(), 1u);
  EXPECT_EQ(observer_.acknowledgements[0].generation, Generation{5});
}

// The controller may not even have heard that it came.
TEST_F(ArmedPort, TellsANewSessionOfADeviceThatCameAndWent) {
  reconciler_->SetObserver(nullptr);
  reconciler_->Detach(kPort);
  reconciler_->SetObserver(&observer_);
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kDetached));
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kDetached, PortEvent::Kind::kDetached))
      << "as long as the move goes on";
  Attach(1);
  observer_.Clear();
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), IsEmpty()) << "it is there";
}

TEST_F(ArmedPort, ADeviceThatWentInAnotherMoveIsNoNews) {
  reconciler_->Detach(kPort);
  state::HostState next = SampleState(PortPhase::kArmed, 2);
  next.ports[kPort].migration_id = "m-2";
  ASSERT_TRUE(Snapshot(6, next).ok());
  observer_.Clear();
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), IsEmpty());
}

TEST_F(ArmedPort, AFailedOpeningIsTriedAgain) {
  datapath_->FailUpsert(datapath::ObjectKind::kPort, kPort.ToString(),
                        absl::UnavailableError("busy"), 1);
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x8035, 1234));
  executor_.RunReady();
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  executor_.Advance(Reconciler::kFirstRetry);
  EXPECT_EQ(InForce().phase, PortPhase::kArmed);
}

// The abort between two moves need not have reached the host: the second waits for its receipt.
TEST_F(ArmedPort, GivesEachMoveItsReceipt) {
  state::HostState next = SampleState(PortPhase::kArmed, 2);
  next.ports[kPort].report_first_frame = true;
  next.ports[kPort].migration_id = "m-2";
  ASSERT_TRUE(Snapshot(6, next).ok());
  ASSERT_EQ(observer_.receipts.size(), 1u);
  EXPECT_EQ(observer_.receipts[0].phase, PortPhase::kArmed);
  EXPECT_EQ(observer_.receipts[0].migration_id, "m-2");
  ASSERT_TRUE(Snapshot(7, next).ok());
  EXPECT_EQ(observer_.receipts.size(), 1u) << "said once";
}

// The controller knows whether the source has paused; here nobody does.
TEST_F(ArmedPort, AGuestThatIsLoadedIsToldOfAndOpensNothing) {
  reconciler_->GuestLoaded("tap1", 77);
  EXPECT_THAT(EventKinds(), IsEmpty()) << "it does not come from anywhere";
  state::HostState arriving = SampleState(PortPhase::kArmed, 2);
  arriving.ports[kPort].migration_id = "m-1";
  arriving.ports[kPort].arrival = state::Arrival{*IpAddress::Parse("192.0.2.1"), 7};
  ASSERT_TRUE(Snapshot(6, arriving).ok());
  observer_.Clear();
  reconciler_->GuestLoaded("tap9", 77);
  EXPECT_THAT(EventKinds(), IsEmpty());
  reconciler_->GuestLoaded("tap1", 77);
  ASSERT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kLoaded));
  EXPECT_EQ(observer_.events[0].port, kPort);
  EXPECT_EQ(observer_.events[0].migration_id, "m-1");
  EXPECT_EQ(observer_.events[0].trigger, "tap-features");
  EXPECT_EQ(observer_.events[0].time_us, 77);
  EXPECT_EQ(InForce().phase, PortPhase::kArmed);
  // An old word is none: it is not said again.
  observer_.Clear();
  reconciler_->ReportAll();
  EXPECT_THAT(EventKinds(), IsEmpty());
}

TEST_F(ReconcilerTest, AFirstFrameOnAnActivePortIsOnlyReported) {
  Attach(1);
  state::HostState state = SampleState();
  state.ports[kPort].report_first_frame = true;
  ASSERT_TRUE(Snapshot(5, state).ok());
  observer_.Clear();
  ASSERT_TRUE(datapath_->InjectFirstFrame(kPort, 0x0800, 7));
  executor_.RunReady();
  EXPECT_THAT(EventKinds(), ElementsAre(PortEvent::Kind::kFirstFrame));
}

// libvirt asks for PortData while a guest stands still; so may anybody at any time.
TEST_F(ReconcilerTest, WhoeverAsksForPortDataHasTheHypervisorAskedOnce) {
  int asked = 0;
  reconciler_->PortDataRead();
  reconciler_->SetPauseQuestion([&] { ++asked; });
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState()).ok());
  reconciler_->PortDataRead();
  EXPECT_EQ(asked, 0) << "nobody is about to leave";
  state::HostState leaving = Leaving();
  leaving.departures[kPort].label = 77;
  ASSERT_TRUE(Snapshot(6, leaving).ok());
  observer_.Clear();
  reconciler_->PortDataRead();
  EXPECT_EQ(asked, 1);
  EXPECT_THAT(EventKinds(), IsEmpty()) << "nothing was said of the guest";
  ASSERT_TRUE(reconciler_->GuestPaused(kPort, {kLibvirtTrigger, executor_.Wall()}));
  reconciler_->PortDataRead();
  EXPECT_EQ(asked, 1) << "it is known";
  ASSERT_TRUE(reconciler_->GuestResumed(kPort, {kLibvirtTrigger, executor_.Wall()}));
  reconciler_->PortDataRead();
  EXPECT_EQ(asked, 2) << "the next attempt";
}

// The source of a migration: the port leaves the state, the device stays attached and is closed.
TEST_F(ReconcilerTest, APortThatMovedAwayIsClosed) {
  Attach(1);
  ASSERT_TRUE(Snapshot(5, SampleState(PortPhase::kActive, 4)).ok());
  ASSERT_TRUE(Snapshot(6, {}).ok());
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
  EXPECT_TRUE(reconciler_->Status().failures.empty());
}

}  // namespace
}  // namespace outrider::agent
