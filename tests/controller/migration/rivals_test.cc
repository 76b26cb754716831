// One transaction for all ports of a VM, and one at a time: who comes second is refused by name,
// and as long as one port is not ready at the destination none moves.
#include <gmock/gmock.h>

#include <functional>
#include <latch>
#include <map>
#include <thread>

#include "tests/controller/migration/driver_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;

class RivalsTest : public DriverFixture {
 protected:
  using Try = std::function<absl::StatusOr<std::string>(const std::string& host)>;

  // At the same time to h2 and to h3. One begins, and the other is told which; that is ended.
  void Race(const Try& attempt) {
    std::latch start(2);
    std::map<std::string, absl::StatusOr<std::string>> results{{"h2", ""}, {"h3", ""}};
    const auto run = [&](const std::string& host) {
      start.arrive_and_wait();
      results.at(host) = attempt(host);
    };
    std::thread other([&] { run("h3"); });
    run("h2");
    other.join();
    ASSERT_NE(results.at("h2").ok(), results.at("h3").ok());
    const std::string winner = results.at("h2").ok() ? "h2" : "h3";
    const std::string loser = results.at("h2").ok() ? "h3" : "h2";
    const std::string id = *results.at(winner);
    EXPECT_EQ(Migration(id).destination(), winner);
    EXPECT_EQ(results.at(loser).status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(Message(results.at(loser).status()), HasSubstr("migration \"" + id + "\""));
    EXPECT_TRUE(State(loser).ports().empty() || loser == "h2") << "port 3 is there";
    EXPECT_EQ(RunningOnes(), NameSet{id});
    ASSERT_TRUE(driver_->Abort(id, "").ok());
  }
  NameSet RunningOnes() {
    return repository_->Read(
        [](const Model& model) { return model.index().running_migrations.Get(Index::kAll); });
  }
  static v1::PortAttachment Device() {
    v1::PortAttachment attachment = Attachment(1);
    attachment.set_vm_id("vm1");
    attachment.set_claim(true);
    return attachment;
  }
};

TEST_F(RivalsTest, OfTwoThatArePreparedAtOnceOneIs) {
  for (int round = 0; round < 20; ++round) {
    Race([&](const std::string& host) -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(const v1::Migration migration, Prepare(host));
      return migration.meta().name();
    });
  }
}

TEST_F(RivalsTest, OfTwoThatAttachAtOnceOneGetsIt) {
  for (int round = 0; round < 20; ++round) {
    Race([&](const std::string& host) { return driver_->OnClaim(host, Device(), 0); });
  }
}

TEST_F(RivalsTest, OfAnOperatorAndADeviceOneGetsIt) {
  for (int round = 0; round < 20; ++round) {
    Race([&](const std::string& host) -> absl::StatusOr<std::string> {
      if (host == "h3") return driver_->OnClaim(host, Device(), 0);
      ASSIGN_OR_RETURN(const v1::Migration migration, Prepare(host));
      return migration.meta().name();
    });
  }
}

// Port 2 cannot be put in force at the destination, or is by another profile than it should.
TEST_F(RivalsTest, AsLongAsOnePortIsNotArmedNoneMoves) {
  const std::string id = MustPrepare("h2");
  ASSERT_TRUE(driver_->OnReceipt("h2", ReceiptOf("h2", 1)).ok());
  v1::PortReceipt wrong = ReceiptOf("h2", 2);
  wrong.set_digest("another");
  ASSERT_TRUE(driver_->OnReceipt("h2", wrong).ok());
  SendAck("h2", 1000, "port", PortId(2));

  const absl::Status status = driver_->Switchover(id, 0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(status), "migration \"" + id +
                                 "\" is not armed: host \"h2\" has sent 1 of 2 receipts; wait for "
                                 "it");
  for (const int n : {1, 2}) ExpectLocated(n, "h1", 1);
  const v1::HostState source = State("h1");
  EXPECT_TRUE(source.departures().empty()) << "nothing is recorded, and nothing follows";
  for (const v1::PortState& port : source.ports()) {
    EXPECT_EQ(port.phase(), v1::PORT_PHASE_ACTIVE);
  }
  // The device of one goes at the source, as if it were handed over.
  Send("h2", v1::PortEvent::KIND_ATTACHED, 1);
  Send("h1", v1::PortEvent::KIND_DETACHED, 1);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  for (const int n : {1, 2}) ExpectLocated(n, "h1", 1);
}

// And when it has been armed, and is no more.
TEST_F(RivalsTest, APortThatIsArmedNoMoreHoldsAll) {
  const std::string id = MustPrepare("h2");
  SendReceipts("h2");
  ASSERT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
  ASSERT_EQ(State("h1").departures_size(), 2);
  v1::Port port = Port(2);
  const v1::Profile other = MakeProfile("db", "red", "default_action: ACL_ACTION_DROP");
  ASSERT_TRUE(ApplyProfile(repository_.get(), other).ok());
  port.set_profile("db");
  ASSERT_TRUE(repository_
                  ->Transact([&](const Model&, Transaction* transaction) {
                    transaction->Put(port);
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_PREPARING);
  EXPECT_TRUE(State("h1").departures().empty());
  EXPECT_FALSE(driver_->Switchover(id, 0).ok());
  for (const int n : {1, 2}) ExpectLocated(n, "h1", 1);
  ASSERT_TRUE(driver_->OnReceipt("h2", ReceiptOf("h2", 2)).ok());
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  for (const int n : {1, 2}) ExpectLocated(n, "h2", 2);
}

}  // namespace
}  // namespace outrider::controller
