#include "vswitch/agent/pause_decision.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
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

using Bounds = UsedCalibration::Bounds;

// Samples that see no frame between the device and the index: read - used is `offset`.
UsedCalibration Exact(uint64_t read, uint64_t offset) {
  UsedCalibration calibration;
  for (int n = 0; n < UsedCalibration::kAgreeing; ++n, ++read) {
    calibration.Sample(read, static_cast<uint16_t>(read - offset), read);
  }
  return calibration;
}

TEST(UsedCalibrationTest, SaysNothingBeforeItsSamplesAgree) {
  UsedCalibration calibration;
  EXPECT_FALSE(calibration.At(5));
  for (int n = 1; n < UsedCalibration::kAgreeing; ++n) {
    calibration.Sample(100, 40, 100);
    EXPECT_FALSE(calibration.At(40)) << n;
  }
  calibration.Sample(100, 40, 100);
  EXPECT_EQ(calibration.At(40), (Bounds{100, 100}));
  EXPECT_EQ(calibration.At(43), (Bounds{103, 103}));
}

TEST(UsedCalibrationTest, EverySampleBoundsTheDifference) {
  UsedCalibration calibration;
  calibration.Sample(100, 42, 104);  // 58 .. 62
  calibration.Sample(120, 61, 126);  // 59 .. 65
  calibration.Sample(140, 81, 142);  // 59 .. 61
  EXPECT_EQ(calibration.At(100), (Bounds{159, 161}));
  calibration.Sample(200, 140, 205);  // 60 .. 65
  calibration.Sample(220, 162, 222);  // 58 .. 60
  EXPECT_EQ(calibration.At(200), (Bounds{260, 260}));
}

