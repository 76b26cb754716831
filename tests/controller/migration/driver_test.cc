#include "controller/migration/driver.h"

#include "tests/controller/migration/driver_fixture.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class DriverTest : public DriverFixture {
 protected:
  std::string Switched() {
    const std::string id = MustPrepare("h2");
    SendReceipts("h2");
    EXPECT_TRUE(driver_->Switchover(id, 0).ok());
    return id;
  }

  // Makes the profile inherit its rules, whose edits make no new revision of the profile.
  void UseParent() {
    EditParent(kFriends);
    EXPECT_TRUE(ApplyProfile(repository_.get(), MakeChild("web", "base")).ok());
  }
  void EditParent(const std::string& prefix) {
    const std::string rules =
        fmt::format("ingress {{ match {{ src_prefix: '{}' }} action: ACL_ACTION_ALLOW }}", prefix);
    EXPECT_TRUE(ApplyProfile(repository_.get(), MakeProfile("base", "red", rules)).ok());
  }
  static constexpr char kFriends[] = "10.0.0.0/8";
};

// Large rule sets take long to compile, and the store waits.
TEST_F(DriverTest, ProfilesAreCompiledOnceAndKept) {
  const auto profile = repository_->Read([](const Model& model) { return model.Effective("web"); });
  const auto holders = profile.use_count();
  MustPrepare("h2");
  EXPECT_EQ(profile.use_count(), holders + 1) << "the driver's compiler has it";
  SendReceipts("h2");
  EXPECT_EQ(profile.use_count(), holders + 1);
}

TEST_F(DriverTest, FromPrepareToCommitted) {
  const std::string id = MustPrepare("h2");
  EXPECT_EQ(State("h2").ports(0).phase(), v1::PORT_PHASE_ARMED);
  SendReceipts("h2");
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
  ExpectLocated(1, "h1", 1);
  const auto switched = driver_->Switchover(id, 0);
  ASSERT_TRUE(switched.ok()) << switched.status();
  ExpectLocated(1, "h2", 2);
  ExpectLocated(2, "h2", 2);
  EXPECT_EQ(Port(1).meta().revision(), switched->meta().revision()) << "one commit";
  ASSERT_EQ(State("h1").ports_size(), 2);
  EXPECT_EQ(State("h1").ports(0).phase(), v1::PORT_PHASE_DEPARTED);
  const uint64_t moved_at = switched->meta().revision();
  clock_.AdvanceUs(3000);
  SendFrame("h2", 1, 2);
  SendFrame("h2", 2, 2);
  SendAck("h1", moved_at);
  SendAck("h2", moved_at);
  Drain();
  const v1::Migration done = Migration(id);
  EXPECT_EQ(done.phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(done.converge_max_us(), 3000);
  EXPECT_TRUE(State("h1").ports().empty());
  EXPECT_FALSE(State("h2").ports(0).report_first_frame());
  EXPECT_EQ(MustPrepare("h3").empty(), false) << "the next can start right away";
}

TEST_F(DriverTest, AcknowledgementsAreWrittenTogether) {
  ASSERT_TRUE(BindPort(repository_.get(), "h3", Attachment(4)).ok());
  const std::string id = Switched();
  const uint64_t moved_at = Migration(id).meta().revision();
  SendAck("h1", moved_at);
  EXPECT_EQ(store_.commits(), moved_at);
  SendAck("h2", moved_at);
  EXPECT_EQ(store_.commits(), moved_at + 1) << "with it the others are rerouted";
  EXPECT_NE(Migration(id).rerouted_us(), 0);
  EXPECT_EQ(Migration(id).peers().at("h3"), 0u);
  SendAck("h3", moved_at + 1);
  EXPECT_EQ(store_.commits(), moved_at + 2);
  EXPECT_EQ(Migration(id).peers().at("h1"), moved_at);
  EXPECT_GT(Migration(id).converge_p50_us(), -1);
}

TEST_F(DriverTest, TickWritesAcknowledgementsAndGraceCommits) {
  const std::string id = Switched();
  const uint64_t moved_at = Migration(id).meta().revision();
  SendAck("h1", moved_at);
  ASSERT_TRUE(driver_->OnTick().ok());
  EXPECT_EQ(Migration(id).peers().at("h1"), moved_at);
  SendAck("h2", moved_at);
  clock_.AdvanceUs(kCommitGraceUs);
  Hear("h2");
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING) << "the guest may be back at h1";
  Hear("h1");
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(DriverTest, TickWritesNothingWhenNothingIsDue) {
  MustPrepare("h2");
  const uint64_t commits = store_.commits();
  ASSERT_TRUE(driver_->OnTick().ok());
  SendAck("h2", commits);
  EXPECT_EQ(store_.commits(), commits);
}

TEST_F(DriverTest, FirstFrameAtTheDestinationSwitches) {
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  SendFrame("h2", 1, 2);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  ExpectLocated(2, "h2", 2);
}

TEST_F(DriverTest, OtherHostsCannotSpeakForTheDestination) {
  const std::string id = MustPrepare("h2");
  for (int n = 1; n <= 2; ++n) {
    EXPECT_TRUE(driver_->OnReceipt("h3", ReceiptOf("h2", n)).ok());
  }
  SendFrame("h3", 1, 2);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_PREPARING);
}

