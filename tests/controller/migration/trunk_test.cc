// All VLANs of a trunk port move in one transaction.
#include "tests/controller/migration/driver_fixture.h"

namespace outrider::controller {
namespace {

class TrunkMigration : public DriverFixture {
 protected:
  // VM vm2 with trunk port 5 on h1; blue, its other segment, has port 6 on h3.
  TrunkMigration() {
    EXPECT_TRUE(CreateObject(repository_.get(), MakeSegment("blue", 200)).ok());
    EXPECT_TRUE(ApplyProfile(repository_.get(), MakeProfile("db", "blue")).ok());
    EXPECT_TRUE(ApplyProfile(repository_.get(), MakeVlanProfile("trunk", kTrunk)).ok());
    v1::PortAttachment attachment = Attachment(5, "trunk");
    attachment.set_vm_id("vm2");
    EXPECT_TRUE(BindPort(repository_.get(), "h1", attachment).ok());
    EXPECT_TRUE(BindPort(repository_.get(), "h3", Attachment(6, "db")).ok());
  }
  absl::StatusOr<v1::Migration> PrepareTrunk(const std::string& destination) {
    v1::PrepareMigrationRequest request;
    request.set_vm_id("vm2");
    request.set_destination(destination);
    return driver_->Prepare(request);
  }
  // End points of port 5 as `host` knows them, by segment.
  std::map<uint32_t, std::string> EndPoints(const std::string& host) {
    std::map<uint32_t, std::string> found;
    const v1::HostState state = State(host);
    for (const auto& entry : state.fdb()) {
      if (entry.mac() == Mac(5)) found[entry.vni()] = entry.port_id() + entry.vtep();
    }
    return found;
  }
  using EndPointMap = std::map<uint32_t, std::string>;

  static constexpr char kTrunk[] =
      "mode: MODE_TRUNK vlans { vlan: 10 segment: 'red' } vlans { vlan: 20 segment: 'blue' }";
};

TEST_F(TrunkMigration, MovesEveryVlanAtOnce) {
  const auto prepared = PrepareTrunk("h2");
  ASSERT_TRUE(prepared.ok()) << prepared.status();
  const std::string id = prepared->meta().name();
  EXPECT_EQ(EndPoints("h2"), (EndPointMap{{100, Vtep(1)}, {200, Vtep(1)}}));
  ASSERT_TRUE(driver_->OnReceipt("h2", ReceiptOf("h2", 5)).ok());
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);

  const auto switched = driver_->Switchover(id, 0);
  ASSERT_TRUE(switched.ok()) << switched.status();
  ExpectLocated(5, "h2", 2);
  EXPECT_EQ(EndPoints("h2"), (EndPointMap{{100, PortId(5)}, {200, PortId(5)}}));
  EXPECT_EQ(EndPoints("h3"), (EndPointMap{{200, Vtep(1)}})) << "until the two have it";
  EXPECT_EQ(EndPoints("h1"), (EndPointMap{{100, PortId(5)}, {200, PortId(5)}}));
  const uint64_t moved_at = switched->meta().revision();
  SendAck("h1", moved_at);
  SendAck("h2", moved_at);
  EXPECT_EQ(EndPoints("h3"), (EndPointMap{{200, Vtep(2)}}));
  SendFrame("h2", 5, 2);
  SendAck("h3", repository_->revision());
  Drain();
  EXPECT_EQ(EndPoints("h1"), (EndPointMap{{100, Vtep(2)}})) << "by its ports of red";
}

TEST_F(TrunkMigration, WaitsForTheHostsOfEverySegment) {
  const std::string id = PrepareTrunk("h2")->meta().name();
  ASSERT_TRUE(driver_->OnReceipt("h2", ReceiptOf("h2", 5)).ok());
  const uint64_t moved_at = driver_->Switchover(id, 0)->meta().revision();
  SendFrame("h2", 5, 2);
  SendAck("h1", moved_at);
  SendAck("h2", moved_at);
  EXPECT_EQ(Migration(id).peers().size(), 3u);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING) << "h3 is in blue";
  SendAck("h3", repository_->revision(), "fdb", "200/" + Mac(5));
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING) << "not in force there";
  SendAck("h3", repository_->revision());
  Drain();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

// The digest covers the VLANs: a receipt for another revision of them arms nothing.
TEST_F(TrunkMigration, AReceiptForOtherVlansIsNotTaken) {
  const std::string id = PrepareTrunk("h2")->meta().name();
  const v1::PortReceipt old = ReceiptOf("h2", 5);
  ASSERT_TRUE(ApplyProfile(repository_.get(), MakeVlanProfile("trunk",
                                                              "mode: MODE_TRUNK "
                                                              "vlans { vlan: 11 segment: 'red' } "
                                                              "vlans { vlan: 20 segment: 'blue' }"))
                  .ok());
  ASSERT_TRUE(driver_->OnReceipt("h2", old).ok());
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_PREPARING);
  ASSERT_TRUE(driver_->OnReceipt("h2", ReceiptOf("h2", 5)).ok());
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
}

TEST_F(TrunkMigration, ADestinationThatCannotCarryOneSegmentIsRefused) {
  EXPECT_TRUE(UpdateObject(repository_.get(), MakeSegment("red", 100, 1300)).ok());
  const auto shrink = [](const Model& model, Transaction* transaction) {
    v1::Host host = *model.Find<v1::Host>("h2");
    host.set_underlay_mtu(1400);
    transaction->Put(host);
    return absl::OkStatus();
  };
  ASSERT_TRUE(repository_->Transact(shrink).ok());
  const absl::Status status = PrepareTrunk("h2").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_NE(Message(status).find("\"blue\""), std::string::npos) << status;
}

}  // namespace
}  // namespace outrider::controller