TEST(UsedCalibrationTest, TheIndexWraps) {
  UsedCalibration calibration;
  calibration.Sample(10, 65'533, 10);
  calibration.Sample(12, 65'535, 12);
  calibration.Sample(14, 1, 14);
  EXPECT_EQ(calibration.At(1), (Bounds{14, 14}));
  EXPECT_EQ(calibration.At(6), (Bounds{19, 19}));
  calibration.Sample(14 + 65'000, 65'001, 14 + 65'000);
  calibration.Sample(14 + 130'000, static_cast<uint16_t>(130'001), 14 + 130'000);
  EXPECT_EQ(calibration.At(static_cast<uint16_t>(130'003)), (Bounds{130'016, 130'016}));
}

// A frame of two buffers, and one that the card filters out.
TEST(UsedCalibrationTest, ASampleThatContradictsBeginsAnew) {
  for (const uint16_t used : {uint16_t{46}, uint16_t{44}}) {
    UsedCalibration calibration = Exact(100, 60);  // the last one: 102, 42
    calibration.Sample(105, used, 105);
    EXPECT_FALSE(calibration.At(used)) << used;
    calibration.Sample(106, used + 1, 106);
    EXPECT_FALSE(calibration.At(used)) << used;
    calibration.Sample(107, used + 2, 107);
    EXPECT_EQ(calibration.At(used + 2), (Bounds{107, 107})) << used;
  }
}

TEST(UsedCalibrationTest, AnIndexThatStandsStillIsAKernelReaders) {
  UsedCalibration calibration;
  calibration.Sample(100, 40, 100);
  calibration.Sample(104, 40, 104);
  EXPECT_FALSE(calibration.ReadByKernel());
  calibration.Sample(108, 40, 109);
  EXPECT_TRUE(calibration.ReadByKernel());
  EXPECT_FALSE(calibration.At(148));
  calibration.Sample(109, 41, 109);
  EXPECT_FALSE(calibration.ReadByKernel());
}

// 200 read of 100 delivered: 100 before it is watched.
QueueCalibration Queue() {
  QueueCalibration queue;
  queue.Sample({.read = 200, .dropped = 0}, 100);
  return queue;
}

TEST(UnseenTest, WhatQemuHasSwallowedCounts) {
  for (uint64_t swallowed = 0; swallowed <= 2; ++swallowed) {
    // Given to the guest: 210 as the device counts, 110 of those delivered.
    EXPECT_EQ(UnseenOf(Queue(), Exact(200, 150), 210 + swallowed, uint16_t{60}, 113),
              (Unseen{.frames = 3, .certain = true}))
        << swallowed;
  }
  EXPECT_EQ(UnseenOf(Queue(), Exact(200, 150), 212, uint16_t{60}, 112),
            (Unseen{.frames = 2, .certain = true}))
      << "the device's queue is empty, and QEMU has swallowed both";
  EXPECT_EQ(UnseenOf(Queue(), Exact(200, 150), 210, uint16_t{60}, 110),
            (Unseen{.frames = 0, .certain = true}));
}

TEST(UnseenTest, WithoutAnIndexOneOfAQueueThatIsNotEmptyIsSwallowed) {
  EXPECT_EQ(UnseenOf(Queue(), Exact(200, 150), 210, std::nullopt, 113),
            (Unseen{.frames = 4, .certain = false}));
  EXPECT_EQ(UnseenOf(Queue(), Exact(200, 150), 210, std::nullopt, 110),
            (Unseen{.frames = 0, .certain = false}));
  EXPECT_EQ(UnseenOf(Queue(), {}, 210, uint16_t{60}, 113), (Unseen{.frames = 4, .certain = false}));
  EXPECT_FALSE(UnseenOf({}, Exact(200, 150), 210, uint16_t{60}, 113));
}

// More than was read is no count of frames; much less is what the card filtered out.
TEST(UnseenTest, AnIndexThatCannotBeIsNotBelieved) {
  EXPECT_EQ(UnseenOf(Queue(), Exact(200, 150), 210, uint16_t{61}, 110),
            (Unseen{.frames = 0, .certain = false}));
  EXPECT_EQ(UnseenOf(Queue(), Exact(200, 150), 210, uint16_t{56}, 110),
            (Unseen{.frames = 0, .certain = false}));
}

TEST(UnseenTest, TheMostThatSamplesLeavePossibleWasReceived) {
  UsedCalibration wide;
  for (int n = 0; n < UsedCalibration::kAgreeing; ++n) wide.Sample(200, 50, 201);  // 150 .. 151
  // Received 208 or 209; 209 or 210; 210, since 211 were not read.
  EXPECT_EQ(UnseenOf(Queue(), wide, 210, uint16_t{58}, 113), (Unseen{4, false}));
  EXPECT_EQ(UnseenOf(Queue(), wide, 210, uint16_t{59}, 113), (Unseen{3, false}));
  EXPECT_EQ(UnseenOf(Queue(), wide, 210, uint16_t{60}, 113), (Unseen{3, false}));
}

TEST(UnseenTest, AKernelReaderSwallowsNothing) {
  UsedCalibration kernel;
  kernel.Sample(200, 7, 200);
  kernel.Sample(200 + UsedCalibration::kKernelReads, 7, 208);
  // QEMU gets the index when the kernel's reader stops.
  EXPECT_EQ(UnseenOf(Queue(), kernel, 210, uint16_t{500}, 113),
            (Unseen{.frames = 3, .certain = true}));
  EXPECT_EQ(UnseenOf(Queue(), {}, 210, std::nullopt, 113, /*by_kernel=*/true),
            (Unseen{.frames = 3, .certain = true}));
}

constexpr uint64_t kNever = std::numeric_limits<uint64_t>::max();

TEST(ReplayTest, BeginsWithTheFirstUnseenFrame) {
  EXPECT_EQ(ReplayOf(Frames(0, 10), 4, kNever), (Replay{.first = 6, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 10, kNever), (Replay{.first = 0, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 11, kNever), (Replay{.first = 0, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 0, kNever), (Replay{.first = 10, .lost = 0}))
      << "what comes between this and the redirect is sent";
}

TEST(ReplayTest, SaysWhatTheRecordDoesNotHaveAnyMore) {
  EXPECT_EQ(ReplayOf(Frames(7, 10), 5, kNever), (Replay{.first = 7, .lost = 2}));
  EXPECT_EQ(ReplayOf(Frames(10, 10), 5, kNever), (Replay{.first = 10, .lost = 5}));
}

TEST(ReplayTest, NothingThatCameSinceThePauseWasSeen) {
  EXPECT_EQ(ReplayOf(Frames(0, 10), 2, 7'000'000), (Replay{.first = 7, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 2, 9'000'000), (Replay{.first = 8, .lost = 0}));
}

TEST(ReplayTest, WithoutCountersTheTimeDecides) {
  EXPECT_EQ(ReplayOf(Frames(0, 10), 0, 4'000'000), (Replay{.first = 4, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 0, 3'999'999), (Replay{.first = 4, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 0, 4'000'001), (Replay{.first = 5, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 10), 0, 99'000'000), (Replay{.first = 10, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(3, 10), 0, 0), (Replay{.first = 3, .lost = 0}));
  EXPECT_EQ(ReplayOf(Frames(0, 0), 0, 0), (Replay{.first = 0, .lost = 0}));
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
