// What connected hosts are sent: snapshots, deltas, only what concerns them, never more than they
// take; and how a session goes on after a break.
#include <gmock/gmock.h>

#include "tests/controller/session/session_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using SessionHubTest = SessionFixture;

void SetSegmentMtu(Repository* repository, uint32_t mtu) {
  v1::Segment segment = repository->Get<v1::Segment>("blue").value();
  segment.set_mtu(mtu);
  ASSERT_TRUE(UpdateObject(repository, segment).ok());
}

TEST_F(SessionHubTest, ANewAgentGetsWelcomeAndSnapshot) {
  FakeAgent h1("h1", "one");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  Join(&h1);
  const auto taken = h1.TakeAll();
  ASSERT_THAT(taken, SizeIs(2));
  EXPECT_EQ(taken[0].welcome().store_id(), store_.store_id());
  EXPECT_FALSE(taken[0].welcome().resume());
  EXPECT_EQ(taken[0].welcome().counters_interval_s(), kCountersIntervalS);
  EXPECT_EQ(taken[1].snapshot().generation(), repository_->revision());
  ASSERT_NE(h1.Port(kPortA), nullptr);
  EXPECT_EQ(h1.Port(kPortA)->phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(hub_->stats().snapshots, 1u);
}

TEST_F(SessionHubTest, AChangeReachesTheHostsItConcernsAndNoOther) {
  FakeAgent h1("h1", "one"), h2("h2", "two"), h3("h3", "three");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  for (FakeAgent* agent : {&h1, &h2, &h3}) {
    Join(agent);
    agent->Settle();
  }
  const uint64_t before = h1.generation();
  h2.SendAttached(Attachment(kPortB, kMacB));
  const auto at_h1 = h1.Settle();
  ASSERT_THAT(at_h1, SizeIs(1));
  EXPECT_EQ(at_h1[0].delta().from_generation(), before);
  EXPECT_EQ(h1.VtepOf(kMacB), "10.0.2.1");
  EXPECT_THAT(h2.Settle(), SizeIs(1));
  EXPECT_EQ(h2.VtepOf(kMacA), "10.0.1.1");
  EXPECT_THAT(h3.TakeAll(), IsEmpty());
  EXPECT_EQ(GetHost("h1").applied_generation(), h1.generation());
  EXPECT_EQ(GetHost("h1").desired_generation(), h1.generation());
}

TEST_F(SessionHubTest, ManyChangesBecomeOneDeltaForASlowAgent) {
  FakeAgent h1("h1", "one");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  Join(&h1);
  h1.Settle();
  // The first delta is under way and not taken; the hundred after it are none yet.
  SetSegmentMtu(repository_.get(), 1000);
  executor_->RunAll();
  const size_t written = h1.stream().written.size();
  for (uint32_t mtu = 1001; mtu <= 1100; ++mtu) {
    SetSegmentMtu(repository_.get(), mtu);
    executor_->RunAll();
  }
  EXPECT_EQ(h1.stream().written.size(), written);
  EXPECT_THAT(h1.TakeAll(), SizeIs(2));
  ASSERT_EQ(h1.state().segments_size(), 1);
  EXPECT_EQ(h1.state().segments(0).mtu(), 1100u);
  EXPECT_EQ(h1.generation(), repository_->revision());
}

TEST_F(SessionHubTest, AnAgentThatHoldsThePresentStateResumes) {
  FakeAgent h1("h1", "one");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  Join(&h1);
  h1.Settle();
  h1.Leave();
  // Another revision that is none of its business.
  PutHost("h4");
  Join(&h1);
  const auto taken = h1.TakeAll();
  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_TRUE(taken[0].welcome().resume());
  EXPECT_EQ(hub_->stats().resumed, 1u);
  EXPECT_EQ(GetHost("h1").applied_generation(), h1.generation());
}

TEST_F(SessionHubTest, AnAgentResumesAfterARestartOfTheController) {
  FakeAgent h1("h1", "one"), h2("h2", "two");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  *h2.hello().add_attachments() = Attachment(kPortB, kMacB);
  for (FakeAgent* agent : {&h1, &h2, &h1}) {
    Join(agent);
    agent->Settle();
  }
  Restart();
  for (FakeAgent* agent : {&h1, &h2}) {
    Join(agent);
    const auto taken = agent->TakeAll();
    ASSERT_THAT(taken, SizeIs(1));
    EXPECT_TRUE(taken[0].welcome().resume());
  }
  EXPECT_EQ(hub_->stats().resumed, 2u);
  EXPECT_EQ(hub_->stats().snapshots, 0u);
  // And goes on with deltas.
  SetSegmentMtu(repository_.get(), 1300);
  executor_->RunAll();
  EXPECT_TRUE(h1.TakeAll().at(0).has_delta());
  EXPECT_EQ(h1.state().segments(0).mtu(), 1300u);
}

TEST_F(SessionHubTest, AnAgentThatMissedChangesGetsThemAsADelta) {
  FakeAgent h1("h1", "one");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  Join(&h1);
  h1.Settle();
  h1.Leave();
  SetSegmentMtu(repository_.get(), 1300);
  Join(&h1);
  const auto taken = h1.TakeAll();
  ASSERT_THAT(taken, SizeIs(2));
  EXPECT_TRUE(taken[0].welcome().resume());
  EXPECT_TRUE(taken[1].has_delta());
  EXPECT_EQ(h1.state().segments(0).mtu(), 1300u);
}

TEST_F(SessionHubTest, AnAgentOfAnotherStoreStartsOver) {
  FakeAgent h1("h1", "one");
  Join(&h1);
  h1.Settle();
  h1.Leave();
  MemoryStore other;
  const auto repository = Repository::Create(&other, &clock_).value();
  const auto put = [](const Model&, Transaction* transaction) {
    v1::Host host;
    host.mutable_meta()->set_name("h1");
    transaction->Put(host);
    return absl::OkStatus();
  };
  ASSERT_TRUE(repository->Transact(put).ok());
  MigrationDriver driver(repository.get(), &clock_);
  auto executor = std::make_unique<ManualExecutor>();
  ManualExecutor* const runs = executor.get();
  SessionHub hub(repository.get(), &driver, &clock_, std::move(executor));
  h1.Join(&hub, runs);
  const auto taken = h1.TakeAll();
  ASSERT_THAT(taken, SizeIs(2));
  EXPECT_FALSE(taken[0].welcome().resume());
  EXPECT_TRUE(taken[1].has_snapshot());
}

TEST_F(SessionHubTest, StatusWritesPushNothing) {
  FakeAgent h1("h1", "one"), h2("h2", "two");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  *h2.hello().add_attachments() = Attachment(kPortB, kMacB);
  for (FakeAgent* agent : {&h1, &h2}) {
    Join(agent);
    agent->Settle();
  }
  h1.Settle();
  const size_t written1 = h1.stream().written.size();
  const size_t written2 = h2.stream().written.size();
  h1.SendReceipt(kPortA);
  EXPECT_EQ(GetPort(kPortA).receipt().digest(), v1::PortDigest(*h1.Port(kPortA)));
  EXPECT_EQ(GetPort(kPortA).phase(), v1::PORT_PHASE_ACTIVE);
  const uint64_t commits = store_.commits();
  h1.SendReceipt(kPortA);
  h1.Ack(h1.generation());
  EXPECT_EQ(store_.commits(), commits);
  EXPECT_EQ(h1.stream().written.size(), written1);
  EXPECT_EQ(h2.stream().written.size(), written2);
}

TEST_F(SessionHubTest, AnAckOfTheFutureEndsTheSession) {
  FakeAgent h1("h1", "one");
  Join(&h1);
  h1.TakeAll();
  h1.Ack(h1.generation() + 1);
  ASSERT_TRUE(h1.stream().closed.has_value());
  EXPECT_EQ(h1.stream().closed->code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SessionHubTest, AHostThatOwesAnAcknowledgementIsSeenToLag) {
  FakeAgent h1("h1", "one");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  Join(&h1);
  h1.Settle();
  const uint64_t applied = h1.generation();
  SetSegmentMtu(repository_.get(), 1300);
  executor_->RunAll();
  EXPECT_EQ(GetHost("h1").applied_generation(), applied);
  EXPECT_EQ(GetHost("h1").desired_generation(), repository_->revision());
}

TEST_F(SessionHubTest, AFailingStoreIsNotTheAgentsFault) {
  FakeAgent h1("h1", "one");
  Join(&h1);
  h1.Settle();
  store_.RefuseCommits(absl::ResourceExhaustedError("disk full"));
  h1.SendAttached(Attachment(kPortA, kMacA));
  ASSERT_TRUE(h1.stream().closed.has_value());
  EXPECT_EQ(h1.stream().closed->code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(*h1.stream().closed), HasSubstr("disk full"));
}

TEST_F(SessionHubTest, FailuresOfAPortAreShownUntilTheyAreGone) {
  FakeAgent h1("h1", "one");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  Join(&h1);
  h1.Settle();
  v1::AgentMessage message;
  message.mutable_ack()->set_generation(h1.generation());
  v1::ObjectFailure* failure = message.mutable_ack()->add_failures();
  failure->set_kind("port");
  failure->set_key(kPortA);
  failure->set_message("device tap0 is gone");
  h1.Send(message);
  EXPECT_EQ(GetPort(kPortA).problem(), "device tap0 is gone");
  h1.Ack(h1.generation());
  EXPECT_EQ(GetPort(kPortA).problem(), "");
}

}  // namespace
}  // namespace outrider::controller
