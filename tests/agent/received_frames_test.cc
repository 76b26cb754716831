#include "vswitch/agent/received_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace outrider::agent {
namespace {

using datapath::DeliveredFrames;
using ::testing::ElementsAre;

const MacAddress kCard({0x52, 0x54, 0, 0, 0, 1});
const MacAddress kOther({0x52, 0x54, 0, 0, 0, 2});
const MacAddress kAll({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
const MacAddress kRouters({0x33, 0x33, 0, 0, 0, 2});
const MacAddress kNodes({0x33, 0x33, 0, 0, 0, 1});

CardFilter Filter() { return {.promiscuous = false, .all_groups = false, .groups = {kNodes}}; }

// Kept are those to these stations, behind `before` others.
DeliveredFrames To(const std::vector<MacAddress>& destinations, uint64_t before = 0) {
  DeliveredFrames frames{.total = before, .kept = {}};
  for (const MacAddress& destination : destinations) {
    frames.kept.push_back({.sequence = frames.total++,
                           .boot_ns = 0,
                           .length = kOneBuffer,
                           .destination = destination});
  }
  return frames;
}

// The card of a guest that has stopped at index 60, of which `read` have been read.
StoppedCard Card(uint64_t read, const std::optional<CardFilter>& filter = Filter()) {
  return {.mac = kCard, .used = 60, .read = read, .filter = filter};
}

// Exactly one sample: at frame 10, `received` before the end. All frames have been read.
std::optional<uint64_t> First(uint64_t received, const DeliveredFrames& frames,
                              const std::optional<CardFilter>& filter = Filter()) {
  const auto first = FindFirstUnreceived({{.used = 60 - received, .least = 10, .most = 10}},
                                         Card(frames.total, filter), frames);
  if (!first) return std::nullopt;
  EXPECT_TRUE(first->certain);
  return first->sequence;
}

TEST(TakesTest, ItsOwnFramesAndAllBroadcasts) {
  for (const std::optional<CardFilter>& filter : {std::optional<CardFilter>(), {Filter()}}) {
    EXPECT_EQ(Takes(kCard, filter, kCard), true);
    EXPECT_EQ(Takes(kCard, filter, kAll), true);
  }
}

TEST(TakesTest, TheGroupsThatItsGuestHasAskedFor) {
  EXPECT_EQ(Takes(kCard, Filter(), kNodes), true);
  EXPECT_EQ(Takes(kCard, Filter(), kRouters), false);
  EXPECT_EQ(Takes(kCard, CardFilter{.all_groups = true}, kRouters), true);
  EXPECT_EQ(Takes(kCard, CardFilter{.promiscuous = true}, kRouters), true);
  EXPECT_EQ(Takes(kCard, std::nullopt, kNodes), std::nullopt);
}

TEST(TakesTest, NobodyKnowsOfOtherStations) {
  EXPECT_EQ(Takes(kCard, Filter(), kOther), std::nullopt);
  EXPECT_EQ(Takes(kCard, CardFilter{.promiscuous = true}, kOther), true);
}

TEST(FirstUnreceivedTest, TheIndexAdvancesByOneWithEveryFrame) {
  const DeliveredFrames frames = To({kCard, kCard, kAll, kCard}, 10);
  EXPECT_EQ(First(1, frames), 11u);
  EXPECT_EQ(First(3, frames), 13u);
  EXPECT_EQ(First(4, frames), 14u) << "all of them";
  EXPECT_EQ(First(3, frames, std::nullopt), 13u) << "no filter is needed for them";
}

TEST(FirstUnreceivedTest, NotWithOneThatTheCardFiltersOut) {
  const DeliveredFrames frames = To({kCard, kRouters, kCard, kNodes, kRouters}, 10);
  EXPECT_EQ(First(1, frames), 12u) << "the one between is for nobody here";
  EXPECT_EQ(First(2, frames), 13u);
  EXPECT_EQ(First(3, frames), 15u);
  EXPECT_EQ(First(3, frames, std::nullopt), std::nullopt);
  EXPECT_EQ(First(2, To({kCard, kOther, kCard}, 10)), std::nullopt);
  EXPECT_EQ(First(1, To({kCard, kOther}, 10)), 11u) << "what comes behind makes no difference";
}

TEST(FirstUnreceivedTest, AtTheSampleNothingIsLeft) {
  EXPECT_EQ(First(0, To({}, 10)), 10u);
  EXPECT_EQ(First(0, To({kCard}, 10)), 10u);
  EXPECT_EQ(First(0, To({kRouters}, 10)), 11u);
}

// Of two buffers, maybe; those behind the last one received do not matter.
TEST(FirstUnreceivedTest, AFrameThatMayCountTwiceIsNotCounted) {
  DeliveredFrames frames = To({kCard, kCard, kCard}, 10);
  frames.kept[1].length = kOneBuffer + 1;
  EXPECT_EQ(First(1, frames), 11u);
  EXPECT_EQ(First(2, frames), std::nullopt);
}

TEST(FirstUnreceivedTest, WhatTheRecordHasNoMoreIsNotKnown) {
  EXPECT_EQ(First(2, To({kCard, kCard}, 11)), std::nullopt);
  EXPECT_EQ(First(1, To({}, 11)), std::nullopt);
  DeliveredFrames frames = To({kCard, kCard}, 10);
  frames.kept.pop_back();
  EXPECT_EQ(First(1, frames), std::nullopt) << "nor what it does not have yet";
}

TEST(FirstUnreceivedTest, OnlyWhatWasReadCanHaveBeenReceived) {
  const DeliveredFrames frames = To({kCard, kCard, kCard, kCard, kCard, kCard}, 10);
  const std::vector<ReceivedSample> samples = {{.used = 58, .least = 10, .most = 10}};
  const FirstUnreceived second{.sequence = 12, .certain = true};
  EXPECT_EQ(FindFirstUnreceived(samples, Card(12), frames), second);
  EXPECT_EQ(FindFirstUnreceived(samples, Card(11), frames), std::nullopt);
  // QEMU reads some in vain, but not many.
  EXPECT_EQ(FindFirstUnreceived(samples, Card(12 + kMostSwallowed), frames), second);
  EXPECT_EQ(FindFirstUnreceived(samples, Card(13 + kMostSwallowed), frames), std::nullopt);
  EXPECT_EQ(FindFirstUnreceived({{.used = 61, .least = 10, .most = 10}}, Card(12), frames),
            std::nullopt)
      << "the index does not go back";
  EXPECT_EQ(FindFirstUnreceived({}, Card(12), frames), std::nullopt);
}

// An answer lies between two looks at the device; together they leave one frame.
TEST(FirstUnreceivedTest, SamplesNarrowEachOther) {
  const DeliveredFrames frames = To(std::vector<MacAddress>(10, kCard), 10);
  const ReceivedSample early{.used = 52, .least = 9, .most = 10};
  const ReceivedSample wide{.used = 55, .least = 13, .most = 15};
  const ReceivedSample late{.used = 57, .least = 14, .most = 15};
  const auto first = [&](const std::vector<ReceivedSample>& samples) {
    return FindFirstUnreceived(samples, Card(19), frames);
  };
  EXPECT_EQ(first({wide, late}), (FirstUnreceived{.sequence = 18, .certain = true}));
  EXPECT_EQ(first({wide}), (FirstUnreceived{.sequence = 18, .certain = false}));
  EXPECT_EQ(first({early, wide, late}), (FirstUnreceived{.sequence = 18, .certain = true}))
      << "the record has no more what came after the first";
}

// A frame that is filtered out between two samples moves what was read, and not the index: looser
// samples on both sides of it do not hide it.
TEST(FirstUnreceivedTest, SamplesOnBothSidesOfAFilteredFrameAgree) {
  const DeliveredFrames frames = To({kCard, kCard, kRouters, kCard, kCard, kCard}, 10);
  const std::vector<ReceivedSample> samples = {{.used = 55, .least = 10, .most = 10},
                                               {.used = 57, .least = 12, .most = 13},
                                               {.used = 58, .least = 13, .most = 14}};
  StoppedCard card = Card(16);
  card.used = 59;
  EXPECT_EQ(FindFirstUnreceived(samples, card, frames),
            (FirstUnreceived{.sequence = 15, .certain = true}));
}

// QEMU stops reading when it has read one that it cannot give to the guest any more.
TEST(FirstUnreceivedTest, WhileFramesWaitTheLastOneReadWasReadInVain) {
  const DeliveredFrames frames = To(std::vector<MacAddress>(10, kCard), 10);
  const std::vector<ReceivedSample> wide = {{.used = 55, .least = 13, .most = 15}};
  EXPECT_EQ(FindFirstUnreceived(wide, Card(19), frames),
            (FirstUnreceived{.sequence = 18, .certain = false}));
  EXPECT_EQ(FindFirstUnreceived(wide, Card(20), frames),
            (FirstUnreceived{.sequence = 20, .certain = false}))
      << "none waits";
  // It may not have come to that: samples that are exact say so.
  EXPECT_EQ(FindFirstUnreceived({{.used = 55, .least = 14, .most = 14}}, Card(19), frames),
            (FirstUnreceived{.sequence = 19, .certain = true}));
}

TEST(FirstUnreceivedTest, TheMostSamplesAreRight) {
  const DeliveredFrames frames = To(std::vector<MacAddress>(10, kCard), 10);
  const ReceivedSample one{.used = 55, .least = 14, .most = 14};
  const ReceivedSample same{.used = 56, .least = 15, .most = 15};
  const ReceivedSample other{.used = 57, .least = 17, .most = 17};
  EXPECT_EQ(FindFirstUnreceived({one, same, other}, Card(20), frames),
            (FirstUnreceived{.sequence = 19, .certain = true}));
  EXPECT_EQ(FindFirstUnreceived({one, other}, Card(20), frames),
            (FirstUnreceived{.sequence = 19, .certain = false}))
      << "twice rather than not at all";
  EXPECT_EQ(FindFirstUnreceived({other, one}, Card(20), frames),
            (FirstUnreceived{.sequence = 19, .certain = false}));
}

TEST(ReceivedSamplesTest, WhileTheIndexStandsStillTheyNarrow) {
  ReceivedSamples samples;
  samples.Add({.used = 5, .least = 10, .most = 13});
  samples.Add({.used = 5, .least = 12, .most = 14});
  EXPECT_THAT(samples.kept(), ElementsAre(ReceivedSample{.used = 5, .least = 12, .most = 13}));
  samples.Add({.used = 5, .least = 14, .most = 14});
  EXPECT_THAT(samples.kept(), ElementsAre(ReceivedSample{.used = 5, .least = 12, .most = 13}))
      << "what was read then was not received";
}

TEST(ReceivedSamplesTest, TheLastOnesAreKept) {
  ReceivedSamples samples;
  for (uint64_t n = 0; n < ReceivedSamples::kKept + 3; ++n) {
    samples.Add({.used = n, .least = n, .most = n});
  }
  EXPECT_EQ(samples.kept().size(), ReceivedSamples::kKept);
  EXPECT_EQ(samples.kept().front().used, 3u);
  EXPECT_EQ(samples.kept().back().used, ReceivedSamples::kKept + 2);
}

}  // namespace
}  // namespace outrider::agent
