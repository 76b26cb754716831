// A device attached on a second host, as the sessions see it: the move it begins, who is refused,
// and what comes back with a connection that says no more than before.
#include <gmock/gmock.h>

#include "tests/controller/session/session_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;

// Port A on h1 in segment blue; h2 and h3 are empty.
class SessionClaimTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    *h1_.hello().add_attachments() = Attachment(kPortA, kMacA);
    for (FakeAgent* agent : {&h1_, &h2_, &h3_}) {
      Join(agent);
      agent->Settle();
    }
    SettleAll();
    h1_.SendReceipt(kPortA);
  }

  void SettleAll() {
    for (FakeAgent* agent : {&h1_, &h2_, &h3_}) agent->Settle();
  }
  static v1::PortAttachment Claim() {
    v1::PortAttachment claim = Attachment(kPortA, kMacA);
    claim.set_claim(true);
    return claim;
  }
  // As an agent that connects and has, or has no longer, the device.
  void JoinWith(FakeAgent* agent, const std::vector<v1::PortAttachment>& attachments) {
    agent->hello().clear_attachments();
    for (const auto& attachment : attachments) *agent->hello().add_attachments() = attachment;
    Join(agent);
  }
  // The claim of h2, armed.
  std::string Arrive() {
    h2_.SendAttached(Claim());
    SettleAll();
    h2_.SendReceipt(kPortA);
    SettleAll();
    return Running().empty() ? "" : *Running().begin();
  }
  // h2 holds the port, the device at h1 is still there.
  std::string Move() {
    const std::string id = Arrive();
    h2_.SendEvent(v1::PortEvent::KIND_ACTIVATED, kPortA, 2);
    h2_.SendEvent(v1::PortEvent::KIND_FIRST_FRAME, kPortA, 2);
    SettleAll();
    Drain();
    EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_COMMITTED);
    EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
    return id;
  }
  // What the host was refused last; empty when nothing.
  static std::string Refusal(FakeAgent* agent) {
    std::string reason;
    for (const auto& message : agent->TakeAll()) {
      if (message.has_refused()) reason = message.refused().reason();
    }
    return reason;
  }
  NameSet Running() {
    return repository_->Read(
        [](const Model& model) { return model.index().running_migrations.Get(Index::kAll); });
  }
  // Finished ones, too.
  size_t Migrations() {
    return repository_->Read([](const Model& model) { return model.All<v1::Migration>().size(); });
  }
  v1::Migration Get(const std::string& id) { return repository_->Get<v1::Migration>(id).value(); }

  FakeAgent h1_{"h1", "one"};
  FakeAgent h2_{"h2", "two"};
  FakeAgent h3_{"h3", "three"};
};

TEST_F(SessionClaimTest, ADeviceOnASecondHostArmsThePortThere) {
  const std::string id = Arrive();
  ASSERT_NE(id, "");
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_ARMED);
  EXPECT_EQ(h2_.Port(kPortA)->phase(), v1::PORT_PHASE_ARMED);
  EXPECT_EQ(h1_.Port(kPortA)->phase(), v1::PORT_PHASE_ACTIVE);
  ASSERT_EQ(h1_.state().departures_size(), 1);
  EXPECT_EQ(h1_.state().departures(0).migration_id(), id);
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1") << "nothing moves by a claim";
  EXPECT_THAT(log_.text(), HasSubstr("migration \"" + id + "\" of port \"" + kPortA +
                                     "\" to host \"h2\", which attached it"));
}

TEST_F(SessionClaimTest, AClaimMadeWhileNobodyListenedCounts) {
  h2_.Leave();
  JoinWith(&h2_, {Claim()});
  EXPECT_EQ(Running().size(), 1u);
  // And again, before the agent has taken the answer in.
  JoinWith(&h2_, {Claim()});
  EXPECT_EQ(Migrations(), 1u);
}

TEST_F(SessionClaimTest, AControllerThatWasKilledGoesOn) {
  const std::string id = Arrive();
  Restart();
  for (FakeAgent* agent : {&h1_, &h3_}) Join(agent);
  JoinWith(&h2_, {Claim()});
  SettleAll();
  EXPECT_EQ(Migrations(), 1u);
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_ARMED);
  h2_.SendEvent(v1::PortEvent::KIND_FIRST_FRAME, kPortA, 2);
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
}

// Killed right after the record was written: nothing has heard of the device since.
TEST_F(SessionClaimTest, ADeviceThatGoesWhileTheControllerIsAwayAborts) {
  ASSERT_TRUE(driver_->OnClaim("h2", Claim(), 1).ok());
  const std::string id = *Running().begin();
  Restart();
  JoinWith(&h2_, {});
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
}

// Its agent restarts between the guest's leaving and the removal of its device.
TEST_F(SessionClaimTest, WhatIsLeftAtTheSourceTakesNothingBack) {
  Move();
  JoinWith(&h1_, {Attachment(kPortA, kMacA)});
  EXPECT_THAT(Refusal(&h1_), HasSubstr("is on host \"h2\""));
  EXPECT_EQ(Migrations(), 1u);
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
}

TEST_F(SessionClaimTest, TheWayBackIsAMigrationLikeAnyOther) {
  Move();
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  h2_.SendReceipt(kPortA);
  JoinWith(&h2_, {Attachment(kPortA, kMacA)});
  SettleAll();
  h1_.SendAttached(Claim());
  ASSERT_EQ(Running().size(), 1u);
  EXPECT_EQ(Get(*Running().begin()).destination(), "h1");
  EXPECT_EQ(Get(*Running().begin()).source_epochs().at(kPortA), 2u);
}

