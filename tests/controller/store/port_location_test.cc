#include "controller/store/port_location.h"

#include "tests/controller/store/repository_fixture.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class PortLocationTest : public RepositoryFixture {
 protected:
  absl::StatusOr<Binding> Bind(const std::string& host, const v1::PortAttachment& attachment) {
    return BindPort(repository_.get(), host, attachment);
  }
  void ExpectRefused(const std::string& host, const v1::PortAttachment& attachment, StatusCode code,
                     const std::string& message) {
    const uint64_t commits = store_.commits();
    const absl::Status status = Bind(host, attachment).status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(Message(status), message);
    EXPECT_EQ(store_.commits(), commits);
  }
  void PutMigration(v1::MigrationPhase phase) {
    ASSERT_TRUE(repository_
                    ->Transact([&](const Model&, Transaction* transaction) {
                      transaction->Put(MakeMigration("m1", {1}, "h1", "h2", phase));
                      return absl::OkStatus();
                    })
                    .ok());
  }
  static std::string Subject(int n) { return "port \"" + PortId(n) + "\""; }
};

TEST_F(PortLocationTest, UnknownPortIsCreatedAtTheHost) {
  v1::PortAttachment attachment = Attachment(1);
  attachment.set_mac("52-54-00-00-00-01");
  attachment.add_ips("192.168.0.9");
  attachment.set_vm_id("vm1");
  const auto binding = Bind("h1", attachment);
  ASSERT_TRUE(binding.ok()) << binding.status();
  EXPECT_FALSE(binding->expected);
  const v1::Port port = Port(1);
  EXPECT_EQ(port.location().host(), "h1");
  EXPECT_EQ(port.location().epoch(), 1u);
  EXPECT_EQ(port.mac(), Mac(1));
  EXPECT_EQ(port.ips(0), "192.168.0.9");
  EXPECT_EQ(port.vm_id(), "vm1");
  EXPECT_EQ(port.profile(), "web");
  EXPECT_EQ(port.device(), "tap1");
  EXPECT_EQ(port.phase(), v1::PORT_PHASE_BLOCKED);
}

// A transient guest: another id at every start, and the same MAC.
TEST_F(PortLocationTest, APortThatAHostMadeGivesWayWhenItIsLeft) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  v1::PortAttachment again = Attachment(2);
  again.set_mac(Mac(1));
  EXPECT_EQ(Bind("h1", again).status().code(), StatusCode::kAlreadyExists) << "it is in use";
  ASSERT_TRUE(UnbindPort(repository_.get(), "h1", PortId(1)).ok());
  const auto binding = Bind("h2", again);
  ASSERT_TRUE(binding.ok()) << binding.status();
  EXPECT_FALSE(repository_->Get<v1::Port>(PortId(1)).ok());
  EXPECT_EQ(Port(2).location().host(), "h2");
}

TEST_F(PortLocationTest, APortThatSomebodyWroteStays) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  v1::Port port = Port(1);
  port.set_vm_id("kept");
  ASSERT_TRUE(UpdateObject(repository_.get(), port).ok());
  EXPECT_FALSE(Port(1).made_by_host());
  ASSERT_TRUE(UnbindPort(repository_.get(), "h1", PortId(1)).ok());
  v1::PortAttachment again = Attachment(2);
  again.set_mac(Mac(1));
  EXPECT_EQ(Bind("h1", again).status().code(), StatusCode::kAlreadyExists);
}

TEST_F(PortLocationTest, APortWithoutProfileSaysHowToGiveItOne) {
  v1::PortAttachment attachment = Attachment(1);
  attachment.clear_profile();
  ASSERT_TRUE(Bind("h1", attachment).ok());
  EXPECT_EQ(Port(1).problem(),
            "no profile; give it one by `outrider port set " + PortId(1) + " --profile NAME`");
}

TEST_F(PortLocationTest, RepeatedAttachWritesNothing) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  const uint64_t commits = store_.commits();
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  EXPECT_EQ(store_.commits(), commits);
}

