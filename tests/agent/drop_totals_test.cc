// Drops of all ports that a host has had.
#include "vswitch/agent/drop_totals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/sample_states.h"

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ByReason = DropTotals::ByReason;
using Ports = std::map<PortId, datapath::PortCounters>;

datapath::PortCounters Dropped(const ByReason& drops) {
  datapath::PortCounters counters;
  counters.drops = drops;
  return counters;
}

TEST(DropTotalsTest, PortsAndHostAreOneSum) {
  DropTotals totals;
  const Ports ports{{MakePortId(1), Dropped({{"policer", 3}, {"blocked", 1}})},
                    {MakePortId(2), Dropped({{"policer", 4}})}};
  EXPECT_THAT(totals.Update(ports, {}, {{"blocked", 10}, {"malformed", 2}}),
              ElementsAre(Pair("blocked", 11), Pair("malformed", 2), Pair("policer", 7)));
}

TEST(DropTotalsTest, WhatAPortHasDroppedStaysWhenItLeaves) {
  DropTotals totals;
  totals.Update({{MakePortId(1), Dropped({{"policer", 3}})}}, {}, {});
  EXPECT_THAT(totals.Update({}, {}, {}), ElementsAre(Pair("policer", 3)));
  EXPECT_THAT(totals.Update({{MakePortId(1), Dropped({{"policer", 2}})}}, {}, {}),
              ElementsAre(Pair("policer", 5)));
}

TEST(DropTotalsTest, APortThatIsMadeAnewBetweenTwoLooksBeginsAnew) {
  DropTotals totals;
  totals.Update({{MakePortId(1), Dropped({{"policer", 3}, {"blocked", 1}})}}, {}, {});
  EXPECT_THAT(totals.Update({{MakePortId(1), Dropped({{"policer", 1}})}}, {}, {}),
              ElementsAre(Pair("blocked", 1), Pair("policer", 4)));
}

TEST(DropTotalsTest, WhatAPortBroughtAlongIsNotOfThisHost) {
  DropTotals totals;
  const PortId id = MakePortId(1);
  EXPECT_THAT(totals.Update({{id, Dropped({{"policer", 103}})}}, {{id, {{"policer", 100}}}}, {}),
              ElementsAre(Pair("policer", 3)));
  // The source's last word comes at the pause.
  EXPECT_THAT(totals.Update({{id, Dropped({{"policer", 124}})}}, {{id, {{"policer", 120}}}}, {}),
              ElementsAre(Pair("policer", 4)));
}

}  // namespace
}  // namespace outrider::agent
