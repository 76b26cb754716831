// Multicast groups between hosts: what one says reaches the others of the segment, at no cost to
// anybody else, and outlives its session for a while.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/controller/session/session_fixture.h"

namespace outrider::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class SessionMulticastTest : public SessionFixture {
 protected:
  void SetUp() override {
    SessionFixture::SetUp();
    v1::Segment segment = repository_->Get<v1::Segment>("blue").value();
    segment.set_multicast(v1::Segment::MULTICAST_SNOOP);
    EXPECT_TRUE(UpdateObject(repository_.get(), segment).ok());
    vni_ = segment.vni();
    *h1_.hello().add_attachments() = Attachment(kPortA, kMacA);
    *h2_.hello().add_attachments() = Attachment(kPortB, kMacB);
    for (FakeAgent* agent : {&h1_, &h2_, &h3_}) {
      Join(agent);
      agent->Settle();
      Say(agent, {});
    }
    h1_.Settle();
    h2_.Settle();
    Later();
  }
  // Whoever was told a moment ago may be told again.
  void Later() {
    clock_.AdvanceUs(kMulticastPeriodUs);
    Tick();
  }

  void Tick() {
    hub_->OnTick();
    executor_->RunAll();
  }

  void Say(FakeAgent* agent, const std::vector<std::string>& groups) {
    v1::AgentMessage message;
    message.mutable_multicast();
    for (const std::string& group : groups) {
      auto* membership = message.mutable_multicast()->add_memberships();
      membership->set_vni(vni_);
      membership->set_group(group);
    }
    agent->Send(message);
  }

  uint32_t vni_ = 0;
  FakeAgent h1_{"h1", "one"};
  FakeAgent h2_{"h2", "two"};
  FakeAgent h3_{"h3", "three"};
};

TEST_F(SessionMulticastTest, ReachesTheSegmentsOtherHostsOnly) {
  Say(&h2_, {"239.1.2.3"});
  ASSERT_THAT(h1_.Settle(), SizeIs(1));
  ASSERT_THAT(h1_.state().multicast_groups(), SizeIs(1));
  EXPECT_EQ(h1_.state().multicast_groups(0).group(), "239.1.2.3");
  EXPECT_EQ(h1_.state().multicast_groups(0).vteps(0), "10.0.2.1");
  EXPECT_THAT(h2_.Settle(), IsEmpty());
  EXPECT_THAT(h3_.Settle(), IsEmpty());
  Later();
  Say(&h2_, {"239.1.2.3"});
  EXPECT_THAT(h1_.Settle(), IsEmpty()) << "nothing new";
  Say(&h2_, {});
  EXPECT_THAT(h1_.Settle(), SizeIs(1));
  EXPECT_THAT(h1_.state().multicast_groups(), IsEmpty());
}

TEST_F(SessionMulticastTest, OutlivesTheSessionForAWhile) {
  Say(&h2_, {"239.1.2.3"});
  h1_.Settle();
  h2_.Leave();
  clock_.AdvanceUs(kMulticastGraceUs - 1);
  Tick();
  EXPECT_THAT(h1_.state().multicast_groups(), SizeIs(1));
  EXPECT_THAT(h1_.Settle(), IsEmpty());
  clock_.AdvanceUs(1);
  Tick();
  h1_.Settle();
  ASSERT_THAT(h1_.state().multicast_groups(), SizeIs(1));
  EXPECT_EQ(h1_.state().multicast_groups(0).group(), "") << "what it wants is not known: all";
}

// Its guests' frames went to h2 before the restart, and do until h2 has said what it wants.
TEST_F(SessionMulticastTest, NobodyLosesGroupsWhenTheControllerRestarts) {
  Say(&h2_, {"239.1.2.3"});
  h1_.Settle();
  Restart();
  Join(&h1_);
  h1_.Settle();
  ASSERT_THAT(h1_.state().multicast_groups(), SizeIs(1));
  EXPECT_EQ(h1_.state().multicast_groups(0).group(), "");
  EXPECT_EQ(h1_.state().multicast_groups(0).vteps(0), "10.0.2.1");
  Join(&h2_);
  h2_.Settle();
  h1_.Settle();
  Say(&h2_, {"239.1.2.3"});
  h1_.Settle();
  ASSERT_THAT(h1_.state().multicast_groups(), SizeIs(1));
  EXPECT_EQ(h1_.state().multicast_groups(0).group(), "239.1.2.3");
}

TEST_F(SessionMulticastTest, AGuestThatJoinsAndLeavesIsToldOfOnceASecond) {
  size_t told = 0;
  for (int change = 0; change < 20; ++change) {
    Say(&h2_, {fmt::format("239.0.0.{}", change)});
    told += h1_.Settle().size();
    clock_.AdvanceUs(kMulticastPeriodUs / 10);
  }
  EXPECT_EQ(told, 2u);
  Later();
  EXPECT_THAT(h1_.Settle(), SizeIs(1));
  ASSERT_THAT(h1_.state().multicast_groups(), SizeIs(1));
  EXPECT_EQ(h1_.state().multicast_groups(0).group(), "239.0.0.19") << "the newest";
}

TEST_F(SessionMulticastTest, OfAHostThatIsBackStays) {
  Say(&h2_, {"239.1.2.3"});
  h1_.Settle();
  h2_.Leave();
  Join(&h2_);
  h2_.Settle();
  Say(&h2_, {"239.1.2.3"});
  clock_.AdvanceUs(kMulticastGraceUs);
  Tick();
  EXPECT_THAT(h1_.Settle(), IsEmpty());
  EXPECT_THAT(h1_.state().multicast_groups(), SizeIs(1));
}

TEST_F(SessionMulticastTest, NonsenseEndsTheSession) {
  Say(&h2_, {"10.0.0.1"});
  ASSERT_TRUE(h2_.stream().closed.has_value());
  EXPECT_EQ(h2_.stream().closed->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(h2_.stream().closed->message()), HasSubstr("\"10.0.0.1\""));
}

}  // namespace
}  // namespace outrider::controller
