// Where a session goes on from, what it sends next, and what it knows to be in force.
#include "controller/session/state_feed.h"

#include <gtest/gtest.h>

#include "proto/digest.h"

namespace outrider::controller {
namespace {

using Start = StateFeed::Start;

constexpr char kStore[] = "store-1";

// A state with ports p1..pN.
GenerationState State(uint64_t generation, int ports) {
  v1::HostState state;
  for (int i = 1; i <= ports; ++i) state.add_ports()->set_id("p" + std::to_string(i));
  return {generation, std::make_shared<const v1::HostState>(state)};
}

v1::Hello HelloWith(const GenerationState& held, const std::string& store = kStore) {
  v1::Hello hello;
  hello.set_store_id(store);
  hello.set_generation(held.generation);
  hello.set_state_digest(v1::HostStateDigest(*held.state));
  return hello;
}

TEST(StateFeedTest, AnAgentWithNothingGetsASnapshotThenDeltas) {
  StateFeed feed;
  EXPECT_EQ(feed.Begin(v1::Hello(), kStore, State(5, 1), {}), Start::kSnapshot);
  const auto snapshot = feed.Next(State(5, 1));
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_EQ(snapshot->snapshot().generation(), 5u);
  EXPECT_EQ(snapshot->snapshot().state().ports_size(), 1);
  const auto delta = feed.Next(State(7, 2));
  ASSERT_TRUE(delta.has_value());
  EXPECT_EQ(delta->delta().from_generation(), 5u);
  EXPECT_EQ(delta->delta().to_generation(), 7u);
  ASSERT_EQ(delta->delta().delta().upserts().ports_size(), 1);
  EXPECT_EQ(delta->delta().delta().upserts().ports(0).id(), "p2");
}

// A member of a group is sent by itself, not with its group or the rules that name it.
TEST(StateFeedTest, MembersOfGroupsAreSentOneByOne) {
  const auto with_members = [](uint64_t generation, const std::vector<std::string>& prefixes) {
    v1::HostState state;
    state.add_rule_sets()->set_digest("d");
    for (const std::string& prefix : prefixes) {
      v1::GroupMember* member = state.add_group_members();
      member->set_group("address/g");
      member->set_prefix(prefix);
    }
    return GenerationState{generation, std::make_shared<const v1::HostState>(state)};
  };
  StateFeed feed;
  feed.Begin(v1::Hello(), kStore, with_members(1, {"10.0.0.1/32", "10.0.0.2/32"}), {});
  feed.Next(with_members(1, {"10.0.0.1/32", "10.0.0.2/32"}));
  const auto message = feed.Next(with_members(2, {"10.0.0.2/32", "10.0.0.3/32"}));
  ASSERT_TRUE(message.has_value());
  const v1::HostStateDelta& delta = message->delta().delta();
  EXPECT_EQ(delta.upserts().rule_sets_size(), 0);
  ASSERT_EQ(delta.upserts().group_members_size(), 1);
  EXPECT_EQ(delta.upserts().group_members(0).prefix(), "10.0.0.3/32");
  ASSERT_EQ(delta.deletes().group_members_size(), 1);
  EXPECT_EQ(delta.deletes().group_members(0).prefix(), "10.0.0.1/32");
}

TEST(StateFeedTest, NothingIsSentWhenNothingChanged) {
  StateFeed feed;
  feed.Begin(v1::Hello(), kStore, State(5, 1), {});
  feed.Next(State(5, 1));
  EXPECT_FALSE(feed.Next(State(9, 1)).has_value());
  EXPECT_EQ(feed.sent().generation, 5u);
}

TEST(StateFeedTest, ResumesWhenTheDigestIsThePresentOne) {
  StateFeed feed;
  EXPECT_EQ(feed.Begin(HelloWith(State(5, 1)), kStore, State(9, 1), {}), Start::kResume);
  EXPECT_FALSE(feed.Next(State(9, 1)).has_value());
  // It has the state of revision 9 in force though it calls it 5.
  EXPECT_EQ(feed.TakeCovered(), 9u);
  const auto delta = feed.Next(State(10, 2));
  EXPECT_EQ(delta->delta().from_generation(), 5u);
}

TEST(StateFeedTest, GoesOnFromWhatWasSentLast) {
  StateFeed feed;
  EXPECT_EQ(feed.Begin(HelloWith(State(5, 1)), kStore, State(9, 3), State(5, 1)), Start::kResume);
  EXPECT_EQ(feed.TakeCovered(), 5u);
  const auto delta = feed.Next(State(9, 3));
  EXPECT_EQ(delta->delta().from_generation(), 5u);
  EXPECT_EQ(delta->delta().delta().upserts().ports_size(), 2);
}

TEST(StateFeedTest, StartsOverWhenTheAgentHoldsSomethingElse) {
  const GenerationState now = State(9, 1);
  StateFeed feed;
  // Another store (also from its future), another content, another generation than kept.
  for (const auto& [hello, kept] :
       {std::pair(HelloWith(State(5, 1), "store-2"), State(5, 1)),
        std::pair(HelloWith(State(10, 1), "store-2"), GenerationState()),
        std::pair(HelloWith(State(5, 2)), State(5, 3)),
        std::pair(HelloWith(State(5, 2)), State(4, 2))}) {
    EXPECT_EQ(feed.Begin(hello, kStore, now, kept), Start::kSnapshot);
  }
  EXPECT_TRUE(feed.Next(now)->has_snapshot());
}

TEST(StateFeedTest, AGenerationThatHasNotBeenMeansLostHistory) {
  StateFeed feed;
  // Even with the content of now: the agent would refuse an older generation of the same store.
  EXPECT_EQ(feed.Begin(HelloWith(State(10, 1)), kStore, State(9, 1), State(10, 1)),
            Start::kLostHistory);
  const auto message = feed.Next(State(9, 1));
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->snapshot().generation(), 9u);
}

TEST(StateFeedTest, AnAckCoversLaterRevisionsThatDoNotTouchTheHost) {
  StateFeed feed;
  feed.Begin(v1::Hello(), kStore, State(5, 1), {});
  feed.Next(State(5, 1));
  EXPECT_FALSE(feed.TakeCovered().has_value());
  feed.Next(State(8, 1));
  ASSERT_TRUE(feed.OnAck(5).ok());
  EXPECT_EQ(feed.TakeCovered(), 8u);
  EXPECT_FALSE(feed.TakeCovered().has_value());
  feed.Next(State(11, 1));
  EXPECT_EQ(feed.TakeCovered(), 11u);
}

TEST(StateFeedTest, AnOlderAckCoversOnlyItsOwnGeneration) {
  StateFeed feed;
  feed.Begin(v1::Hello(), kStore, State(5, 1), {});
  feed.Next(State(5, 1));
  feed.Next(State(8, 2));
  ASSERT_TRUE(feed.OnAck(5).ok());
  EXPECT_EQ(feed.TakeCovered(), 5u);
  ASSERT_TRUE(feed.OnAck(8).ok());
  EXPECT_EQ(feed.TakeCovered(), 8u);
  ASSERT_TRUE(feed.OnAck(5).ok());
  EXPECT_EQ(feed.acked(), 8u);
  EXPECT_FALSE(feed.TakeCovered().has_value());
}

TEST(StateFeedTest, AnAckOfWhatWasNeverSentIsAnError) {
  StateFeed feed;
  feed.Begin(v1::Hello(), kStore, State(5, 1), {});
  EXPECT_EQ(feed.OnAck(0).code(), absl::StatusCode::kInvalidArgument);
  feed.Next(State(5, 1));
  EXPECT_EQ(feed.OnAck(6).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace outrider::controller