TEST_F(SessionClaimTest, AThirdHostIsRefusedAndStaysSoWhenTheMigrationEnds) {
  const std::string id = Arrive();
  h3_.SendAttached(Claim());
  EXPECT_THAT(Refusal(&h3_), HasSubstr("is being moved by migration \"" + id + "\""));
  h2_.SendEvent(v1::PortEvent::KIND_FIRST_FRAME, kPortA, 2);
  SettleAll();
  executor_->RunAll();
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
  EXPECT_EQ(Migrations(), 1u) << "an old claim is no new intent";
}

TEST_F(SessionClaimTest, ARefusedClaimThatIsMadeAgainIsAnsweredAgain) {
  v1::PortAttachment foreign = Claim();
  foreign.set_mac(kMacB);
  for (int attempt = 0; attempt < 2; ++attempt) {
    h2_.SendAttached(foreign);
    EXPECT_THAT(Refusal(&h2_), HasSubstr("but the device was attached with mac")) << attempt;
  }
  h2_.SendAttached(Claim());
  EXPECT_EQ(Running().size(), 1u);
}

TEST_F(SessionClaimTest, DetachedAtTheDestinationTheSourceGoesOnUndisturbed) {
  const std::string id = Arrive();
  const uint64_t generation = h1_.generation();
  h2_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  SettleAll();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(GetPort(kPortA).location().epoch(), 1u);
  EXPECT_EQ(h1_.Port(kPortA)->phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(h1_.Port(kPortA)->epoch(), 1u);
  EXPECT_EQ(h1_.state().departures_size(), 0);
  EXPECT_GT(h1_.generation(), generation);
  EXPECT_EQ(h2_.Port(kPortA), nullptr);
  EXPECT_EQ(Refusal(&h2_), "");
  EXPECT_NE(Arrive(), "") << "a second attempt works at once";
}

TEST_F(SessionClaimTest, ADestinationThatKeepsItsDeviceIsToldThatTheMigrationWasAborted) {
  const std::string id = Arrive();
  ASSERT_TRUE(driver_->Abort(id, "").ok());
  executor_->RunAll();
  EXPECT_THAT(Refusal(&h2_), HasSubstr("is on host \"h1\""));
  EXPECT_EQ(Migrations(), 1u);
  h2_.SendAttached(Claim());
  EXPECT_EQ(Running().size(), 1u);
}

// The source's hypervisor is done with the guest: also a trigger, or, before the destination is
// ready, the end of a migration that needs none.
TEST_F(SessionClaimTest, ASourceThatDetachesHandsThePortOver) {
  const std::string id = Arrive();
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  SettleAll();
  Drain();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_COMMITTED) << "nobody to give it back to";
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
  EXPECT_EQ(GetPort(kPortA).location().epoch(), 2u);
}

TEST_F(SessionClaimTest, ASourceThatDetachesTooEarlyLeavesThePortToWhoeverHasADevice) {
  h2_.SendAttached(Claim());
  const std::string id = *Running().begin();
  h1_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  SettleAll();
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_ABORTED);
  EXPECT_EQ(GetPort(kPortA).location().host(), "h2");
  EXPECT_EQ(h2_.Port(kPortA)->phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(Refusal(&h2_), "");
}

// A guest plugged without the name of a profile.
TEST_F(SessionClaimTest, WhatIsToBeKnownOnlyMakesNoPort) {
  v1::PortAttachment plain = Attachment(kPortB, kMacB);
  plain.set_known_only(true);
  plain.set_claim(true);
  h2_.SendAttached(plain);
  const auto told = h2_.TakeAll();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].refused().reason(), std::string("port ") + kPortB + " is not known");
  EXPECT_TRUE(told[0].refused().unknown());
  EXPECT_FALSE(repository_->Get<v1::Port>(kPortB).ok());
}

TEST_F(SessionClaimTest, WhatIsToBeKnownOnlyAndIsMoves) {
  v1::PortAttachment known = Claim();
  known.set_known_only(true);
  h2_.SendAttached(known);
  SettleAll();
  EXPECT_EQ(Refusal(&h2_), "");
  EXPECT_EQ(Running().size(), 1u);
}

TEST_F(SessionClaimTest, PortDataIsWhatTheTimelineNames) {
  const std::string id = Arrive();
  v1::AgentMessage message;
  v1::PortEvent* event = message.mutable_port_event();
  event->set_kind(v1::PortEvent::KIND_ACTIVATED);
  event->set_port_id(kPortA);
  event->set_epoch(2);
  event->set_trigger("port-data");
  h2_.Send(message);
  EXPECT_EQ(Get(id).phase(), v1::MIGRATION_PHASE_SWITCHING);
  EXPECT_THAT(Get(id).timeline().rbegin()->detail(), HasSubstr("port-data"));
  // The guest never ran there, and its source was resumed.
  h2_.SendEvent(v1::PortEvent::KIND_DETACHED, kPortA);
  SettleAll();
  EXPECT_EQ(GetPort(kPortA).location().host(), "h1");
  EXPECT_EQ(h1_.Port(kPortA)->phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(h1_.Port(kPortA)->epoch(), 3u);
}

}  // namespace
}  // namespace outrider::controller
