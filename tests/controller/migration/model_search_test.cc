// The state machine explored over the orders of events, with messages that come twice or overtake
// each other, sessions that end, and crashes of each party, up to a number of worlds, from each of
// which it must come to a right end. And that the search finds what is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/controller/migration/move_search.h"

namespace outrider::controller::move_model {
namespace {

using ::testing::HasSubstr;

TEST(ModelSearchTest, EveryMoveEndsWithThePortWhereItsGuestRuns) {
  const Found found = Search(Rules(), {.faults = 2, .attempts = 1, .limit = 60'000}).Run();
  EXPECT_EQ(found.counterexample, "");
  EXPECT_GT(found.worlds, 100'000u);
  EXPECT_GT(found.committed, 0u);
  EXPECT_GT(found.aborted, 0u);
  RecordProperty("worlds", static_cast<int>(found.worlds));
  RecordProperty("records", static_cast<int>(found.records));
}

// The same number of worlds leads further when nothing goes wrong but the move itself.
TEST(ModelSearchTest, LongMovesWithoutFaultsEndSoToo) {
  const Found found = Search(Rules(), {.attempts = 1, .limit = 80'000}).Run();
  EXPECT_EQ(found.counterexample, "");
  EXPECT_GT(found.worlds, 80'000u);
}

std::string CounterexampleOf(const Rules& rules) {
  return Search(rules, {.faults = 1, .limit = 20'000}).Run().counterexample;
}

TEST(ModelSearchTest, ThePortsGoBackUnderANewerEpochOrTwoHostsForward) {
  Rules rules;
  rules.newer_epoch = false;
  EXPECT_THAT(CounterexampleOf(rules), HasSubstr("two hosts forward for the port in one epoch"));
}

TEST(ModelSearchTest, AGuestThatComesBackMustBeHeardOf) {
  Rules rules;
  rules.hears_resumed = false;
  EXPECT_THAT(CounterexampleOf(rules), HasSubstr("the guest runs at h1, which has not the port"));
}

TEST(ModelSearchTest, WhatIsCommittedMustOutliveACrash) {
  Rules rules;
  rules.durable = false;
  EXPECT_NE(CounterexampleOf(rules), "");
}

TEST(ModelSearchTest, WithoutALeaseSomeMovesNeverEnd) {
  Rules rules;
  rules.lease = false;
  EXPECT_THAT(CounterexampleOf(rules), HasSubstr("it never ends"));
}

TEST(ModelSearchTest, AnAgentMustSayHowItFindsTheGuest) {
  Rules rules;
  rules.finds_guest = false;
  EXPECT_THAT(CounterexampleOf(rules), HasSubstr("the guest runs at h1, which has not the port"));
}

}  // namespace
}  // namespace outrider::controller::move_model
