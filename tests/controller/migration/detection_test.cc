// Claims that begin migrations, and those that do not.
#include "controller/migration/detection.h"

#include <gmock/gmock.h>

#include "controller/store/objects.h"
#include "tests/controller/migration/driver_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;

class DetectionTest : public DriverFixture {
 protected:
  // A device of port n on the host, of the same VM.
  static v1::PortAttachment Claim(int n) {
    v1::PortAttachment attachment = Attachment(n);
    attachment.set_vm_id("vm1");
    attachment.set_device("tap9");
    attachment.set_claim(true);
    return attachment;
  }
  absl::Status Claim(const std::string& host, const v1::PortAttachment& attachment) {
    return driver_->OnClaim(host, attachment, 77).status();
  }
  void ExpectRefused(const std::string& host, const v1::PortAttachment& attachment,
                     const std::string& why) {
    const auto before = Running();
    const absl::Status status = Claim(host, attachment);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
    EXPECT_THAT(Message(status), HasSubstr(why));
    EXPECT_EQ(Running(), before);
  }
  void ExpectNoBusiness(const std::string& host, const v1::PortAttachment& attachment) {
    const auto before = Running();
    EXPECT_TRUE(Claim(host, attachment).ok());
    EXPECT_EQ(Running(), before);
  }
  NameSet Running() {
    return repository_->Read(
        [](const Model& model) { return model.index().running_migrations.Get(Index::kAll); });
  }
  // The only one there is.
  v1::Migration Detected() {
    EXPECT_EQ(Running().size(), 1u);
    return Migration(*Running().begin());
  }
};

TEST_F(DetectionTest, AClaimOfAPortInUseElsewhereMovesAllPortsOfItsVm) {
  ASSERT_TRUE(Claim("h3", Claim(2)).ok());
  const v1::Migration migration = Detected();
  EXPECT_TRUE(migration.detected());
  EXPECT_EQ(migration.phase(), v1::MIGRATION_PHASE_PREPARING);
  EXPECT_EQ(migration.vm_id(), "vm1");
  EXPECT_EQ(migration.source(), "h1");
  EXPECT_EQ(migration.destination(), "h3");
  EXPECT_EQ(migration.port_ids_size(), 2);
  EXPECT_EQ(migration.lease_expires_us(), clock_.NowUs() + kDetectedLeaseUs);
  ASSERT_EQ(migration.timeline_size(), 3);
  EXPECT_EQ(migration.timeline(0).kind(), "intent");
  EXPECT_EQ(migration.timeline(0).detail(), "detected: port " + PortId(2) +
                                                " was attached on host \"h3\"; 2 port(s) from host "
                                                "\"h1\"");
  EXPECT_EQ(migration.timeline(1).kind(), "admitted");
  EXPECT_EQ(migration.timeline(2).kind(), "attached");
  EXPECT_EQ(migration.timeline(2).host(), "h3");
  EXPECT_EQ(migration.timeline(2).time_us(), 77);
  ExpectLocated(1, "h1", 1);
  ExpectLocated(2, "h1", 1);
  EXPECT_EQ(State("h3").ports(0).phase(), v1::PORT_PHASE_ARMED);
}

TEST_F(DetectionTest, AgainOrForAnotherPortOfTheVmItIsTheSameMigration) {
  ASSERT_TRUE(Claim("h3", Claim(2)).ok());
  ExpectNoBusiness("h3", Claim(2));
  ExpectNoBusiness("h3", Claim(1));
  RestartDriver();
  ExpectNoBusiness("h3", Claim(2));
  ExpectNoBusiness("h1", Claim(2));
}

TEST_F(DetectionTest, AThirdHostIsToldWhatRuns) {
  ASSERT_TRUE(Claim("h3", Claim(1)).ok());
  const std::string id = Detected().meta().name();
  ExpectRefused("h2", Claim(1),
                "port \"" + PortId(1) + "\" is being moved by migration \"" + id +
                    "\" from host \"h1\" to host \"h3\"; attach it again when that has ended");
  // As what is left at the source after the switchover.
  SendReceipts("h3");
  SendFrame("h3", 1, 2);
  ExpectLocated(1, "h3", 2);
  ExpectRefused("h1", Claim(1), "is being moved");
}

