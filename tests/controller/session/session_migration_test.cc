// A migration as the sessions see it: what destination, source and peers are sent, and which
// acknowledgements make it converge.
#include <gmock/gmock.h>

#include "tests/controller/session/session_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Port A on h1 in segment blue, port B on h3 as the peer that must learn of the move; h2 is empty.
class SessionMigrationTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    *h1_.hello().add_attachments() = Attachment(kPortA, kMacA);
    *h3_.hello().add_attachments() = Attachment(kPortB, kMacB);
    for (FakeAgent* agent : {&h1_, &h2_, &h3_}) {
      Join(agent);
      agent->Settle();
    }
    SettleAll();
    h1_.SendReceipt(kPortA);
    h3_.SendReceipt(kPortB);
  }

  void SettleAll() {
    for (FakeAgent* agent : {&h1_, &h2_, &h3_}) agent->Settle();
  }

  // Id of a new migration of port A to h2.
  std::string Prepare() {
    v1::PrepareMigrationRequest request;
    request.set_port_id(kPortA);
    request.set_destination("h2");
    const auto migration = driver_->Prepare(request);
    EXPECT_TRUE(migration.ok()) << migration.status();
    executor_->RunAll();
    return migration->meta().name();
  }
  // The same, and the guest has sent from h2; h1 and h2 have the move in force, h3 has not been
  // heard of.
  std::string ArriveButForH3() {
    const std::string id = Prepare();
    SettleAll();
    h2_.SendReceipt(kPortA);
    h2_.SendEvent(v1::PortEvent::KIND_FIRST_FRAME, kPortA, 2);
    h1_.Settle();
    h2_.Settle();
    return id;
  }
  // The agent comes back and has nothing attached any more.
  void LoseDeviceWhileAway(FakeAgent* agent) {
    agent->Leave();
    agent->hello().clear_attachments();
    Join(agent);
  }
  v1::Migration Get(const std::string& id) { return repository_->Get<v1::Migration>(id).value(); }

  FakeAgent h1_{"h1", "one"};
  FakeAgent h2_{"h2", "two"};
  FakeAgent h3_{"h3", "three"};
};

TEST_F(SessionMigrationTest, TheDestinationIsArmedBeforeAnythingMoves) {
  const std::string id = Prepare();
  SettleAll();
  ASSERT_NE(h2_.Port(kPortA), nullptr);
  EXPECT_EQ(h2_.Port(kPortA)->phase(), v1::PORT_PHASE_ARMED);
  EXPECT_EQ(h2_.Port(kPortA)->epoch(), 2u);
  EXPECT_EQ(h2_.Port(kPortA)->migration_id(), id);
  EXPECT_EQ(h1_.Port(kPortA)->phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_PREPARING);
  h2_.SendReceipt(kPortA);
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_ARMED);
}

TEST_F(SessionMigrationTest, MovesConvergesAndCommits) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendReceipt(kPortA);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  executor_->RunAll();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  EXPECT_EQ(h3_.VtepOf(kMacA), "10.0.1.1") << "until source and destination have it";
  SettleAll();
  EXPECT_EQ(h1_.Port(kPortA)->phase(), v1::PORT_PHASE_DEPARTED);
  EXPECT_EQ(h2_.Port(kPortA)->phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(h3_.VtepOf(kMacA), "10.0.2.1");
  const v1::Migration switching = Get(id);
  EXPECT_FALSE(switching.peers().empty());
  for (const auto& [peer, generation] : switching.peers()) EXPECT_NE(generation, 0u) << peer;
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  h2_.SendEvent(v1::PortEvent::KIND_FIRST_FRAME, kPortA, 2);
  Drain();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
  executor_->RunAll();
  SettleAll();
  EXPECT_EQ(h1_.Port(kPortA), nullptr);
  EXPECT_TRUE(h1_.state().departures().empty());
}

