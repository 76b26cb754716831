// Between the convergence and the commit: what is under way by the former route still comes.
#include "tests/controller/migration/machine_fixture.h"

namespace outrider::controller {
namespace {

class MachineDrainTest : public MachineTest {
 protected:
  // All is done but for what is under way.
  void Converge() {
    Switch();
    Do(Frame(1));
    Do(Frame(2));
    AckAll();
    ASSERT_EQ(Last().kind(), "converged");
    ASSERT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
  }
};

TEST_F(MachineDrainTest, TheCommitWaitsForWhatIsUnderWay) {
  Converge();
  now_us_ += kDrainUs - 1;
  ExpectIgnored(Present());
  now_us_ += 1;
  Do(Present());
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(Last().detail(), "");
}

TEST_F(MachineDrainTest, AGuestThatComesLaterWaitsForNothing) {
  Switch();
  AckAll();
  Drain();
  Do(Frame(1));
  Do(Frame(2));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

// As of a host that was busy for so long: what it has sent is the latest.
TEST_F(MachineDrainTest, AnAcknowledgementAfterTheGraceIsWaitedForNoLess) {
  for (const bool seen : {true, false}) {
    SCOPED_TRACE(seen);
    const v1::Migration before = migration_;
    Switch();
    for (const int port : {1, 2}) {
      if (seen) Do(Frame(port));
    }
    Do(Ack("h1", moved_at_));
    Do(Ack("h2", moved_at_));
    Do(Reroute());
    now_us_ += kCommitGraceUs;
    Do(Ack("h3"));
    ASSERT_EQ(Last().kind(), "converged");
    now_us_ += kDrainUs - 1;
    ExpectIgnored(Present());
    now_us_ += 1;
    Do(Present());
    EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
    EXPECT_EQ(Last().detail(), seen ? "" : "without a first frame of every port");
    migration_ = before;
  }
}

// A guest that is shut down there, and one that nobody has heard.
TEST_F(MachineDrainTest, ADeviceThatGoesAtTheDestinationEndsIt) {
  Converge();
  Do(DetachedEvent{"h2", PortId(1), 6, {}});
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(MachineDrainTest, ADeviceThatGoesAtTheDestinationBringsNothingBack) {
  Switch();
  AckAll();
  for (const int port : {1, 2}) Do(DetachedEvent{"h1", PortId(port), 5, {}});
  EXPECT_EQ(Do(DetachedEvent{"h2", PortId(1), 6, {}}).relocation, Relocation::kNone);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(MachineDrainTest, ADestinationThatDiesHasTheGuest) {
  Converge();
  ExpectIgnored(HostLostEvent{"h2"});
  now_us_ += kDrainUs;
  Do(Absent(kStart));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(MachineDrainTest, ItIsTooLateForAnAbort) {
  Converge();
  EXPECT_EQ(Error(AbortEvent{"operator"}),
            "migration \"m1\" is about to be committed, the guest has moved; migrate back to host "
            "\"h1\" instead");
}

TEST_F(MachineDrainTest, ANextMoveWaitsForNothing) {
  Switch();
  ExpectIgnored(NextMoveEvent{});
  Do(Frame(1));
  Do(Frame(2));
  ExpectIgnored(NextMoveEvent{});
  AckAll();
  ExpectIgnored(NextMoveEvent{"h2"});
  const v1::Migration draining = migration_;
  for (const char* host : {"", "h1", "h3"}) {
    migration_ = draining;
    Do(NextMoveEvent{host});
    EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED) << host;
  }
}

}  // namespace
}  // namespace outrider::controller
