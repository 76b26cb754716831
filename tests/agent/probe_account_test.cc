// What became of a probe's requests, by exact expectation.
#include "vswitch/agent/probe_account.h"

#include <gtest/gtest.h>

#include <memory>

namespace outrider::agent {
namespace {

constexpr int64_t kMs = 1000;

TEST(Median, IsExactBelow256AndWithinHalfAClassAbove) {
  Median median;
  EXPECT_EQ(median.Value(), 0) << "of nothing";
  for (const int64_t value : {255, 3, 0, 90, 100}) median.Add(value);
  EXPECT_EQ(median.Value(), 90);
  median.Add(-5);
  EXPECT_EQ(median.Value(), 3) << "of an even number the lower; what is negative is 0";
  for (const int64_t value : {int64_t{256}, int64_t{5000}, int64_t{61240}, int64_t{1} << 39}) {
    Median one;
    one.Add(value);
    EXPECT_LE(one.Value(), value + value / 256);
    EXPECT_GE(one.Value(), value - value / 256);
  }
  Median longest;
  longest.Add(int64_t{1} << 50);
  EXPECT_GT(longest.Value(), (int64_t{1} << 40) - (int64_t{1} << 33));
}

class ProbeAccountTest : public ::testing::Test {
 protected:
  // Asks every 5 ms; the first at 0.
  void Send(int requests) {
    for (int i = 0; i < requests; ++i) {
      account_->Sent(now_us_);
      now_us_ += 5 * kMs;
    }
  }
  static int64_t SentAt(int64_t sequence) { return sequence * 5 * kMs; }
  ProbeCounts InTheEnd() const { return account_->Counts(now_us_ + ProbeAccount::kAnswerTimeUs); }

  std::unique_ptr<ProbeAccount> account_ = std::make_unique<ProbeAccount>();
  int64_t now_us_ = 0;
};

TEST_F(ProbeAccountTest, NothingIsNothing) { EXPECT_EQ(InTheEnd(), ProbeCounts()); }

TEST_F(ProbeAccountTest, EveryAnswerInItsTurn) {
  Send(5);
  for (int i = 0; i < 5; ++i) account_->Answered(i, SentAt(i) + 200);
  EXPECT_EQ(InTheEnd(), (ProbeCounts{.sent = 5,
                                     .answered = 5,
                                     .longest_gap_us = 5000,
                                     .usual_gap_us = 5008,
                                     .round_trip_us = 200}));
}

// A guest that stood still: the answers come late and at once, and none is lost.
TEST_F(ProbeAccountTest, ABlackoutIsAGap) {
  Send(20);
  for (int i = 0; i < 5; ++i) account_->Answered(i, SentAt(i) + 100);
  for (int i = 5; i < 15; ++i) account_->Answered(i, SentAt(15) + i);
  for (int i = 15; i < 20; ++i) account_->Answered(i, SentAt(i) + 100);
  const ProbeCounts counts = InTheEnd();
  EXPECT_EQ(counts.answered, 20u);
  EXPECT_EQ(counts.lost, 0u);
  EXPECT_EQ(counts.reordered, 0u);
  EXPECT_EQ(counts.longest_gap_us, SentAt(15) + 5 - (SentAt(4) + 100));
  EXPECT_EQ(counts.round_trip_us, 100) << "of the twenty ten are so short";
}

TEST_F(ProbeAccountTest, WhatHasNoAnswerIsLostOnceItHadTheTime) {
  Send(3);
  account_->Answered(0, 100);
  account_->Answered(2, SentAt(2) + 100);
  const int64_t last_us = SentAt(1) + ProbeAccount::kAnswerTimeUs;
  EXPECT_EQ(account_->Counts(last_us - 1).lost, 0u);
  EXPECT_EQ(account_->Counts(last_us).lost, 1u);
  EXPECT_EQ(account_->Counts(last_us).longest_gap_us, 10 * kMs);
}

TEST_F(ProbeAccountTest, ASecondAnswerIsADuplicateAndNoGap) {
  Send(2);
  account_->Answered(0, 100);
  account_->Answered(0, 4000);
  account_->Answered(0, 4100);
  account_->Answered(1, SentAt(1) + 100);
  const ProbeCounts counts = InTheEnd();
  EXPECT_EQ(counts.answered, 2u);
  EXPECT_EQ(counts.duplicated, 2u);
  EXPECT_EQ(counts.longest_gap_us, 5000);
}

TEST_F(ProbeAccountTest, AnAnswerBehindThatToALaterRequestIsOutOfOrder) {
  Send(4);
  account_->Answered(2, SentAt(3));
  account_->Answered(0, SentAt(3) + 1);
  account_->Answered(1, SentAt(3) + 2);
  account_->Answered(3, SentAt(3) + 3);
  EXPECT_EQ(InTheEnd().reordered, 2u);
  EXPECT_EQ(InTheEnd().lost, 0u);
}

TEST_F(ProbeAccountTest, AnswersToWhatWasNotAskedAreNone) {
  Send(1);
  account_->Answered(1, 100);
  account_->Answered(uint64_t{1} << 63, 100);
  EXPECT_EQ(InTheEnd(), (ProbeCounts{.sent = 1, .lost = 1}));
}

// Memory is bounded: who answers later than that finds the request lost.
TEST_F(ProbeAccountTest, WhatLeavesTheWindowIsSettled) {
  constexpr auto kWindow = static_cast<int>(ProbeAccount::kWindow);
  Send(kWindow);
  account_->Answered(0, now_us_);
  EXPECT_EQ(account_->Counts(0).lost, 0u) << "all have their time yet";
  Send(2);
  EXPECT_EQ(account_->Counts(0).lost, 1u) << "number 1; number 0 was answered";
  account_->Answered(1, now_us_);
  account_->Answered(0, now_us_);
  const ProbeCounts counts = account_->Counts(0);
  EXPECT_EQ(counts.answered, 1u);
  EXPECT_EQ(counts.duplicated, 0u);
  EXPECT_EQ(counts.lost, 1u);
}

}  // namespace
}  // namespace outrider::agent
