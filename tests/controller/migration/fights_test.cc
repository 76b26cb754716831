// Two hosts that claim a port from each other, and hypervisors that only seem to.
#include "controller/migration/fights.h"

#include "controller/migration/timeline.h"
#include "controller/store/unplanned_moves.h"
#include "tests/controller/migration/driver_fixture.h"

namespace outrider::controller {
namespace {

class FightTest : public DriverFixture {
 protected:
  static v1::PortAttachment Device() {
    v1::PortAttachment attachment = Attachment(3);
    attachment.set_claim(true);
    return attachment;
  }
  std::string Holder() { return Port(3).location().host(); }
  std::string Other() { return Holder() == "h2" ? "h3" : "h2"; }

  // As the session does when a host attaches the device.
  absl::Status Claim(const std::string& host) {
    RETURN_IF_ERROR(driver_->OnClaim(host, Device(), clock_.NowUs()).status());
    RETURN_IF_ERROR(BindPort(repository_.get(), host, Device()).status());
    Send(host, v1::PortEvent::KIND_ATTACHED, 3);
    return absl::OkStatus();
  }
  v1::Migration Running() {
    return repository_->Read([](const Model& model) {
      const NameSet& ids = model.index().running_migrations.Get(Index::kAll);
      return ids.empty() ? v1::Migration() : *model.Find<v1::Migration>(*ids.begin());
    });
  }
  // Up to ARMED at `host`; returns the migration.
  std::string Arm(const std::string& host) {
    const absl::Status status = Claim(host);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(driver_->OnReceipt(host, ReceiptOf(host, 3)).ok());
    EXPECT_EQ(Running().phase(), v1::MIGRATION_PHASE_ARMED);
    return Running().meta().name();
  }
  void Finish(const std::string& id) {
    const v1::Migration migration = Migration(id);
    SendFrame(migration.destination(), 3, Port(3).location().epoch());
    // Of the switchover, then of the others' reroute.
    for (int round = 0; round < 2; ++round) {
      for (const char* host : {"h1", "h2", "h3"}) SendAck(host, repository_->revision());
      Tick();
    }
    Drain();
    ASSERT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
    ASSERT_TRUE(BindPort(repository_.get(), migration.destination(), Device()).ok());
    clock_.AdvanceUs(1'000'000);
  }
  // The other host's guest is heard, while the holder's goes on.
  void Snatch() {
    const std::string other = Other();
    const std::string id = Arm(other);
    SendFrame(other, 3, Port(3).location().epoch() + 1);
    ASSERT_EQ(Holder(), other);
    Finish(id);
  }
};

TEST_F(FightTest, FiveClaimsWithoutAPauseFreezeThePort) {
  for (int n = 1; n < kMaxUnplannedMoves; ++n) {
    Snatch();
    EXPECT_EQ(Port(3).unplanned_moves_us_size(), n);
    EXPECT_EQ(Port(3).frozen_us(), 0);
  }
  Snatch();
  EXPECT_NE(Port(3).frozen_us(), 0);
  ExpectLocated(3, "h3", 6);
  const absl::Status refused = Claim("h2");
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(
      Message(refused),
      "port \"" + PortId(3) +
          "\" is frozen on host \"h3\": host \"h2\" and host \"h3\" have "
          "claimed it from each other, 5 times within 180 s, and its guest was neither paused nor "
          "detached where it was; stop the one that is not to have it, run \"outrider port thaw " +
          PortId(3) + "\", and attach it again");
  EXPECT_EQ(Running().meta().name(), "");
  ASSERT_TRUE(ThawPort(repository_.get(), PortId(3)).ok());
  Snatch();
  ExpectLocated(3, "h2", 7);
}

TEST_F(FightTest, AHypervisorThatTakesTheSourcesDeviceOutAfterwardsIsNeverStopped) {
  for (int n = 0; n < 3 * kMaxUnplannedMoves; ++n) {
    const std::string source = Holder();
    Snatch();
    Send(source, v1::PortEvent::KIND_DETACHED, 3);
    EXPECT_EQ(Port(3).unplanned_moves_us_size(), 0);
  }
  EXPECT_EQ(Port(3).frozen_us(), 0);
  ExpectLocated(3, "h3", 3 * kMaxUnplannedMoves + 1);
}

TEST_F(FightTest, OnlyItsOwnMovesAreForgivenAHost) {
  Snatch();  // h2 to h3
  Snatch();  // and back
  Send("h1", v1::PortEvent::KIND_DETACHED, 3);
  EXPECT_EQ(Port(3).unplanned_moves_us_size(), 2);
  Send("h3", v1::PortEvent::KIND_DETACHED, 3);
  EXPECT_EQ(Port(3).unplanned_moves_us_size(), 1);
}

TEST_F(FightTest, ThePauseOfTheSourceMakesItPlanned) {
  const std::string source = Holder();
  Snatch();
  EXPECT_EQ(Port(3).unplanned_moves_us_size(), 1);
  Send(source, v1::PortEvent::KIND_PAUSED, 3);
  EXPECT_EQ(Port(3).unplanned_moves_us_size(), 0);
}

TEST_F(FightTest, PortDataAndSwitchoverAndASourceThatLetsGoSayThatItIsPlanned) {
  const std::string by_data = Arm(Other());
  v1::PortEvent event;
  event.set_kind(v1::PortEvent::KIND_ACTIVATED);
  event.set_port_id(PortId(3));
  event.set_epoch(2);
  event.set_trigger(kPortDataTrigger);
  ASSERT_TRUE(driver_->OnPortEvent("h3", event).ok());
  Finish(by_data);
  const std::string by_operator = Arm(Other());
  ASSERT_TRUE(driver_->Switchover(by_operator, 0).ok());
  Finish(by_operator);
  const std::string by_source = Arm(Other());
  Send(Holder(), v1::PortEvent::KIND_DETACHED, 3);
  Finish(by_source);
  ExpectLocated(3, "h3", 4);
  EXPECT_EQ(Port(3).unplanned_moves_us_size(), 0);
}

TEST_F(FightTest, WhatSomebodyPreparedNeverCounts) {
  for (int n = 0; n < 2 * kMaxUnplannedMoves; ++n) {
    v1::PrepareMigrationRequest request;
    request.set_port_id(PortId(3));
    request.set_destination(Other());
    const auto prepared = driver_->Prepare(request);
    ASSERT_TRUE(prepared.ok()) << prepared.status();
    Snatch();
  }
  EXPECT_EQ(Port(3).unplanned_moves_us_size(), 0);
}

TEST_F(FightTest, AMoveThatIsAbortedDoesNotCount) {
  const std::string id = Arm("h3");
  SendFrame("h3", 3, 2);
  EXPECT_EQ(Port(3).unplanned_moves_us_size(), 1);
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  ExpectLocated(3, "h2", 3);
  EXPECT_EQ(Port(3).unplanned_moves_us_size(), 0);
}

TEST_F(FightTest, AFrozenPortCanBeMovedByAnOperator) {
  for (int n = 0; n < kMaxUnplannedMoves; ++n) Snatch();
  v1::PrepareMigrationRequest request;
  request.set_port_id(PortId(3));
  request.set_destination("h1");
  EXPECT_TRUE(driver_->Prepare(request).ok());
}

TEST(UnplannedAtTest, IsWhenThePortsMovedUnlessThePauseIsOnRecord) {
  v1::Migration migration;
  migration.set_source("h1");
  migration.set_destination("h2");
  migration.set_detected(true);
  EXPECT_EQ(UnplannedAt(migration), 0) << "nothing has moved";
  AddEvent(&migration, 5, 7, "h2", "switchover", "", "guest runs at the destination");
  EXPECT_EQ(UnplannedAt(migration), 7);
  v1::Migration paused = migration;
  AddEvent(&paused, 6, 8, "h1", "paused", "", "qmp");
  EXPECT_EQ(UnplannedAt(paused), 0);
  v1::Migration elsewhere = migration;
  AddEvent(&elsewhere, 6, 8, "h2", "paused", "", "qmp");
  EXPECT_EQ(UnplannedAt(elsewhere), 7) << "not the source's guest";
  migration.set_detected(false);
  EXPECT_EQ(UnplannedAt(migration), 0);
}

}  // namespace
}  // namespace outrider::controller
