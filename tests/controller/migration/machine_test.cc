#include "controller/migration/machine.h"

#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

constexpr int64_t kStart = 1'000'000;
constexpr int64_t kLease = kStart + 600'000'000;

// One migration of ports 1 and 2 from h1 to h2, driven by hand.
class MachineTest : public testing::Test {
 protected:
  MachineTest()
      : migration_(MakeMigration("m1", {1, 2}, "h1", "h2", v1::MIGRATION_PHASE_PREPARING)) {
    migration_.set_lease_expires_us(kLease);
    migration_.mutable_meta()->set_revision(10);
  }

  // Feeds the input and takes the next record, as the driver would.
  Outcome Do(const MigrationInput& input) {
    const auto outcome = Advance(migration_, input, now_us_);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    if (!outcome.ok()) return {migration_, false, Relocation::kNone};
    if (!outcome->changed) {
      EXPECT_TRUE(Equal(outcome->next, migration_)) << "changed without saying so";
    }
    migration_ = outcome->next;
    if (outcome->changed) migration_.mutable_meta()->set_revision(migration_.meta().revision() + 1);
    return *outcome;
  }
  void ExpectIgnored(const MigrationInput& input) { EXPECT_FALSE(Do(input).changed); }
  std::string Error(const MigrationInput& input) {
    const auto outcome = Advance(migration_, input, now_us_);
    EXPECT_EQ(outcome.status().code(), StatusCode::kFailedPrecondition);
    return Message(outcome.status());
  }

  static ReceiptEvent Receipt(int port, const std::string& host = "h2",
                              const std::string& digest = "digest", uint64_t epoch = 2) {
    ReceiptEvent event;
    event.receipt.set_port_id(PortId(port));
    event.receipt.set_host(host);
    event.receipt.set_digest(digest);
    event.receipt.set_epoch(epoch);
    event.receipt.set_profile("web");
    event.receipt.set_profile_revision(3);
    event.receipt.set_phase(v1::PORT_PHASE_ARMED);
    event.receipt.set_time_us(77);
    return event;
  }
  static ActivationEvent Frame(int port, bool first_frame = true, uint64_t epoch = 2) {
    return {"h2", PortId(port), epoch, 88, first_frame, {"h1", "h2", "h3"}};
  }
  static SwitchoverEvent Switchover() { return {0, {"h1", "h2", "h3"}}; }
  AckEvent Ack(const std::string& host, uint64_t generation) {
    return {host, generation, 99, now_us_};
  }
  void Arm() {
    Do(Receipt(1));
    Do(Receipt(2));
    ASSERT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ARMED);
  }
  // Switched at revision `moved_at_`.
  void Switch() {
    Arm();
    Do(Switchover());
    moved_at_ = migration_.meta().revision();
  }

  std::vector<std::string> Kinds() const {
    std::vector<std::string> kinds;
    for (const auto& event : migration_.timeline()) kinds.push_back(event.kind());
    return kinds;
  }
  v1::MigrationEvent Last() const { return *migration_.timeline().rbegin(); }
  using Strings = std::vector<std::string>;

  v1::Migration migration_;
  int64_t now_us_ = kStart;
  uint64_t moved_at_ = 0;
};

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
  now_us_ += 1000;
  Do(Ack("h2", moved_at_ + 5));
  Do(Frame(1));
  Do(Frame(2));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_SWITCHING);
  now_us_ += 3000;
  Do(Ack("h3", moved_at_));
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(migration_.converge_p50_us(), 2000);
  EXPECT_EQ(migration_.converge_p99_us(), 5000);
  EXPECT_EQ(migration_.converge_max_us(), 5000);
  EXPECT_EQ(Kinds(), (Strings{"receipt", "receipt", "armed", "switchover", "peer-converged",
                              "peer-converged", "first-frame", "first-frame", "peer-converged",
                              "converged", "committed"}));
}

TEST_F(MachineTest, CommitsWithoutAFrameAfterTheGrace) {
  Switch();
  for (const char* host : {"h1", "h2", "h3"}) Do(Ack(host, moved_at_));
  now_us_ += kCommitGraceUs - 1;
  ExpectIgnored(TickEvent{});
  now_us_ += 1;
  Do(TickEvent{});
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(Last().detail(), "without a first frame of every port");
}

TEST_F(MachineTest, LostPeerNeedNotAcknowledge) {
  Switch();
  Do(Frame(1));
  Do(Frame(2));
  Do(Ack("h1", moved_at_));
  Do(Ack("h2", moved_at_));
  ExpectIgnored(HostLostEvent{"h1"});
  Do(HostLostEvent{"h3"});
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(MachineTest, SilentPeerDelaysTheCommitOnlyUntilTheLeaseEnds) {
  Switch();
  now_us_ = kLease - 1;
  ExpectIgnored(TickEvent{});
  now_us_ = kLease;
  Do(TickEvent{});
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(Last().detail(), "without the acknowledgement of every peer");
}

TEST_F(MachineTest, LeaseAbortsBeforeTheSwitchover) {
  Arm();
  now_us_ = kLease;
  EXPECT_EQ(Do(TickEvent{}).relocation, Relocation::kNone);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(migration_.reason(), "lease expired");
  EXPECT_EQ(Last().detail(), "host \"h1\" keeps the ports");
  EXPECT_EQ(Error(Switchover()), "migration \"m1\" was aborted (lease expired); prepare a new one");
  ExpectIgnored(Frame(1));
  ExpectIgnored(TickEvent{});
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

TEST_F(MachineTest, CommittedIsFinal) {
  Switch();
  now_us_ = kLease;
  Do(TickEvent{});
  EXPECT_EQ(Error(AbortEvent{"late"}),
            "migration \"m1\" is committed; migrate back to host \"h1\" instead");
  ExpectIgnored(Switchover());
  ExpectIgnored(TickEvent{});
  ExpectIgnored(Ack("h1", moved_at_));
}

TEST_F(MachineTest, DetachAtTheDestinationAborts) {
  Do(AttachedEvent{"h2", PortId(1), 66});
  EXPECT_EQ(Last().kind(), "attached");
  ExpectIgnored(AttachedEvent{"h2", PortId(1), 67});
  ExpectIgnored(AttachedEvent{"h1", PortId(1), 67});
  Do(DetachedEvent{"h2", PortId(1), 68, {}});
  EXPECT_EQ(migration_.reason(), "port " + PortId(1) + " was detached at the destination");
}

TEST_F(MachineTest, DetachAtTheDestinationBeforeItsFrameAbortsTheSwitchover) {
  Switch();
  Do(Frame(1));
  ExpectIgnored(DetachedEvent{"h2", PortId(1), 68, {}});
  EXPECT_EQ(Do(DetachedEvent{"h2", PortId(2), 68, {}}).relocation, Relocation::kToSource);
  EXPECT_EQ(migration_.phase(), v1::MIGRATION_PHASE_ABORTED);
}

TEST_F(MachineTest, DetachAtTheSourceHandsOverOnlyToAnAttachedDestination) {
  const v1::Migration preparing = migration_;
  Do(DetachedEvent{"h1", PortId(1), 68, {"h2"}});
  EXPECT_EQ(migration_.reason(), "port " + PortId(1) + " was detached at the source");
  migration_ = preparing;
  Arm();
  Do(AttachedEvent{"h2", PortId(1), 66});
  EXPECT_EQ(Do(DetachedEvent{"h1", PortId(1), 68, {"h2"}}).relocation, Relocation::kToDestination);
  EXPECT_EQ(Last().detail(), "source detached the port");
  EXPECT_EQ(Last().host(), "h1");
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
