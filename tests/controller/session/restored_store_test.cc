// Agents that know more than the controller: its store was restored from a backup, or they lie.
#include <gmock/gmock.h>

#include "tests/controller/session/session_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class RestoredStoreTest : public SessionFixture {
 protected:
  void SetMtu(uint32_t mtu) {
    v1::Segment segment = repository_->Get<v1::Segment>("blue").value();
    segment.set_mtu(mtu);
    ASSERT_TRUE(UpdateObject(repository_.get(), segment).ok());
    executor_->RunAll();
  }

  // h1 has a port; then history goes on, h1 follows, and is lost.
  void LoseHistory(FakeAgent* h1) {
    *h1->hello().add_attachments() = Attachment(kPortA, kMacA);
    Join(h1);
    h1->Settle();
    const MemoryStore::Backup backup = store_.MakeBackup();
    for (const uint32_t mtu : {1300, 1200}) {
      SetMtu(mtu);
      h1->Settle();
    }
    store_.Restore(backup);
    Restart();
    ASSERT_GT(h1->generation(), repository_->revision());
  }
};

TEST_F(RestoredStoreTest, AnAgentOfTheLostFutureTakesTheOlderState) {
  FakeAgent h1("h1", "one");
  LoseHistory(&h1);
  Join(&h1);
  const auto taken = h1.Settle();
  ASSERT_THAT(taken, SizeIs(2));
  // As of another store: an agent refuses to go back within one.
  EXPECT_NE(taken[0].welcome().store_id(), store_.store_id());
  EXPECT_FALSE(taken[0].welcome().store_id().empty());
  EXPECT_EQ(taken[1].snapshot().generation(), repository_->revision());
  EXPECT_EQ(h1.state().segments(0).mtu(), 1450u);
  EXPECT_THAT(log_.text(), HasSubstr("audit: host \"h1\" holds generation "));
  // The session is whole.
  SetMtu(1100);
  EXPECT_THAT(h1.Settle(), SizeIs(1));
  EXPECT_EQ(h1.state().segments(0).mtu(), 1100u);
  EXPECT_FALSE(h1.stream().closed.has_value());
}

TEST_F(RestoredStoreTest, TheNextSessionIsUnderTheStoresOwnIdAndThenResumes) {
  FakeAgent h1("h1", "one");
  LoseHistory(&h1);
  for (int session = 0; session < 3; ++session) {
    Join(&h1);
    const auto taken = h1.Settle();
    h1.Leave();
    ASSERT_FALSE(taken.empty());
    EXPECT_EQ(taken[0].welcome().store_id() == store_.store_id(), session > 0) << session;
    EXPECT_EQ(taken[0].welcome().resume(), session == 2) << session;
  }
}

TEST_F(RestoredStoreTest, AHostThatLiesTouchesNobodyElse) {
  FakeAgent h1("h1", "one"), h2("h2", "two");
  *h1.hello().add_attachments() = Attachment(kPortA, kMacA);
  Join(&h1);
  h1.Settle();
  h1.Leave();
  const std::string store_id = store_.store_id();
  const uint64_t revision = repository_->revision();
  h2.Connect(hub_.get(), executor_);
  v1::AgentMessage message;
  *message.mutable_hello() = h2.hello();
  message.mutable_hello()->set_store_id(store_id);
  message.mutable_hello()->set_generation(UINT64_MAX);
  h2.Send(message);
  EXPECT_NE(h2.TakeAll()[0].welcome().store_id(), store_id);
  // Its report of itself is the one commit.
  EXPECT_LE(repository_->revision(), revision + 1);
  Join(&h1);
  const auto taken = h1.TakeAll();
  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_TRUE(taken[0].welcome().resume());
}

}  // namespace
}  // namespace outrider::controller
