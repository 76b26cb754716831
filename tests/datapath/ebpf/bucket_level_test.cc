// Token buckets as levels, and back.
#include "vswitch/datapath/ebpf/bucket_level.h"

#include <gtest/gtest.h>

#include "vswitch/datapath/ebpf/kernel_clock.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr uint64_t kNow = 1000 * kNsPerS;
// 1 MB/s and 1 MB; 1000 frames a second and 100 of them.
constexpr abi::or_limit kLimit = {
    .rate_kbps = 8000, .burst_kb = 8000, .rate_pps = 1000, .burst_packets = 100};

abi::or_policer Buckets(const abi::or_bucket& bytes, const abi::or_bucket& packets) {
  return {.lock = 0, .pad = 0, .bytes = bytes, .packets = packets};
}

TEST(BucketLevel, IsFilledUpToTheMoment) {
  // Half of the bytes a quarter of a second ago; no frame a twentieth of a second ago.
  const abi::or_policer buckets =
      Buckets({.tokens = 500'000 * kNsPerS, .last_ns = kNow - kNsPerS / 4},
              {.tokens = 0, .last_ns = kNow - kNsPerS / 20});
  const BucketLevel level = LevelOf(1, kLimit, buckets, kNow);
  EXPECT_EQ(level.kind, 1u);
  EXPECT_EQ(level.bytes, 768u);
  EXPECT_EQ(level.packets, 512u);
}

TEST(BucketLevel, UnusedAndUnlimitedAreFullAndDebtIsEmpty) {
  EXPECT_EQ(LevelOf(0, kLimit, {}, kNow).bytes, 1024u);
  const abi::or_bucket debt = {.tokens = 0, .last_ns = kNow + 1};
  EXPECT_EQ(LevelOf(0, kLimit, Buckets(debt, debt), kNow).packets, 0u);
  abi::or_limit frames_only = kLimit;
  frames_only.rate_kbps = 0;
  EXPECT_EQ(LevelOf(0, frames_only, Buckets({}, debt), kNow).bytes, 1024u);
}

TEST(BucketLevel, LongAgoIsFull) {
  const abi::or_bucket old = {.tokens = 0, .last_ns = 1};
  EXPECT_EQ(LevelOf(0, kLimit, Buckets(old, old), kNow).bytes, 1024u);
}

TEST(BucketLevel, FillsAnotherHostsBucket) {
  for (const uint32_t level : {0u, 1u, 512u, 1024u}) {
    const abi::or_policer filled =
        FilledTo({.kind = 0, .bytes = level, .packets = level}, kLimit, kNow);
    EXPECT_EQ(filled.bytes.last_ns, kNow);
    EXPECT_EQ(LevelOf(0, kLimit, filled, kNow).bytes, level);
    EXPECT_EQ(LevelOf(0, kLimit, filled, kNow).packets, level);
  }
  const abi::or_policer over =
      FilledTo({.kind = 0, .bytes = UINT32_MAX, .packets = 5000}, kLimit, kNow);
  EXPECT_EQ(over.bytes.tokens, 1'000'000 * kNsPerS / 1024 * 1024);
  EXPECT_EQ(over.packets.tokens, 100 * kNsPerS / 1024 * 1024);
}

TEST(BucketLevel, TheLargestBucketFitsItsWord) {
  const abi::or_limit huge = {.rate_kbps = UINT64_MAX,
                              .burst_kb = UINT64_MAX,
                              .rate_pps = UINT64_MAX,
                              .burst_packets = UINT64_MAX};
  const abi::or_policer filled = FilledTo({.kind = 0, .bytes = 1024, .packets = 1024}, huge, kNow);
  EXPECT_EQ(LevelOf(0, huge, filled, kNow).bytes, 1024u);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
