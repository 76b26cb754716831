// What hosts are told of a move at each step, so that frames keep their order; labels; what hosts
// say of what was sent after the guest.
#include "tests/controller/migration/driver_fixture.h"

namespace outrider::controller {
namespace {

// Port 4 on h3 makes that the other host of the segment.
class DriverMoveTest : public DriverFixture {
 protected:
  DriverMoveTest() { EXPECT_TRUE(BindPort(repository_.get(), "h3", Attachment(4)).ok()); }

  std::string Armed() {
    const std::string id = MustPrepare("h2");
    SendReceipts("h2");
    EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ARMED);
    return id;
  }
  std::string Switched() {
    const std::string id = Armed();
    EXPECT_TRUE(driver_->Switchover(id, 0).ok());
    return id;
  }
  // And heard at the destination.
  std::string Converged() {
    const std::string id = Switched();
    for (const int n : {1, 2}) SendFrame("h2", n, 2);
    const uint64_t moved_at = Migration(id).meta().revision();
    for (const char* host : {"h1", "h2"}) SendAck(host, moved_at);
    SendAck("h3", repository_->revision());
    return id;
  }
  // Where `host` sends what is for port 1, and under which epoch.
  std::string Way(const std::string& host) {
    const v1::HostState state = State(host);
    for (const auto& entry : state.fdb()) {
      if (entry.mac() != Mac(1)) continue;
      return fmt::format("{} {}", entry.port_id().empty() ? entry.vtep() : "here", entry.epoch());
    }
    return "nowhere";
  }
  const v1::PortState PortAt(const std::string& host) {
    const v1::HostState state = State(host);
    for (const auto& port : state.ports()) {
      if (port.id() == PortId(1)) return port;
    }
    return {};
  }
  void Say(v1::PortEvent::Kind kind, const std::string& id, int64_t time_us) {
    v1::PortEvent event;
    event.set_kind(kind);
    event.set_port_id(PortId(1));
    event.set_migration_id(id);
    event.set_time_us(time_us);
    event.set_trigger("qmp");
    EXPECT_TRUE(driver_->OnPortEvent("h1", event).ok());
  }
  void Report(const std::string& host, const std::string& id, uint64_t redirected) {
    v1::MoveReport report;
    report.set_port_id(PortId(1));
    report.set_migration_id(id);
    report.mutable_counters()->set_redirected(redirected);
    EXPECT_TRUE(driver_->OnMoveReport(host, report).ok());
  }
};

TEST_F(DriverMoveTest, TheOthersAreReroutedOnceSourceAndDestinationHaveTheMove) {
  const std::string id = Switched();
  const uint64_t moved_at = Migration(id).meta().revision();
  EXPECT_EQ(Way("h1"), "here 1");
  EXPECT_EQ(Way("h2"), "here 2");
  EXPECT_EQ(Way("h3"), Vtep(1) + " 1");
  SendAck("h2", moved_at);
  EXPECT_EQ(Way("h3"), Vtep(1) + " 1");
  SendAck("h1", moved_at);
  EXPECT_EQ(Way("h3"), Vtep(2) + " 2");
  EXPECT_EQ(Way("h1"), "here 1") << "for what the others have sent before";
  SendFrame("h2", 1, 2);
  SendFrame("h2", 2, 2);
  SendAck("h3", moved_at);
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING) << "h3 owes the reroute";
  SendAck("h3", repository_->revision());
  Drain();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(PortAt("h1").phase(), v1::PORT_PHASE_UNSPECIFIED);
  EXPECT_TRUE(State("h1").departures().empty());
}

