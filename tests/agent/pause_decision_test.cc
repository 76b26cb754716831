#include "vswitch/agent/pause_decision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace outrider::agent {
namespace {

using datapath::DeliveredFrames;

// Frames `from` .. `total`-1 are kept; frame n came at n milliseconds.
DeliveredFrames Frames(uint64_t from, uint64_t total) {
  DeliveredFrames frames{.total = total, .kept = {}};
  for (uint64_t n = from; n < total; ++n) frames.kept.push_back({n, n * 1'000'000});
  return frames;
}

TEST(QueueCalibrationTest, KnowsNothingWithoutASample) {
  EXPECT_FALSE(QueueCalibration().Unread(5, 7));
}

TEST(QueueCalibrationTest, TheLeastDifferenceIsThatOfAnEmptyQueue) {
  QueueCalibration queue;
  // The device had counted 100 when the port began to be watched, with two frames in its queue.
  queue.Sample({.read = 100, .dropped = 0}, 0);
  queue.Sample({.read = 107, .dropped = 0}, 6);  // one frame more on its way
  queue.Sample({.read = 109, .dropped = 0}, 7);  // empty: -102
  queue.Sample({.read = 120, .dropped = 0}, 23);
  EXPECT_EQ(queue.Unread(125, 23), 0u);
  EXPECT_EQ(queue.Unread(125, 26), 3u);
  EXPECT_EQ(queue.Unread(125, 22), 0u) << "never less than none";
}

TEST(QueueCalibrationTest, MoreThanWasDeliveredCannotWait) {
  QueueCalibration queue;
  queue.Sample({.read = 100, .dropped = 0}, 10);
  EXPECT_EQ(queue.Unread(50, 12), 12u);
}

// What a running guest's queue refused is gone; what a paused guest's queue refused is to be sent.
TEST(QueueCalibrationTest, DropsCountAsReadOnlyWhileTheGuestRuns) {
  QueueCalibration queue;
  queue.Sample({.read = 10, .dropped = 0}, 10);
  queue.Sample({.read = 20, .dropped = 5}, 25);
  EXPECT_EQ(queue.Unread(20, 25), 0u);
  EXPECT_EQ(queue.Unread(20, 1500), 1475u);
}

TEST(ReplayTest, BeginsWithTheFirstUnreadFrame) {
  EXPECT_EQ(ReplayOf(Frames(0, 10), 4, 0), (Replay{.first = 6, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 10, 0), (Replay{.first = 0, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 11, 0), (Replay{.first = 0, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 0, 0), (Replay{.first = 10, .lost = 0}))
      << "what comes between this and the redirect is sent";
}

TEST(ReplayTest, SaysWhatTheRecordDoesNotHaveAnyMore) {
  EXPECT_EQ(ReplayOf(Frames(7, 10), 5, 0), (Replay{.first = 7, .lost = 2}));
  EXPECT_EQ(ReplayOf(Frames(10, 10), 5, 0), (Replay{.first = 10, .lost = 5}));
}

TEST(ReplayTest, WithoutCountersTheTimeDecides) {
  EXPECT_EQ(ReplayOf(Frames(0, 10), std::nullopt, 4'000'000), (Replay{.first = 4, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), std::nullopt, 3'999'999), (Replay{.first = 4, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), std::nullopt, 4'000'001), (Replay{.first = 5, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), std::nullopt, 99'000'000), (Replay{.first = 10, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(3, 10), std::nullopt, 0), (Replay{.first = 3, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 0), std::nullopt, 0), (Replay{.first = 0, .lost = 0}));
}

// A device with a queue of 20 and a guest that reads in bursts, sampled now and then; when the
// guest stops, what is decided is what the queue holds, and what it refused since.
TEST(ReplayTest, FindsWhatAQueueHeldWheneverItsGuestStops) {
  std::mt19937 random(7);
  for (int run = 0; run < 200; ++run) {
    QueueCalibration calibration;
    uint64_t delivered = 0;
    uint64_t waiting = random() % 20;
    QueueCounts counts{.read = random() % 1000, .dropped = random() % 10};
    const auto deliver = [&] {
      ++delivered;
      if (waiting < 20)
        ++waiting;
      else
        ++counts.dropped;
    };
    for (int step = 0; step < 300; ++step) {
      deliver();
      const uint64_t taken = std::min<uint64_t>(waiting, random() % 4);
      counts.read += taken;
      waiting -= taken;
      if (step % 3 == 0) calibration.Sample(counts, delivered);
    }
    // The last look falls between the pause and the news of it, as it may.
    const uint64_t after = random() % 40;
    const uint64_t unread = std::min(waiting + after, delivered + after);
    calibration.Sample(counts, delivered);
    for (uint64_t n = 0; n < after; ++n) deliver();
    EXPECT_EQ(calibration.Unread(counts.read, delivered), unread) << "run " << run;
  }
}

}  // namespace
}  // namespace outrider::agent