TEST_F(DriverTest, TwoAtOnceAreRefusedNamingTheFirst) {
  const std::string id = MustPrepare("h2");
  const absl::Status status = Prepare("h3").status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(status).find("migration \"" + id + "\" to host \"h2\""), std::string::npos)
      << status;
}

TEST_F(DriverTest, AbortBeforeTheSwitchoverLeavesTheSource) {
  const std::string id = MustPrepare("h3");
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  EXPECT_EQ(Migration(id).reason(), "asked for by the operator");
  ExpectLocated(1, "h1", 1);
  EXPECT_TRUE(State("h3").ports().empty());
}

TEST_F(DriverTest, AbortAfterTheSwitchoverGivesBackUnderANewEpoch) {
  const std::string id = Switched();
  ASSERT_TRUE(driver_->Abort(id, "guest stayed").ok());
  ExpectLocated(1, "h1", 3);
  ExpectLocated(2, "h1", 3);
  EXPECT_EQ(State("h1").ports_size(), 2);
  EXPECT_EQ(driver_->Switchover(id, 0).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(DriverTest, RefusedCommitLeavesMigrationAndPortsTogether) {
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  store_.RefuseCommits(absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(driver_->Switchover(id, 0).status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
  ExpectLocated(1, "h1", 1);
  store_.RefuseCommits(absl::OkStatus());
  EXPECT_TRUE(driver_->Switchover(id, 0).ok());
  ExpectLocated(1, "h2", 2);
}

TEST_F(DriverTest, UnwrittenAcknowledgementsAreTriedAgain) {
  const std::string id = Switched();
  const uint64_t moved_at = Migration(id).meta().revision();
  SendAck("h1", moved_at);
  store_.RefuseCommits(absl::ResourceExhaustedError("disk full"));
  v1::Ack ack;
  ack.set_generation(moved_at);
  EXPECT_FALSE(driver_->OnAck("h2", ack).ok());
  store_.RefuseCommits(absl::OkStatus());
  ASSERT_TRUE(driver_->OnTick().ok());
  EXPECT_EQ(Migration(id).peers().at("h1"), moved_at);
  EXPECT_EQ(Migration(id).peers().at("h2"), moved_at);
}

TEST_F(DriverTest, RestartGoesOnWhereItWas) {
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  RestartDriver();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
  for (const char* host : {"h1", "h2"}) SetConnected(host, true);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  const uint64_t moved_at = Migration(id).meta().revision();
  SendFrame("h2", 1, 2);
  RestartDriver();
  ASSERT_TRUE(driver_->OnTick().ok());
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING) << "peers still owe it";
  EXPECT_EQ(MoveRevision(Migration(id)), moved_at);
  SendAck("h1", moved_at);
  SendAck("h2", moved_at);
  SendFrame("h2", 2, 2);
  Drain();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(DriverTest, LeaseExpiryAborts) {
  const std::string id = MustPrepare("h2");
  clock_.AdvanceUs(600'000'000);
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_PREPARING) << "h2 may have more to say";
  Hear("h2");
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_TRUE(Prepare("h3").ok());
}

TEST_F(DriverTest, TheLeaseIsTheControllersUnlessThereIsAnother) {
  driver_ = std::make_unique<MigrationDriver>(repository_.get(), &clock_, true,
                                              MigrationTimes{.lease_us = 8'000'000});
  const std::string id = MustPrepare("h2");
  EXPECT_EQ(Migration(id).lease_expires_us(), clock_.NowUs() + 8'000'000);
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  v1::PrepareMigrationRequest request;
  request.set_vm_id("vm1");
  request.set_destination("h2");
  request.set_lease_s(3);
  const auto own = driver_->Prepare(request);
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->lease_expires_us(), clock_.NowUs() + 3'000'000);
  ASSERT_TRUE(driver_->Abort(own->meta().name(), "").ok());
  v1::PortAttachment attachment = Attachment(1);
  attachment.set_vm_id("vm1");
  const auto claimed = driver_->OnClaim("h2", attachment, 5);
  ASSERT_TRUE(claimed.ok()) << claimed.status();
  EXPECT_EQ(Migration(*claimed).lease_expires_us(), clock_.NowUs() + 8'000'000);
}

TEST_F(DriverTest, GuestThatMovedWhileTheControllerWasDownIsFollowedThoughTheLeaseIsOver) {
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  clock_.AdvanceUs(601'000'000);
  RestartDriver();
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
  clock_.AdvanceUs(7'000'000);
  SetConnected("h2", true);
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
  SendFrame("h2", 1, 2);
  ExpectLocated(1, "h2", 2);
  ExpectLocated(2, "h2", 2);
}

TEST_F(DriverTest, ALeaseIsOverOnceAReconnectedDestinationHadNothingToSay) {
  const std::string id = MustPrepare("h2");
  clock_.AdvanceUs(601'000'000);
  RestartDriver();
  SetConnected("h2", true);
  clock_.AdvanceUs(kReportTimeUs);
  Hear("h2");
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ABORTED);
}

TEST_F(DriverTest, ADestinationThatIsGoneGetsNoPorts) {
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  SetConnected("h2", false);
  const absl::Status status = driver_->Switchover(id, 0).status();
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_NE(Message(status).find("host \"h2\" is not connected"), std::string::npos) << status;
  ExpectLocated(1, "h1", 1);
  SetConnected("h2", true);
  EXPECT_TRUE(driver_->Switchover(id, 0).ok());
}

TEST_F(DriverTest, ADestinationThatDiesGivesThePortsBack) {
  const std::string id = Switched();
  SendAck("h1", Migration(id).meta().revision());
  clock_.AdvanceUs(1000);
  SetConnected("h2", false);
  clock_.AdvanceUs(kAbsenceUs - 1);
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  clock_.AdvanceUs(1);
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  ExpectLocated(1, "h1", 3);
}

TEST_F(DriverTest, ASourceThatLetGoIsNotGivenThePortBack) {
  const std::string id = Switched();
  Send("h1", v1::PortEvent::KIND_DETACHED, 1);
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  ExpectLocated(1, "", 3);
  EXPECT_EQ(Port(1).phase(), v1::PORT_PHASE_UNBOUND);
  EXPECT_EQ(Port(1).problem(), "");
  ExpectLocated(2, "h1", 3);
}

TEST_F(DriverTest, AcknowledgementsWithFailuresOfTheMoveDoNotCount) {
  const std::string id = Switched();
  const uint64_t moved_at = Migration(id).meta().revision();
  SendFrame("h2", 1, 2);
  SendFrame("h2", 2, 2);
  SendAck("h2", moved_at);
  const std::vector<std::pair<std::string, std::string>> failures = {
      {"fdb", "100/" + Mac(2)}, {"segment", "100"}, {"port", PortId(1)}};
  for (const auto& [kind, key] : failures) {
    SendAck("h1", moved_at, kind, key);
    EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING) << kind;
  }
  EXPECT_EQ(Migration(id).timeline().rbegin()->kind(), "peer-failing");
  EXPECT_EQ(Migration(id).timeline().rbegin()->detail(), "fdb 100/" + Mac(2) + ": no?memory");
  // What fails elsewhere is not the move's.
  SendAck("h1", moved_at, "fdb", "200/" + Mac(2));
  Drain();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(DriverTest, EditTakenBackArmsWithoutANewReceipt) {
  UseParent();
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  ASSERT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
  EditParent("10.1.0.0/16");
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_PREPARING);
  // The host is told nothing of the two edits when it takes its next state after both.
  EditParent(kFriends);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
}