TEST_F(DriverMoveTest, AGuestThatHasJustComeMayGoOnAtOnce) {
  const std::string id = Converged();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  EXPECT_NE(MustPrepare("h1"), "");
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(DriverMoveTest, AGuestThatHasJustComeMayBeClaimedAtOnce) {
  const std::string id = Converged();
  for (const int n : {1, 2}) {
    v1::PortAttachment device = Attachment(n);
    device.set_vm_id("vm1");
    device.set_device("tap9");
    ASSERT_TRUE(BindPort(repository_.get(), "h2", device).ok());
  }
  v1::PortAttachment claim = Attachment(1);
  claim.set_claim(true);
  EXPECT_EQ(driver_->OnClaim("h2", claim, 7).value_or("refused"), "");
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING) << "that is this move";
  EXPECT_NE(driver_->OnClaim("h3", claim, 7).value_or(""), "");
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(DriverMoveTest, TheOthersAreReroutedAfterTheGrace) {
  const std::string id = Switched();
  clock_.AdvanceUs(kRerouteGraceUs - 1);
  Tick();
  EXPECT_EQ(Way("h3"), Vtep(1) + " 1");
  clock_.AdvanceUs(1);
  Tick();
  EXPECT_EQ(Way("h3"), Vtep(2) + " 2");
  EXPECT_EQ(Migration(id).timeline().rbegin()->kind(), "rerouted");
}

TEST_F(DriverMoveTest, ASourceThatIsGoneHoldsNobodyUp) {
  Armed();
  SetConnected("h1", false);
  SendFrame("h2", 1, 2);
  EXPECT_EQ(Way("h3"), Vtep(2) + " 2") << "in the commit of the switchover";
}

TEST_F(DriverMoveTest, ASourceThatGoesAfterTheSwitchoverHoldsNobodyUp) {
  Switched();
  SetConnected("h1", false);
  EXPECT_EQ(Way("h3"), Vtep(2) + " 2");
}

TEST_F(DriverMoveTest, AnAbortLeadsBackUnderANewerEpochFromBothSteps) {
  const std::string id = Switched();
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  for (const char* host : {"h2", "h3"}) EXPECT_EQ(Way(host), Vtep(1) + " 3");
  EXPECT_EQ(Way("h1"), "here 3");
  EXPECT_EQ(PortAt("h1").phase(), v1::PORT_PHASE_ACTIVE);
}

TEST_F(DriverMoveTest, ARestartInBetweenReroutesWithTheAcknowledgementsThatComeAgain) {
  const std::string id = Switched();
  const uint64_t moved_at = Migration(id).meta().revision();
  SendAck("h1", moved_at);
  RestartDriver();
  for (const char* host : {"h1", "h2", "h3"}) SetConnected(host, true);
  SendAck("h2", moved_at);
  EXPECT_EQ(Migration(id).rerouted_us(), 0);
  SendAck("h1", moved_at);
  EXPECT_EQ(Way("h3"), Vtep(2) + " 2");
}

TEST_F(DriverMoveTest, LabelsAreOfOneMoveToADestination) {
  const std::string id = MustPrepare("h2");
  v1::PortAttachment attachment = Attachment(5);
  attachment.set_vm_id("vm5");
  ASSERT_TRUE(BindPort(repository_.get(), "h3", attachment).ok());
  v1::PrepareMigrationRequest request;
  request.set_vm_id("vm5");
  request.set_destination("h2");
  const auto other = driver_->Prepare(request);
  ASSERT_TRUE(other.ok()) << other.status();
  std::set<uint32_t> labels;
  for (const v1::Migration& migration : {Migration(id), *other}) {
    EXPECT_EQ(migration.labels_size(), migration.port_ids_size());
    for (const auto& [port, label] : migration.labels()) {
      EXPECT_GE(label, 1u);
      EXPECT_LE(label, 65535u);
      labels.insert(label);
    }
  }
  EXPECT_EQ(labels.size(), 3u);
}

TEST_F(DriverMoveTest, BothHostsKnowTheLabel) {
  const std::string id = MustPrepare("h2");
  const uint32_t label = Migration(id).labels().at(PortId(1));
  EXPECT_EQ(PortAt("h2").arrival().label(), label);
  EXPECT_EQ(PortAt("h2").arrival().vtep(), Vtep(1));
  EXPECT_EQ(PortAt("h2").arrival().host(), "h1");
  SendReceipts("h2");
  const v1::HostState source = State("h1");
  ASSERT_EQ(source.departures_size(), 2);
  EXPECT_EQ(source.departures(0).label(), label);
  EXPECT_EQ(source.departures(0).host(), "h2");
  EXPECT_EQ(source.departures(0).peer(), "") << "it has not said where it listens";
}

TEST_F(DriverMoveTest, TheSourcesWordsAreInTheTimeline) {
  const std::string id = Armed();
  Say(v1::PortEvent::KIND_PAUSED, id, 70);
  Say(v1::PortEvent::KIND_REDIRECTED, id, 80);
  Say(v1::PortEvent::KIND_PAUSED, "mig-other", 90);
  const v1::Migration migration = Migration(id);
  const int size = migration.timeline_size();
  EXPECT_EQ(migration.timeline(size - 2).kind(), "paused");
  EXPECT_EQ(migration.timeline(size - 1).kind(), "redirected");
  EXPECT_EQ(migration.timeline(size - 1).time_us(), 80);
}

TEST_F(DriverMoveTest, AGuestThatComesBackGetsItsPortsBack) {
  const std::string id = Switched();
  clock_.AdvanceUs(1000);
  Say(v1::PortEvent::KIND_PAUSED, id, 70);
  Say(v1::PortEvent::KIND_RESUMED, id, 80);
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  clock_.AdvanceUs(kRollbackSettleUs);
  Tick();
  EXPECT_EQ(Migration(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  ExpectLocated(1, "h1", 3);
}

TEST_F(DriverMoveTest, CountsComeFromTheTwoHostsAlsoAfterTheEnd) {
  const std::string id = Switched();
  Report("h1", id, 5);
  Report("h3", id, 50);
  Report("h1", "mig-other", 500);
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  Report("h1", id, 6);
  Report("h2", id, 7);
  EXPECT_EQ(Migration(id).source_counters().at(PortId(1)).redirected(), 6u);
  EXPECT_EQ(Migration(id).destination_counters().at(PortId(1)).redirected(), 7u);
  const uint64_t commits = store_.commits();
  Report("h1", id, 6);
  EXPECT_EQ(store_.commits(), commits) << "nothing new";
}

// Port 4, on h3, has an address like those that move.
class DriverProbeTest : public DriverMoveTest {
 protected:
  DriverProbeTest() {
    for (const int n : {1, 2, 4}) {
      v1::Port port = Port(n);
      port.add_ips(fmt::format("192.168.0.{}", n));
      const auto put = [&](const Model&, Transaction* transaction) {
        transaction->Put(port);
        return absl::OkStatus();
      };
      EXPECT_TRUE(repository_->Transact(put).ok());
    }
    v1::PrepareMigrationRequest request;
    request.set_vm_id("vm1");
    request.set_destination("h2");
    request.set_probe_from(PortId(4));
    const auto migration = driver_->Prepare(request);
    EXPECT_TRUE(migration.ok()) << migration.status();
    if (migration.ok()) id_ = migration->meta().name();
  }
  void Saw(const std::string& host, int n, uint64_t sent) {
    v1::ProbeReport report;
    report.set_migration_id(id_);
    report.mutable_result()->set_port_id(PortId(n));
    report.mutable_result()->set_from_port_id(PortId(4));
    report.mutable_result()->set_sent(sent);
    EXPECT_TRUE(driver_->OnProbeReport(host, report).ok());
  }
  std::string id_;
};

TEST_F(DriverProbeTest, ThirdHostLooksOnUntilAWhileAfterTheEndAndThenSaysWhatItSaw) {
  EXPECT_EQ(State("h3").probes_size(), 2);
  ASSERT_TRUE(driver_->Abort(id_, "").ok());
  clock_.AdvanceUs(kProbeAfterUs / 2);
  Tick();
  EXPECT_EQ(State("h3").probes_size(), 2);
  RestartDriver();
  EXPECT_EQ(State("h3").probes_size(), 2) << "the store knows";
  clock_.AdvanceUs(kProbeAfterUs / 2);
  Tick();
  EXPECT_EQ(State("h3").probes_size(), 0);
  EXPECT_EQ(Migration(id_).probes().at(PortId(1)).failure(),
            "host \"h3\" has not said what it saw");
  Saw("h2", 1, 7);
  EXPECT_NE(Migration(id_).probes().at(PortId(1)).failure(), "");
  Saw("h3", 1, 1234);
  EXPECT_EQ(Migration(id_).probes().at(PortId(1)).sent(), 1234u);
  EXPECT_EQ(Migration(id_).probes().at(PortId(1)).failure(), "");
}

TEST_F(DriverProbeTest, ARecordThatIsDeletedMeanwhileIsNoTrouble) {
  ASSERT_TRUE(driver_->Abort(id_, "").ok());
  ASSERT_TRUE(DeleteObject<v1::Migration>(repository_.get(), id_, 0).ok());
  EXPECT_EQ(State("h3").probes_size(), 0);
  clock_.AdvanceUs(kProbeAfterUs);
  Tick();
  Saw("h3", 1, 1234);
}

}  // namespace
}  // namespace outrider::controller
