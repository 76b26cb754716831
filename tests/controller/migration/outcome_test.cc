// What ended migrations come to, of records as the state machine writes them.
#include "controller/migration/outcome.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/controller/migration/machine_fixture.h"

namespace outrider::controller {
namespace {

class OutcomeTest : public MachineTest {
 protected:
  OutcomeTest() { AddEvent(&migration_, kStart, kStart, "controller", "intent", "", ""); }

  void ExpectAborted(const std::string& word) {
    EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
    EXPECT_EQ(AbortClass(migration_), word) << migration_.reason();
    EXPECT_THAT(AbortClasses(), ::testing::Contains(word));
  }
  // By whom the ports were moved.
  void ExpectTrigger(const std::string& word) {
    EXPECT_EQ(SwitchTrigger(migration_), word);
    EXPECT_THAT(SwitchTriggers(), ::testing::Contains(word));
  }
  DetachedEvent Detached(const std::string& host, int port = 1) const {
    return {host, PortId(port), now_us_, {"h1", "h2", "h3"}};
  }
  ActivationEvent Opened(const std::string& trigger) const {
    return {"h2", PortId(1), 2, 88, false, {"h1", "h2", "h3"}, trigger};
  }
};

TEST_F(OutcomeTest, TheRequest) {
  Switch();
  ExpectTrigger("switchover");
}

TEST_F(OutcomeTest, WhatOpenedThePort) {
  for (const char* trigger : {"first-frame", "port-data", "qmp", "libvirt", "api"}) {
    const v1::Migration before = migration_;
    Arm();
    Do(Opened(trigger));
    ExpectTrigger(trigger);
    migration_ = before;
  }
  Arm();
  Do(Frame(1));
  ExpectTrigger("first-frame");
}

TEST_F(OutcomeTest, WhatOpenedItIsNotKnownOrNew) {
  const v1::Migration before = migration_;
  Arm();
  Do(Opened(""));
  ExpectTrigger("other");
  migration_ = before;
  Arm();
  Do(Opened("of another release"));
  ExpectTrigger("other");
}

TEST_F(OutcomeTest, WhoToldOfThePauseAtTheDestination) {
  Arm();
  AddEvent(&migration_, 5, 5, "h2", "switchover", "",
           "tap-features at the destination: it is loaded");
  ExpectTrigger("tap-features");
}

TEST_F(OutcomeTest, TheSourceLetGo) {
  Arm();
  Do(AttachedEvent{"h2", PortId(1), 5});
  Do(Detached("h1"));
  ExpectTrigger("detached");
}

TEST_F(OutcomeTest, NothingMovedThem) {
  Arm();
  ExpectTrigger("none");
  Do(AbortEvent{"no room on the disk"});
  ExpectTrigger("none");
  ExpectAborted("request");
}

TEST_F(OutcomeTest, ALeaseThatRanOut) {
  Arm();
  now_us_ = kLease;
  Do(Present());
  ExpectAborted("lease");
}

TEST_F(OutcomeTest, APortThatWasDetached) {
  const v1::Migration before = migration_;
  Do(Detached("h1"));
  ExpectAborted("detached-at-source");
  migration_ = before;
  Arm();
  Do(Detached("h2"));
  ExpectAborted("detached-at-destination");
  migration_ = before;
  Switch();
  Do(Detached("h2"));
  ExpectAborted("detached-at-destination");
}

TEST_F(OutcomeTest, ADestinationThatIsGone) {
  Switch();
  now_us_ += kAbsenceUs;
  Do(Absent(kStart));
  ExpectAborted("destination-gone");
}

TEST_F(OutcomeTest, AGuestThatReturned) {
  Switch();
  Do(FromSource(SourceEvent::Kind::kPaused, 10));
  Do(FromSource(SourceEvent::Kind::kResumed, 20));
  now_us_ += kCommitGraceUs;
  Do(Present());
  ExpectAborted("returned");
}

TEST_F(OutcomeTest, ADestinationThatDoesNotGetItInForce) {
  Switch();
  now_us_ = kLease + kLeaseGraceUs;
  Do(Present());
  ExpectAborted("not-in-force");
}

TEST_F(OutcomeTest, AHostThatWasEvacuated) {
  Arm();
  Do(AbortEvent{"host \"h2\" was evacuated"});
  ExpectAborted("evacuated");
}

TEST_F(OutcomeTest, DurationsByTheControllersClock) {
  now_us_ = kStart + 12'000;
  Arm();
  EXPECT_EQ(DurationsOf(migration_).prepare_us, 12'000);
  EXPECT_EQ(DurationsOf(migration_).switch_us, std::nullopt);
  EXPECT_EQ(DurationsOf(migration_).whole_us, std::nullopt);
  now_us_ = kStart + 1'000'000;
  Do(Switchover());
  moved_at_ = migration_.meta().revision();
  now_us_ += 5'000;
  Do(Frame(1));
  EXPECT_EQ(DurationsOf(migration_).switch_us, 5'000);
  EXPECT_EQ(DurationsOf(migration_).convergence_us, std::nullopt);
  now_us_ += 3'000;
  Do(Frame(2));
  AckAll();
  Drain();
  ASSERT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  const MigrationDurations durations = DurationsOf(migration_);
  EXPECT_EQ(durations.prepare_us, 12'000);
  EXPECT_EQ(durations.switch_us, 5'000) << "of the first port";
  EXPECT_EQ(durations.convergence_us, 8'000);
  EXPECT_EQ(durations.whole_us, 1'008'000 + kDrainUs);
}

TEST_F(OutcomeTest, APortThatOpenedByItselfTookNoTime) {
  Arm();
  Do(Frame(1));
  EXPECT_EQ(DurationsOf(migration_).switch_us, 0);
}

TEST_F(OutcomeTest, CountersOfAllPortsAtBothHosts) {
  (*migration_.mutable_source_counters())[PortId(1)].set_replayed(3);
  (*migration_.mutable_source_counters())[PortId(2)].set_replayed(4);
  (*migration_.mutable_destination_counters())[PortId(1)].set_connections(5);
  const v1::MoveCounters sum = TotalCounters(migration_);
  EXPECT_EQ(sum.replayed(), 7u);
  EXPECT_EQ(sum.connections(), 5u);
  EXPECT_EQ(sum.lost(), 0u);
}

}  // namespace
}  // namespace outrider::controller