// Members of groups are no part of what a receipt vouches for: rule sets name the group.
TEST_F(DriverTest, MembersOfGroupsDisarmNothing) {
  ASSERT_TRUE(CreateObject(repository_.get(), MakeGroup("friends", {"10.0.0.0/8"})).ok());
  const std::string rules = "ingress { match { src_group: 'friends' } action: ACL_ACTION_ALLOW }";
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeProfile("web", "red", rules)).ok());
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  ASSERT_TRUE(UpdateObject(repository_.get(), MakeGroup("friends", {"10.1.0.0/16"})).ok());
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
}

TEST_F(DriverTest, ReceiptsOfALostDestinationAreNotTakenUpAgain) {
  UseParent();
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  SetConnected("h2", false);
  EditParent("10.1.0.0/16");
  EditParent(kFriends);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_PREPARING);
}

TEST_F(DriverTest, EditedProfileWaitsForItsOwnReceipts) {
  const std::string id = MustPrepare("h2");
  const v1::PortReceipt old_receipt = ReceiptOf("h2", 1);
  SendReceipts("h2");
  ASSERT_TRUE(
      ApplyProfile(repository_.get(), MakeProfile("web", "red", "default_action: ACL_ACTION_DROP"))
          .ok());
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_PREPARING);
  EXPECT_TRUE(driver_->OnReceipt("h2", old_receipt).ok());
  EXPECT_TRUE(Migration(id).receipts().empty());
  SendReceipts("h2");
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
}