TEST_F(PortLocationTest, EpochGrowsOverDetachAndAttach) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  EXPECT_TRUE(UnbindPort(repository_.get(), "h1", PortId(1)).value());
  EXPECT_EQ(Port(1).location().host(), "");
  EXPECT_EQ(Port(1).phase(), v1::PORT_PHASE_UNBOUND);
  EXPECT_EQ(Port(1).device(), "");
  ASSERT_TRUE(Bind("h2", Attachment(1)).ok());
  EXPECT_EQ(Port(1).location().host(), "h2");
  EXPECT_EQ(Port(1).location().epoch(), 2u);
  EXPECT_FALSE(UnbindPort(repository_.get(), "h1", PortId(1)).value()) << "not h1's any more";
  EXPECT_EQ(Port(1).location().host(), "h2");
}

TEST_F(PortLocationTest, PortOfAnotherHostIsRefused) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  ExpectRefused("h2", Attachment(1), StatusCode::kFailedPrecondition,
                Subject(1) +
                    " is on host \"h1\"; detach it there, or run \"outrider migration "
                    "prepare\" to move it to host \"h2\"");
}

TEST_F(PortLocationTest, DestinationOfAMigrationIsExpected) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  PutMigration(v1::MIGRATION_PHASE_ARMED);
  const uint64_t commits = store_.commits();
  const auto binding = Bind("h2", Attachment(1));
  ASSERT_TRUE(binding.ok()) << binding.status();
  EXPECT_TRUE(binding->expected);
  EXPECT_EQ(Port(1).location().host(), "h1");
  EXPECT_EQ(store_.commits(), commits);
  v1::PortAttachment other = Attachment(1);
  other.set_mac(Mac(9));
  EXPECT_EQ(Bind("h2", other).status().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Bind("h3", Attachment(1)).status().code(), StatusCode::kFailedPrecondition);
  PutMigration(v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(Bind("h2", Attachment(1)).status().code(), StatusCode::kFailedPrecondition);
}

TEST_F(PortLocationTest, OtherMacIsRefused) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  v1::PortAttachment other = Attachment(1);
  other.set_mac(Mac(9));
  ExpectRefused("h1", other, StatusCode::kFailedPrecondition,
                Subject(1) + " has mac " + Mac(1) + ", but the device was attached with mac " +
                    Mac(9) +
                    "; attach it with the port's mac, or change the port while it is detached");
}

TEST_F(PortLocationTest, WhatTheAttachmentGetsWrong) {
  v1::PortAttachment attachment = Attachment(1, "wbe");
  ExpectRefused("h1", attachment, StatusCode::kInvalidArgument,
                Subject(1) + ": profile \"wbe\" does not exist; apply it first");
  attachment = Attachment(1);
  attachment.set_device("a-name-too-long-for-linux");
  ExpectRefused("h1", attachment, StatusCode::kInvalidArgument,
                Subject(1) + ": device \"a-name-too-long-for-linux\" must have 1..15 characters");
  ExpectRefused("h9", Attachment(1), StatusCode::kNotFound, "host \"h9\" does not exist");
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  attachment = Attachment(2);
  attachment.set_mac(Mac(1));
  EXPECT_EQ(Bind("h2", attachment).status().code(), StatusCode::kAlreadyExists);
}

TEST_F(PortLocationTest, MtuThatDoesNotFitIsRefused) {
  ASSERT_TRUE(CreateObject(repository_.get(), MakeSegment("big", 300, 8950)).ok());
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeProfile("big", "big")).ok());
  ExpectRefused("h1", Attachment(1, "big"), StatusCode::kFailedPrecondition,
                Subject(1) +
                    ": host \"h1\": underlay MTU 1500 cannot carry segment \"big\": its mtu "
                    "8950 needs 9000; raise the underlay MTU or lower the segment's mtu to "
                    "1450");
}

TEST_F(PortLocationTest, HostThatRepeatsItselfDoesNotUndoAProfileSetSince) {
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeProfile("db", "red")).ok());
  ASSERT_TRUE(Bind("h1", Attachment(1, "web")).ok());
  v1::Port port = Port(1);
  port.set_profile("db");
  ASSERT_TRUE(UpdateObject(repository_.get(), port).ok());
  ASSERT_TRUE(Bind("h1", Attachment(1, "web")).ok());
  EXPECT_EQ(Port(1).profile(), "db");
  ASSERT_TRUE(Bind("h1", Attachment(1, "")).ok());
  EXPECT_EQ(Port(1).profile(), "db");
  ASSERT_TRUE(Bind("h1", Attachment(1, "web")).ok());
  EXPECT_EQ(Port(1).profile(), "web") << "named anew";
}