// Also while it no longer holds the port.
TEST_F(SessionMigrationTest, TheSourceSpeaksOfItsGuestAndOfWhatItSentAfterIt) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendReceipt(kPortA);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  executor_->RunAll();
  v1::AgentMessage message;
  message.mutable_port_event()->set_kind(v1::PortEvent::KIND_REDIRECTED);
  message.mutable_port_event()->set_port_id(kPortA);
  message.mutable_port_event()->set_migration_id(id);
  message.mutable_port_event()->set_time_us(77);
  message.mutable_port_event()->set_trigger("departed");
  h1_.Send(message);
  message.mutable_move()->set_port_id(kPortA);
  message.mutable_move()->set_migration_id(id);
  message.mutable_move()->mutable_counters()->set_redirected(9);
  h1_.Send(message);
  // None of this host's business; no offence, as it may be late.
  h3_.Send(message);
  const v1::Migration migration = Get(id);
  const v1::MigrationEvent& last = *migration.timeline().rbegin();
  EXPECT_EQ(last.kind(), "redirected");
  EXPECT_EQ(last.detail(), "0 frames replayed, 9 redirected, 0 lost; by departed");
  EXPECT_TRUE(migration.destination_counters().empty());
  EXPECT_THAT(log_.text(), Not(HasSubstr("audit: refused")));
}

TEST_F(SessionMigrationTest, TheSourceLearnsWhereTheDestinationsAgentListens) {
  h2_.hello().set_peer_port(7444);
  h2_.Leave();
  Join(&h2_);
  Prepare();
  SettleAll();
  h2_.SendReceipt(kPortA);
  SettleAll();
  ASSERT_EQ(h1_.state().departures_size(), 1);
  EXPECT_EQ(h1_.state().departures(0).peer(), "10.0.2.1:7444");
  h2_.hello().set_peer_port(70000);
  h2_.Leave();
  Join(&h2_);
  SettleAll();
  EXPECT_EQ(h1_.state().departures(0).peer(), "") << "no port";
}

TEST_F(SessionMigrationTest, TheGuestsFirstFrameIsATriggerToo) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendReceipt(kPortA);
  h2_.SendEvent(v1::PortEvent::KIND_ACTIVATED, kPortA, 2);
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  h2_.SendEvent(v1::PortEvent::KIND_FIRST_FRAME, kPortA, 2);
  SettleAll();
  Drain();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(SessionMigrationTest, APeerThatHasNotAcknowledgedHoldsTheCommit) {
  const std::string id = ArriveButForH3();
  h3_.TakeAll();  // has the delta, has not said so
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  h3_.Ack(h3_.generation());
  Drain();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(SessionMigrationTest, APeerThatIsGoneDoesNot) {
  const std::string id = ArriveButForH3();
  h3_.Leave();
  Drain();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(SessionMigrationTest, APeerThatComesBackWithTheMoveInForceCounts) {
  const std::string id = ArriveButForH3();
  h3_.TakeAll();
  // The same agent on a new stream: the acknowledgement got lost with the old one.
  Join(&h3_);
  EXPECT_TRUE(h3_.TakeAll().at(0).welcome().resume());
  // It holds the state; that it is in force it has yet to say.
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  h3_.Ack(h3_.generation());
  Drain();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(SessionMigrationTest, APeerThatCouldNotPutTheMoveInForceHoldsTheCommit) {
  const std::string id = ArriveButForH3();
  h3_.TakeAll();
  h3_.AckWithFailure("fdb", std::string("100/") + kMacA, "map is full");
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  EXPECT_EQ(Get(id).timeline().rbegin()->kind(), "peer-failing");
  EXPECT_EQ(Get(id).timeline().rbegin()->host(), "h3");
  // A change that is none of h3's does not make it so.
  PutHost("h4");
  executor_->RunAll();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  h3_.Ack(h3_.generation());
  Drain();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
}

TEST_F(SessionMigrationTest, ASourceThatLostThePortWhileAwayAborts) {
  const std::string id = Prepare();
  LoseDeviceWhileAway(&h1_);
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_THAT(Get(id).reason(), HasSubstr("was detached at the source"));
  EXPECT_EQ(GetPort(kPortA).location().host(), "");
}

TEST_F(SessionMigrationTest, ADestinationThatLostThePortWhileAwayAborts) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendAttached(Attachment(kPortA, kMacA));
  h2_.Leave();
  Join(&h2_);
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_THAT(Get(id).reason(), HasSubstr("was detached at the destination"));
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
}

TEST_F(SessionMigrationTest, ASourceThatLetGoWhileAwayDoesNotRegainThePort) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendReceipt(kPortA);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  executor_->RunAll();
  LoseDeviceWhileAway(&h1_);
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  EXPECT_EQ(GetPort(kPortA).location().host(), "");
}

TEST_F(SessionMigrationTest, AnAbandonedPortGoesToTheDestinationThatHasItsDevice) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendAttached(Attachment(kPortA, kMacA));
  h2_.SendReceipt(kPortA);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  executor_->RunAll();
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  executor_->RunAll();
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
  EXPECT_EQ(GetPort(kPortA).location().epoch(), 4u);
}