TEST_F(DriverTest, LostPeerIsNotWaitedFor) {
  const std::string id = Switched();
  SendFrame("h2", 1, 2);
  SendFrame("h2", 2, 2);
  SendAck("h2", Migration(id).meta().revision());
  SetConnected("h1", false);
  Drain();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_FALSE(Migration(id).peers().contains("h1"));
}

TEST_F(DriverTest, AttachAndDetachAtTheDestination) {
  const std::string id = MustPrepare("h2");
  Send("h2", v1::PortEvent::KIND_ATTACHED, 1);
  EXPECT_EQ(Migration(id).timeline().rbegin()->kind(), "attached");
  Send("h2", v1::PortEvent::KIND_DETACHED, 1);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  ExpectLocated(1, "h1", 1);
}

TEST_F(DriverTest, SourceThatLetsGoHandsOver) {
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  Send("h2", v1::PortEvent::KIND_ATTACHED, 1);
  Send("h1", v1::PortEvent::KIND_DETACHED, 1);
  EXPECT_FALSE(UnbindPort(repository_.get(), "h1", PortId(1)).value());
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  ExpectLocated(1, "h2", 2);
}

TEST_F(DriverTest, UnknownMigration) {
  EXPECT_EQ(driver_->Switchover("mig-0", 0).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(driver_->Abort("mig-0", "").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace outrider::controller
