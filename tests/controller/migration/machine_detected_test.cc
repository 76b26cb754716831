// What differs when a device at the destination began the migration, and what triggers it.
#include "tests/controller/migration/machine_fixture.h"

namespace outrider::controller {
namespace {

class MachineDetectedTest : public MachineTest {
 protected:
  MachineDetectedTest() {
    migration_.set_detected(true);
    AddEvent(&migration_, kStart, kStart, "h2", "attached", PortId(1), "");
  }
};

TEST_F(MachineDetectedTest, TheLeaseIsRenewedWhileTheDeviceIsThere) {
  Arm();
  now_us_ = kLease - kDetectedLeaseUs / 2 - 1;
  ExpectIgnored(Present());
  now_us_ += 1;
  Do(Present());
  EXPECT_EQ(migration_.lease_expires_us(), now_us_ + kDetectedLeaseUs);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED);
  // A controller that was down beyond the end of the lease.
  now_us_ = migration_.lease_expires_us() + 1;
  Do(Present());
  EXPECT_EQ(migration_.lease_expires_us(), now_us_ + kDetectedLeaseUs);
}

TEST_F(MachineDetectedTest, ADestinationThatIsGoneRenewsNothing) {
  Arm();
  now_us_ = kLease - 1;
  ExpectIgnored(Absent(kStart));
  // Only thought to live.
  ExpectIgnored(TickEvent{{true, 0, now_us_ - kAbsenceUs}, 0});
  now_us_ = kLease + kLeaseGraceUs;
  Do(Absent(kStart));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(migration_.reason(), "lease expired");
}

TEST_F(MachineDetectedTest, AForgottenDeviceDoesNotHoldThePortsForEver) {
  Arm();
  migration_.set_lease_expires_us(kMaxDetectedUs + 1);
  now_us_ = kMaxDetectedUs;
  ExpectIgnored(Present());
  now_us_ += 1;
  Do(Present());
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
}

TEST_F(MachineDetectedTest, AnExplicitMigrationHasTheLeaseItWasGiven) {
  migration_.set_detected(false);
  Arm();
  now_us_ = kLease - 1;
  ExpectIgnored(Present());
}

TEST_F(MachineDetectedTest, DetachedAtTheDestinationItEndsAndTheSourceKeepsThePorts) {
  Arm();
  EXPECT_EQ(Do(DetachedEvent{"h2", PortId(1), 5, {}}).relocation, Relocation::kNone);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(Last().detail(), "host \"h1\" keeps the ports");
}

TEST_F(MachineDetectedTest, PortDataMovesThePortsAndTheTimelineSaysSo) {
  Arm();
  EXPECT_EQ(Do(PortData(1)).relocation, Relocation::kToDestination);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
  const int size = migration_.timeline_size();
  EXPECT_EQ(migration_.timeline(size - 2).kind(), "activated");
  EXPECT_EQ(migration_.timeline(size - 2).detail(), "port-data");
  EXPECT_EQ(Last().kind(), "switchover");
  EXPECT_EQ(Last().host(), "h2");
  EXPECT_EQ(Last().detail(), "port-data at the destination: the source has paused");
  ExpectIgnored(PortData(1));
}

TEST_F(MachineDetectedTest, TheGuestsOwnFrameIsNamedWhenItIsFirst) {
  Arm();
  Do(Frame(1));
  EXPECT_EQ(Last().detail(), "guest runs at the destination");
  Do(PortData(1));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
}

// A pause is no guest: a destination that dies before it runs the guest gives the ports back.
TEST_F(MachineDetectedTest, AfterPortDataADetachmentGivesThePortsBack) {
  Arm();
  Do(PortData(1));
  EXPECT_EQ(Do(DetachedEvent{"h2", PortId(1), 5, {}}).relocation, Relocation::kToSource);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
}

TEST_F(MachineDetectedTest, AfterPortDataAndTheGuestADetachmentIsTheGuestsOwn) {
  Arm();
  Do(PortData(1));
  Do(Frame(1));
  ExpectIgnored(DetachedEvent{"h2", PortId(1), 5, {}});
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
}

TEST_F(MachineDetectedTest, PortDataOfAnotherEpochMovesNothing) {
  Arm();
  ActivationEvent old = PortData(1);
  old.epoch = 1;
  ExpectIgnored(old);
}

// A NIC that never sends would hold the way back up for the whole grace.
TEST_F(MachineDetectedTest, CommitsOnceTheSourceHasLetGoOfAllPorts) {
  Switch();
  AckAll();
  Do(Frame(1));
  Do(DetachedEvent{"h1", PortId(1), 5, {}});
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING) << "port 2 could go back";
  Do(DetachedEvent{"h1", PortId(2), 5, {}});
  Drain();
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(Last().detail(), "the source has detached all ports");
}

}  // namespace
}  // namespace outrider::controller