TEST_F(SessionMigrationTest, TheDeviceIsTheOneOfTheHostThatHoldsThePort) {
  const std::string id = Prepare();
  SettleAll();
  v1::PortAttachment there = Attachment(kPortA, kMacA);
  there.set_device("tap9");
  h2_.SendAttached(there);
  EXPECT_EQ(GetPort(kPortA).device(), "tap0");
  h2_.SendReceipt(kPortA);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  executor_->RunAll();
  EXPECT_EQ(GetPort(kPortA).device(), "tap9");
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  executor_->RunAll();
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
  EXPECT_EQ(GetPort(kPortA).device(), "tap0");
}

TEST_F(SessionMigrationTest, LateNewsAfterTheEndIsNoOffence) {
  const std::string id = Prepare();
  SettleAll();
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  h2_.SendEvent(v1::PortEvent::KIND_ACTIVATED, kPortA, 2);
  EXPECT_THAT(log_.text(), Not(HasSubstr("audit: refused")));
  h3_.SendEvent(v1::PortEvent::KIND_ACTIVATED, kPortA, 2);
  EXPECT_THAT(log_.text(), HasSubstr("audit: refused: event of port"));
}

TEST_F(SessionMigrationTest, ADestinationThatReconnectsDuringTheMoveKeepsThePort) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendReceipt(kPortA);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  executor_->RunAll();
  // h2 has no device yet: its Hello must not release the port that just moved there.
  h2_.Leave();
  Join(&h2_);
  h2_.Settle();
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
}

TEST_F(SessionMigrationTest, TheSourcesLateNewsIsNoOffence) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendReceipt(kPortA);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  executor_->RunAll();
  v1::AgentMessage message;
  message.mutable_receipt()->set_port_id(kPortA);
  message.mutable_receipt()->set_epoch(1);
  h1_.Send(message);
  EXPECT_THAT(log_.text(), Not(HasSubstr("audit: refused")));
}

TEST_F(SessionMigrationTest, AnAttachmentRefusedBeforePrepareIsExpectedAfterIt) {
  h2_.SendAttached(Attachment(kPortA, kMacA));
  EXPECT_TRUE(h2_.TakeAll().at(0).has_refused());
  const std::string id = Prepare();
  SettleAll();
  EXPECT_EQ(h2_.Port(kPortA)->phase(), v1::PORT_PHASE_ARMED);
  bool attached = false;
  const v1::Migration migration = Get(id);
  for (const v1::MigrationEvent& event : migration.timeline()) {
    attached = attached || (event.kind() == "attached" && event.host() == "h2");
  }
  EXPECT_TRUE(attached);
}

TEST_F(SessionMigrationTest, TheHostThatHoldsThePortCounts) {
  const std::string id = Prepare();
  SettleAll();
  h2_.SendReceipt(kPortA);
  v1::AgentMessage seven, one;
  seven.mutable_counters()->add_ports()->set_port_id(kPortA);
  one = seven;
  seven.mutable_counters()->mutable_ports(0)->set_rx_packets(7);
  one.mutable_counters()->mutable_ports(0)->set_rx_packets(1);
  h1_.Send(seven);
  h2_.Send(one);
  EXPECT_EQ(hub_->counters().Get(kPortA)->rx_packets(), 7u);
  ASSERT_TRUE(driver_->Switchover(id, 0).ok());
  executor_->RunAll();
  h2_.Send(one);
  h1_.Send(seven);
  EXPECT_EQ(hub_->counters().Get(kPortA)->rx_packets(), 1u);
  EXPECT_EQ(hub_->counters().Get(kPortA)->host(), "h2");
}

TEST_F(SessionMigrationTest, AbortTakesTheArmedPortAwayAgain) {
  const std::string id = Prepare();
  SettleAll();
  ASSERT_TRUE(driver_->Abort(id, "changed my mind").ok());
  executor_->RunAll();
  SettleAll();
  EXPECT_EQ(h2_.Port(kPortA), nullptr);
  EXPECT_EQ(h1_.Port(kPortA)->phase(), v1::PORT_PHASE_ACTIVE);
}

}  // namespace
}  // namespace outrider::controller
