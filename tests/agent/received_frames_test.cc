#include "vswitch/agent/received_frames.h"

#include <gtest/gtest.h>

#include <vector>

namespace outrider::agent {
namespace {

using datapath::DeliveredFrames;

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

// The mark is at frame 10, index 50, and all have been read.
std::optional<uint64_t> First(uint64_t received, const DeliveredFrames& frames,
                              const std::optional<CardFilter>& filter = Filter()) {
  return FirstUnreceived(
      {.used = 50, .sequence = 10},
      {.mac = kCard, .used = 50 + received, .read = frames.total, .filter = filter}, frames);
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
  EXPECT_EQ(First(1, To({kCard, kOther}, 10)), std::nullopt);
}

TEST(FirstUnreceivedTest, AtTheMarkNothingIsLeft) {
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
  const ReceivedMark mark{.used = 50, .sequence = 10};
  StoppedCard card{.mac = kCard, .used = 52, .read = 12, .filter = Filter()};
  EXPECT_EQ(FirstUnreceived(mark, card, frames), 12u);
  card.read = 11;
  EXPECT_EQ(FirstUnreceived(mark, card, frames), std::nullopt);
  // QEMU reads some in vain, but not many.
  card.read = 12 + kMostSwallowed;
  EXPECT_EQ(FirstUnreceived(mark, card, frames), 12u);
  card.read = 13 + kMostSwallowed;
  EXPECT_EQ(FirstUnreceived(mark, card, frames), std::nullopt);
  card.used = 49;
  EXPECT_EQ(FirstUnreceived(mark, card, frames), std::nullopt) << "the index does not go back";
}

}  // namespace
}  // namespace outrider::agent
