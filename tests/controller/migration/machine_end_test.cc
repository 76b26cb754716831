// How migrations end when nobody ends them: leases, the commit grace, hosts that are gone.
#include "tests/controller/migration/machine_fixture.h"

namespace outrider::controller {
namespace {

using MachineEndTest = MachineTest;

TEST_F(MachineEndTest, CommitsWithoutAFrameAfterTheGrace) {
  Switch();
  AckAll();
  now_us_ += kCommitGraceUs - 1;
  ExpectIgnored(Present());
  now_us_ += 1;
  // Connected, but not a word since: as a host that has lost its power.
  ExpectIgnored(TickEvent{{true, 0, kStart + kReportTimeUs - 1}, 0});
  Do(Present());
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(Last().detail(), "without a first frame of every port");
}

TEST_F(MachineEndTest, LostPeerNeedNotAcknowledge) {
  Switch();
  Do(Frame(1));
  Do(Frame(2));
  Do(Ack("h1", moved_at_));
  Do(Ack("h2", moved_at_));
  Do(Reroute());
  ExpectIgnored(HostLostEvent{"h1"});
  Do(HostLostEvent{"h3"});
  Drain();
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(MachineEndTest, SilentPeerDelaysTheCommitOnlyUntilTheLeaseEnds) {
  Switch();
  Do(Ack("h2", moved_at_));
  now_us_ = kLease - 1;
  ExpectIgnored(Present());
  now_us_ = kLease;
  Do(Present());
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(Last().detail(), "without the acknowledgement of every peer");
}

TEST_F(MachineEndTest, LeaseAbortsBeforeTheSwitchover) {
  Arm();
  now_us_ = kLease;
  EXPECT_EQ(Do(Present()).relocation, Relocation::kNone);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(migration_.reason(), "lease expired");
  EXPECT_EQ(Last().detail(), "host \"h1\" keeps the ports");
  EXPECT_EQ(Error(Switchover()), "migration \"m1\" was aborted (lease expired); prepare a new one");
  ExpectIgnored(Frame(1));
  ExpectIgnored(Present());
}

TEST_F(MachineEndTest, LeaseWaitsForWhatTheDestinationDidWhileNobodyListened) {
  Arm();
  now_us_ = kLease;
  ExpectIgnored(Absent(kStart));
  // It is back, and has a moment to say what it did.
  ExpectIgnored(Present(kLease));
  now_us_ += kReportTimeUs - 1;
  ExpectIgnored(Present(kLease));
  const v1::Migration waiting = migration_;
  EXPECT_EQ(Do(Frame(1)).relocation, Relocation::kToDestination);
  migration_ = waiting;
  now_us_ += 1;
  Do(Present(kLease));
  EXPECT_EQ(migration_.reason(), "lease expired");
}

TEST_F(MachineEndTest, LeaseWaitsForASessionThatIsOnlyThoughtToLive) {
  Arm();
  now_us_ = kLease + kReportTimeUs;
  ExpectIgnored(TickEvent{{true, kStart, kLease - 1}, 0});
}

TEST_F(MachineEndTest, LeaseDoesNotWaitForEver) {
  Arm();
  now_us_ = kLease + kLeaseGraceUs - 1;
  ExpectIgnored(Absent(kStart));
  now_us_ += 1;
  // Nor is the time counted in which there was no controller.
  TickEvent restarted = Absent(kLease + 5);
  restarted.started_us = kLease + 5;
  ExpectIgnored(restarted);
  Do(Absent(kStart));
  EXPECT_EQ(migration_.reason(), "lease expired");
}

TEST_F(MachineEndTest, DestinationThatDiesBeforeItsAcknowledgementGivesThePortsBack) {
  Switch();
  ExpectIgnored(HostLostEvent{"h2"});
  EXPECT_TRUE(migration_.peers().contains("h2"));
  Do(Ack("h1", moved_at_));
  now_us_ += kCommitGraceUs;
  Do(Reroute());
  Do(Ack("h3"));
  const int64_t lost_us = now_us_;
  ExpectIgnored(Absent(lost_us));
  now_us_ += kAbsenceUs - 1;
  ExpectIgnored(Absent(lost_us));
  now_us_ += 1;
  EXPECT_EQ(Do(Absent(lost_us)).relocation, Relocation::kToSource);
  EXPECT_EQ(migration_.reason(), "host \"h2\" is gone, and the guest was not seen there");
}

TEST_F(MachineEndTest, DestinationThatDiesBeforeItsGuestRunsGivesThePortsBack) {
  Switch();
  AckAll();
  now_us_ += kCommitGraceUs;
  ExpectIgnored(Absent(kStart));
  now_us_ = kStart + kAbsenceUs;
  Do(Absent(kStart));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
}

TEST_F(MachineEndTest, AbsenceBeforeTheSwitchoverDoesNotCount) {
  Arm();
  Do(AttachedEvent{"h2", PortId(1), 66});
  now_us_ += kAbsenceUs;
  Do(DetachedEvent{"h1", PortId(1), 68, {"h1"}});
  ASSERT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
  ExpectIgnored(Absent(kStart));
}

TEST_F(MachineEndTest, DestinationWhoseGuestWasSeenKeepsThePortsThoughItIsGone) {
  Switch();
  Do(Frame(1));
  Do(Ack("h1", moved_at_));
  now_us_ += kRerouteGraceUs;
  Do(Reroute());
  Do(Ack("h3"));
  now_us_ = kLease - 1;
  ExpectIgnored(Absent(kStart));
  now_us_ = kLease;
  Do(Absent(kStart));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(MachineEndTest, LeaseAbortsWhatTheDestinationNeverHadInForce) {
  Switch();
  Do(Ack("h1", moved_at_));
  now_us_ = kLease;
  Do(Reroute());
  Do(Ack("h3"));
  ExpectIgnored(Present(kLease));
  EXPECT_EQ(Do(Present()).relocation, Relocation::kToSource);
  EXPECT_EQ(migration_.reason(), "host \"h2\" did not put the ports in force");
}

TEST_F(MachineEndTest, CommittedIsFinal) {
  Switch();
  Do(Ack("h2", moved_at_));
  now_us_ = kLease;
  Do(Present());
  EXPECT_EQ(Error(AbortEvent{"late"}),
            "migration \"m1\" is committed; migrate back to host \"h1\" instead");
  ExpectIgnored(Switchover());
  ExpectIgnored(Present());
  ExpectIgnored(Ack("h1", moved_at_));
}

// A controller that was told to wait otherwise than by default.
TEST_F(MachineEndTest, TimesAreTheControllersOwn) {
  const MigrationTimes times{.lease_us = 8'000'000, .absence_us = 3'000'000, .grace_us = 2'000'000};
  const auto told = [&](TickEvent tick) {
    tick.times = times;
    return tick;
  };
  Arm();
  const v1::Migration armed = migration_;
  now_us_ = kLease + 2'000'000 - 1;
  ExpectIgnored(told(Absent(kStart)));
  now_us_ += 1;
  Do(told(Absent(kStart)));
  EXPECT_EQ(migration_.reason(), "lease expired");

  migration_ = armed;
  now_us_ = kStart;
  Do(Switchover());
  now_us_ += 3'000'000 - 1;
  ExpectIgnored(told(Absent(kStart)));
  now_us_ += 1;
  Do(told(Absent(kStart)));
  EXPECT_EQ(migration_.reason(), "host \"h2\" is gone, and the guest was not seen there");

  migration_ = armed;
  now_us_ = kStart;
  Do(Switchover());
  moved_at_ = migration_.meta().revision();
  AckAll();
  now_us_ += 1'000'000 - 1;
  ExpectIgnored(told(Present()));
  now_us_ += 1;
  Do(told(Present()));
  EXPECT_EQ(Last().detail(), "without a first frame of every port");
}

TEST_F(MachineEndTest, ADetectedMigrationsLeaseIsRenewedByTheControllersOwn) {
  Arm();
  migration_.set_detected(true);
  AddEvent(&migration_, kStart, kStart, "controller", "intent", "", "");
  Do(AttachedEvent{"h2", PortId(1), 66});
  now_us_ = kLease - 4'000'000 - 1;
  TickEvent tick = Present();
  tick.times.lease_us = 8'000'000;
  ExpectIgnored(tick);
  now_us_ += 1;
  tick.destination.heard_us = now_us_;
  Do(tick);
  EXPECT_EQ(migration_.lease_expires_us(), now_us_ + 8'000'000);
}

}  // namespace
}  // namespace outrider::controller