TEST_F(PortLocationTest, ReceiptsOfTheHolderCount) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  v1::PortReceipt receipt;
  receipt.set_port_id(PortId(1));
  receipt.set_host("h2");
  receipt.set_epoch(1);
  receipt.set_phase(v1::PORT_PHASE_ACTIVE);
  receipt.set_digest("d");
  const uint64_t commits = store_.commits();
  ASSERT_TRUE(RecordReceipts(repository_.get(), {receipt}).ok());
  EXPECT_EQ(store_.commits(), commits) << "another host's";
  receipt.set_host("h1");
  ASSERT_TRUE(RecordProblem(repository_.get(), "h1", PortId(1), "no memory").ok());
  EXPECT_EQ(Port(1).problem(), "no memory");
  ASSERT_TRUE(RecordReceipts(repository_.get(), {receipt}).ok());
  EXPECT_EQ(Port(1).phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(Port(1).receipt().digest(), "d");
  EXPECT_EQ(Port(1).problem(), "");
  const uint64_t recorded = store_.commits();
  receipt.set_generation(99);
  ASSERT_TRUE(RecordReceipts(repository_.get(), {receipt}).ok());
  EXPECT_EQ(store_.commits(), recorded) << "says nothing new";
}

TEST_F(PortLocationTest, MovesCompareHostAndEpoch) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  ASSERT_TRUE(Bind("h1", Attachment(2)).ok());
  const auto move = [&](uint64_t epoch_of_second) {
    std::vector<PortMove> moves(2);
    for (int n = 1; n <= 2; ++n) {
      PortMove& each = moves[n - 1];
      each.port_id = PortId(n);
      each.from.set_host("h1");
      each.from.set_epoch(n == 2 ? epoch_of_second : 1);
      each.to.set_host("h2");
      each.to.set_epoch(2);
    }
    return repository_->Transact([&](const Model& model, Transaction* transaction) {
      return MovePorts(model, moves, transaction);
    });
  };
  const absl::Status stale = move(7).status();
  EXPECT_EQ(stale.code(), StatusCode::kAborted);
  EXPECT_EQ(Message(stale),
            Subject(2) + " is on host \"h1\" in epoch 1, not on host \"h1\" in epoch 7");
  EXPECT_EQ(Port(1).location().host(), "h1") << "none moves alone";
  const uint64_t commits = store_.commits();
  ASSERT_TRUE(move(1).ok());
  EXPECT_EQ(store_.commits(), commits + 1);
  EXPECT_EQ(Port(1).location().host(), "h2");
  EXPECT_EQ(Port(2).location().epoch(), 2u);
  EXPECT_EQ(Port(1).device(), "") << "tap1 was h1's";
  EXPECT_EQ(Port(1).attached_profile(), "web");
  ASSERT_TRUE(Bind("h2", Attachment(1)).ok());
  EXPECT_EQ(Port(1).device(), "tap1");
}

TEST_F(PortLocationTest, MovedToNoHostItIsUnbound) {
  ASSERT_TRUE(Bind("h1", Attachment(1)).ok());
  PortMove move;
  move.port_id = PortId(1);
  move.from = Port(1).location();
  move.to.set_epoch(2);
  ASSERT_TRUE(repository_
                  ->Transact([&](const Model& model, Transaction* transaction) {
                    return MovePorts(model, {move}, transaction);
                  })
                  .ok());
  EXPECT_EQ(Port(1).location().host(), "");
  EXPECT_EQ(Port(1).phase(), v1::PORT_PHASE_UNBOUND);
  EXPECT_EQ(Port(1).device(), "");
  ASSERT_TRUE(Bind("h2", Attachment(1)).ok());
  EXPECT_EQ(Port(1).location().epoch(), 3u);
}

}  // namespace
}  // namespace outrider::controller
