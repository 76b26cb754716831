#include "controller/migration/machine.h"

#include "tests/controller/migration/machine_fixture.h"

namespace outrider::controller {
namespace {

TEST_F(MachineTest, ReceiptsOfAllPortsArm) {
  Do(Receipt(1));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_PREPARING);
  EXPECT_EQ(Last().detail(), "profile web revision 3, digest digest");
  EXPECT_EQ(Last().time_us(), 77);
  EXPECT_EQ(Last().recorded_us(), kStart);
  ExpectIgnored(Receipt(1));
  Do(Receipt(2));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED);
  EXPECT_EQ(Kinds(), (Strings{"receipt", "receipt", "armed"}));
}

TEST_F(MachineTest, ReceiptsThatDoNotFitAreIgnored) {
  ExpectIgnored(Receipt(1, "h1"));
  ExpectIgnored(Receipt(1, "h2", "other digest"));
  ExpectIgnored(Receipt(1, "h2", "digest", 1));
  ExpectIgnored(Receipt(3));
}

TEST_F(MachineTest, ChangedProfileDisarms) {
  Arm();
  ExpectIgnored(ExpectationEvent{PortId(1), "digest"});
  Do(ExpectationEvent{PortId(1), "new"});
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_PREPARING);
  EXPECT_EQ(migration_.receipts().size(), 1u);
  ExpectIgnored(Receipt(1));
  Do(Receipt(1, "h2", "new"));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED);
}

TEST_F(MachineTest, SwitchoverNeedsArmed) {
  Do(Receipt(1));
  EXPECT_EQ(Error(Switchover()),
            "migration \"m1\" is not armed: host \"h2\" has sent 1 of 2 receipts; wait for it");
  Do(Receipt(2));
  const Outcome outcome = Do(SwitchoverEvent{55, {"h1", "h2"}});
  EXPECT_EQ(outcome.relocation, Relocation::kToDestination);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
  EXPECT_EQ(migration_.peers().size(), 2u);
  EXPECT_EQ(Last().kind(), "switchover");
  EXPECT_EQ(Last().time_us(), 55);
  const Outcome again = Do(Switchover());
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.relocation, Relocation::kNone) << "the ports move once";
}

TEST_F(MachineTest, GuestsFirstFrameSwitches) {
  Arm();
  const Outcome outcome = Do(Frame(1));
  EXPECT_EQ(outcome.relocation, Relocation::kToDestination);
  EXPECT_EQ(migration_.first_frame_us().at(PortId(1)), 88);
  EXPECT_EQ(Kinds(), (Strings{"receipt", "receipt", "armed", "first-frame", "switchover"}));
  ExpectIgnored(Frame(1));
}

TEST_F(MachineTest, GuestThatRunsBeforeAllReceiptsIsFollowed) {
  Do(Receipt(1));
  EXPECT_EQ(Do(Frame(1, false)).relocation, Relocation::kToDestination);
  EXPECT_EQ(Kinds(), (Strings{"receipt", "activated", "switchover"}));
}

TEST_F(MachineTest, FramesOfOtherEpochsAndHostsAreIgnored) {
  Arm();
  ExpectIgnored(Frame(1, true, 1));
  ExpectIgnored(Frame(1, false, 0));
  ActivationEvent other = Frame(1);
  other.host = "h3";
  ExpectIgnored(other);
  EXPECT_TRUE(Do(Frame(1, true, 0)).changed) << "a frame without epoch is of this migration";
}

TEST_F(MachineTest, CommitsWhenPeersHaveItAndTheGuestWasSeen) {
  Switch();
  now_us_ += 1000;
  ExpectIgnored(Ack("h1", moved_at_ - 1));
  ExpectIgnored(Ack("h9", moved_at_));
  Do(Ack("h1", moved_at_));
  EXPECT_EQ(migration_.switch_revision(), moved_at_) << "remembered once the record moves on";
  ExpectIgnored(Ack("h1", moved_at_));
  ExpectIgnored(Ack("h2", moved_at_ - 1));
  ExpectIgnored(Reroute());
  now_us_ += 1000;
  Do(Ack("h2", moved_at_ + 5));
  Do(Reroute());
  const uint64_t rerouted_at = migration_.meta().revision();
  EXPECT_EQ(migration_.rerouted_us(), now_us_);
  EXPECT_EQ(Last().detail(), "1 other host(s)");
  Do(Frame(1));
  EXPECT_EQ(migration_.reroute_revision(), rerouted_at) << "remembered once the record moves on";
  Do(Frame(2));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
  ExpectIgnored(Ack("h3", rerouted_at - 1));
  now_us_ += 3000;
  Do(Ack("h3", rerouted_at));
  Drain();
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(migration_.converge_p50_us(), 2000);
  EXPECT_EQ(migration_.converge_p99_us(), 5000);
  EXPECT_EQ(migration_.converge_max_us(), 5000);
  EXPECT_EQ(Kinds(), (Strings{"receipt", "receipt", "armed", "switchover", "peer-converged",
                              "peer-converged", "rerouted", "first-frame", "first-frame",
                              "peer-converged", "converged", "committed"}));
}