TEST_F(DetectionTest, WhatIsOnNoOtherHostIsNobodysMigration) {
  ExpectNoBusiness("h1", Claim(1));
  ExpectNoBusiness("h3", Claim(7));
  ASSERT_TRUE(UnbindPort(repository_.get(), "h1", PortId(1)).ok());
  ExpectNoBusiness("h3", Claim(1));
}

// It moved there without a device: no guest is there to come from.
TEST_F(DetectionTest, APortWithoutADeviceIsNotMoved) {
  const std::string id = MustPrepare("h3");
  SendReceipts("h3");
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  clock_.AdvanceUs(kCommitGraceUs);
  for (const char* host : {"h1", "h3", "h2"}) SendAck(host, repository_->revision());
  Drain();
  ASSERT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
  ExpectNoBusiness("h2", Claim(1));
}

TEST_F(DetectionTest, AnotherNicIsNotThePort) {
  v1::PortAttachment claim = Claim(1);
  claim.set_mac(Mac(9));
  ExpectRefused("h3", claim, "has mac " + Mac(1) + ", but the device was attached with mac");
  claim = Claim(1);
  claim.set_vm_id("vm2");
  ExpectRefused("h3", claim, "is of VM \"vm1\", but the device was attached for VM \"vm2\"");
  claim.clear_vm_id();
  EXPECT_TRUE(Claim("h3", claim).ok()) << "it need not say";
}

TEST_F(DetectionTest, AdmissionsReasonIsTheClaimants) {
  v1::Port port = Port(2);
  port.clear_profile();
  ASSERT_TRUE(UpdateObject(repository_.get(), port).ok());
  ExpectRefused("h3", Claim(1),
                "port \"" + PortId(1) +
                    "\" is on host \"h1\" and cannot be moved to host \"h3\": port \"" + PortId(2) +
                    "\" has no profile in force");
}

TEST_F(DetectionTest, UnpluggedNicsOfTheVmHoldNobodyUp) {
  ASSERT_TRUE(UnbindPort(repository_.get(), "h1", PortId(2)).ok());
  ASSERT_TRUE(Claim("h3", Claim(1)).ok());
  EXPECT_EQ(Detected().port_ids_size(), 1);
}

TEST_F(DetectionTest, ADisconnectedSourceIsNoObstacleAndKeepsThePorts) {
  SetConnected("h1", false);
  ASSERT_TRUE(Claim("h3", Claim(1)).ok());
  SendReceipts("h3");
  EXPECT_EQ(Detected().phase(), v1::MIGRATION_PHASE_ARMED);
  ExpectLocated(1, "h1", 1);
}

// A session's first words are its attachments; it is not shown as connected yet.
TEST_F(DetectionTest, AHostThatJustConnectsMayClaim) {
  SetConnected("h3", false);
  EXPECT_TRUE(Claim("h3", Claim(1)).ok());
  EXPECT_TRUE(Detected().detected());
}

TEST_F(DetectionTest, WithoutDetectionNothingBegins) {
  driver_ = std::make_unique<MigrationDriver>(repository_.get(), &clock_, /*detect=*/false);
  ExpectNoBusiness("h3", Claim(1));
}

TEST_F(DetectionTest, AfterAnAbortTheNextAttemptBeginsAtOnceAndSoDoesTheWayBack) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSERT_TRUE(Claim("h3", Claim(1)).ok());
    SendReceipts("h3");
    Send("h3", v1::PortEvent::KIND_DETACHED, 1);
    EXPECT_TRUE(Running().empty());
    ExpectLocated(1, "h1", 1);
    EXPECT_EQ(State("h3").ports_size(), 0);
  }
  ASSERT_TRUE(Claim("h3", Claim(1)).ok());
  EXPECT_EQ(State("h3").ports(0).epoch(), 2u);
}

}  // namespace
}  // namespace outrider::controller
