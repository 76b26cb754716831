// Ports that come to this host: their opening, and what the controller is told of the move.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/reconciler_fixture.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::ElementsAre;
using Kind = PortEvent::Kind;

class Arriving : public ReconcilerTest {
 protected:
  void SetUp() override {
    ReconcilerTest::SetUp();
    ASSERT_TRUE(Snapshot(5, Expected()).ok());
    Attach(1);
    observer_.Clear();
  }
  static state::HostState Expected() {
    state::HostState state = SampleState(PortPhase::kArmed, 2);
    state::Port& port = state.ports[kPort];
    port.report_first_frame = true;
    port.migration_id = "m-1";
    port.arrival = {.vtep = *IpAddress::Parse("192.0.2.1"), .label = 77, .host = "h1"};
    return state;
  }
};

datapath::ConnectionRecord Record(const std::string& key) { return {.key = key, .entry = ""}; }

datapath::AdoptionEvent AdoptionAt(const PortId& id) {
  return {.port = id, .vni = MakeVni(7), .src = {}, .dst = {}};
}

TEST_F(Arriving, AResumptionOpensThePort) {
  datapath_->SetArrivalCounts(kPort, 12, 1);
  EXPECT_FALSE(reconciler_->GuestPaused(kPort, {kLibvirtTrigger, 0})) << "an incoming guest";
  EXPECT_TRUE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 55}));
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kActivated));
  EXPECT_EQ(observer_.events[0].trigger, "qmp");
  EXPECT_EQ(observer_.events[0].time_us, 55);
  ASSERT_EQ(observer_.moves.size(), 1u);
  EXPECT_EQ(observer_.moves[0].migration_id, "m-1");
  EXPECT_EQ(observer_.moves[0].counts.arrived, 12u);
  EXPECT_FALSE(reconciler_->GuestResumed(kPort, {kLibvirtTrigger, 60})) << "it is open";
}

TEST_F(Arriving, CountsOnceMoreWhenTheMoveHasEnded) {
  reconciler_->GuestResumed(kPort, {kQmpTrigger, 55});
  datapath_->SetArrivalCounts(kPort, 30, 0);
  observer_.Clear();
  ASSERT_TRUE(Snapshot(6, SampleState(PortPhase::kActive, 2)).ok());
  ASSERT_EQ(observer_.moves.size(), 1u);
  EXPECT_EQ(observer_.moves[0].counts.arrived, 30u);
  ASSERT_TRUE(Snapshot(7, SampleState(PortPhase::kActive, 2)).ok());
  EXPECT_EQ(observer_.moves.size(), 1u);
}

TEST_F(Arriving, CountsConnectionsThatCameAlongAndThatWereAdopted) {
  arrivals_->Took(kPort, "m-1", {Record("a"), Record("b")}, 2);
  reconciler_->GuestResumed(kPort, {kQmpTrigger, 55});
  ASSERT_EQ(observer_.moves.size(), 1u);
  EXPECT_EQ(observer_.moves[0].connections, 2u);
  EXPECT_EQ(observer_.moves[0].adopted, 0u);
  arrivals_->Took(kPort, "m-1", {Record("c")}, 1);
  ASSERT_TRUE(Snapshot(6, SampleState(PortPhase::kActive, 2)).ok());
  ASSERT_EQ(observer_.moves.size(), 2u);
  EXPECT_EQ(observer_.moves[1].connections, 3u);
  // Found when the migration has ended: told together, once.
  for (int n = 0; n < 3; ++n) reconciler_->OnAdoption(AdoptionAt(kPort));
  reconciler_->OnAdoption(AdoptionAt(MakePortId(9)));
  executor_.RunReady();
  EXPECT_EQ(observer_.moves.size(), 2u);
  executor_.Advance(Reconciler::kAdoptionDelay);
  ASSERT_EQ(observer_.moves.size(), 3u);
  EXPECT_EQ(observer_.moves[2].migration_id, "m-1");
  EXPECT_EQ(observer_.moves[2].connections, 3u);
  EXPECT_EQ(observer_.moves[2].adopted, 3u);
  executor_.Advance(Reconciler::kAdoptionDelay);
  EXPECT_EQ(observer_.moves.size(), 3u);
  reconciler_->ReportAll();
  EXPECT_EQ(observer_.moves.back().adopted, 3u) << "a session that begins now hears it, too";
}

TEST_F(Arriving, SumsUpAllMoves) {
  datapath_->SetArrivalCounts(kPort, 12, 1);
  arrivals_->Took(kPort, "m-1", {Record("a")}, 1);
  reconciler_->GuestResumed(kPort, {kQmpTrigger, 55});
  datapath_->SetArrivalCounts(kPort, 30, 1);
  ASSERT_TRUE(Snapshot(6, SampleState(PortPhase::kActive, 2)).ok());
  EXPECT_EQ(reconciler_->move_totals(),
            (MoveTotals{.arrived = 30, .refused = 1, .connections = 1}));
  state::HostState again = Expected();
  again.ports.at(kPort).migration_id = "m-2";
  again.ports.at(kPort).epoch = Epoch{4};
  ASSERT_TRUE(Snapshot(7, again).ok());
  datapath_->SetArrivalCounts(kPort, 5, 0);
  reconciler_->GuestResumed(kPort, {kQmpTrigger, 66});
  EXPECT_EQ(reconciler_->move_totals(),
            (MoveTotals{.arrived = 35, .refused = 1, .connections = 1}));
}

TEST_F(Arriving, APortNobodyExpectsIsNotOpenedByAResumption) {
  ASSERT_TRUE(Snapshot(6, {}).ok());
  EXPECT_FALSE(reconciler_->GuestResumed(kPort, {kQmpTrigger, 0}));
  EXPECT_EQ(InForce().phase, PortPhase::kBlocked);
}

// Opened in the datapath while no agent was there.
TEST_F(Arriving, AnOpeningBeforeThisAgentIsTold) {
  datapath_->SetEventSink(nullptr);
  datapath_->InjectFirstFrame(kPort, 0x8035, 1234);
  Restart();
  executor_.RunReady();
  EXPECT_EQ(InForce().phase, PortPhase::kActive);
  EXPECT_THAT(EventKinds(), ElementsAre(Kind::kActivated, Kind::kFirstFrame));
  EXPECT_EQ(observer_.events[0].trigger, "first-frame");
  EXPECT_EQ(observer_.events[0].time_us, 1234);
}

}  // namespace
}  // namespace outrider::agent