TEST_F(MachineTest, SwitchoverNeedsTheDestination) {
  Arm();
  EXPECT_EQ(Error(SwitchoverEvent{0, {"h1", "h3"}}),
            "migration \"m1\": host \"h2\" is not connected, so nobody would have the ports; start "
            "its agent, or abort the migration");
}

TEST_F(MachineTest, PeerWithFailuresHasNotAcknowledged) {
  Switch();
  Do(Frame(1));
  Do(Frame(2));
  Do(Ack("h1", moved_at_));
  Do(Ack("h2", moved_at_));
  Do(Reroute());
  AckEvent failing = Ack("h3");
  failing.failures = "fdb 100/52:54:00:00:00:01: no memory";
  Do(failing);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
  EXPECT_EQ(Last().kind(), "peer-failing");
  EXPECT_EQ(Last().host(), "h3");
  EXPECT_EQ(Last().detail(), failing.failures);
  ExpectIgnored(failing);
  Do(Ack("h3"));
  Drain();
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(MachineTest, AbortGivesThePortsBack) {
  Switch();
  const Outcome outcome = Do(AbortEvent{"changed my mind"});
  EXPECT_EQ(outcome.relocation, Relocation::kToSource);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(migration_.reason(), "changed my mind");
  EXPECT_EQ(Last().detail(), "host \"h1\" regains the ports");
  ExpectIgnored(AbortEvent{"again"});
}

TEST_F(MachineTest, DetachAtTheDestinationAborts) {
  Do(AttachedEvent{"h2", PortId(1), 66});
  EXPECT_EQ(Last().kind(), "attached");
  ExpectIgnored(AttachedEvent{"h2", PortId(1), 67});
  ExpectIgnored(AttachedEvent{"h1", PortId(1), 67});
  Do(DetachedEvent{"h2", PortId(1), 68, {}});
  EXPECT_EQ(migration_.reason(), "port " + PortId(1) + " was detached at the destination");
}

TEST_F(MachineTest, DetachAtTheDestinationBeforeTheGuestIsSeenAbortsTheSwitchover) {
  Switch();
  const v1::Migration switched = migration_;
  EXPECT_EQ(Do(DetachedEvent{"h2", PortId(2), 68, {}}).relocation, Relocation::kToSource);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
  migration_ = switched;
  Do(Frame(1));
  // The idle NIC of a guest that runs there is taken out of it.
  ExpectIgnored(DetachedEvent{"h2", PortId(2), 68, {}});
  ExpectIgnored(DetachedEvent{"h2", PortId(1), 68, {}});
}

TEST_F(MachineTest, DetachAtTheSourceAfterTheSwitchoverIsRemembered) {
  Switch();
  EXPECT_FALSE(SourceLetGo(migration_, PortId(1)));
  Do(DetachedEvent{"h1", PortId(1), 68, {}});
  EXPECT_EQ(Last().kind(), "detached");
  ExpectIgnored(DetachedEvent{"h1", PortId(1), 69, {}});
  EXPECT_TRUE(SourceLetGo(migration_, PortId(1)));
  EXPECT_FALSE(SourceLetGo(migration_, PortId(2)));
  EXPECT_EQ(Do(AbortEvent{"lost"}).relocation, Relocation::kToSource);
  EXPECT_EQ(Last().detail(), "host \"h1\" regains the ports, but those it has detached");
}

TEST_F(MachineTest, DestinationHasADeviceOnceItAttachedOne) {
  EXPECT_TRUE(HadDevice(migration_, "h1", PortId(1)));
  EXPECT_FALSE(HadDevice(migration_, "h2", PortId(1)));
  EXPECT_FALSE(HadDevice(migration_, "h1", PortId(3)));
  Switch();
  Do(AttachedEvent{"h2", PortId(1), 66});
  EXPECT_TRUE(HadDevice(migration_, "h2", PortId(1)));
  EXPECT_FALSE(HadDevice(migration_, "h2", PortId(2)));
}

TEST_F(MachineTest, DetachAtTheSourceHandsOverOnlyToAnAttachedDestination) {
  const v1::Migration preparing = migration_;
  Do(DetachedEvent{"h1", PortId(1), 68, {"h2"}});
  EXPECT_EQ(migration_.reason(), "port " + PortId(1) + " was detached at the source");
  migration_ = preparing;
  Arm();
  Do(AttachedEvent{"h2", PortId(1), 66});
  EXPECT_EQ(Do(DetachedEvent{"h1", PortId(1), 68, {"h1", "h2"}}).relocation,
            Relocation::kToDestination);
  EXPECT_EQ(Last().detail(), "source detached the port");
  EXPECT_EQ(Last().host(), "h1");
  EXPECT_TRUE(SourceLetGo(migration_, PortId(1)));
}

TEST_F(MachineTest, ReceiptOfTheActivePortIsItsActivation) {
  Switch();
  ReceiptEvent receipt = Receipt(1);
  receipt.receipt.set_phase(v1::PORT_PHASE_ACTIVE);
  Do(receipt);
  EXPECT_EQ(Last().kind(), "activated");
  ExpectIgnored(receipt);
}

}  // namespace
}  // namespace outrider::controller
