#include "vswitch/agent/underlay_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/agent/manual_executor.h"
#include "tests/support/netns_fixture.h"

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Path final : public datapath::UnderlayPath {
 public:
  void RefreshUnderlay(const std::optional<sys::NextHop>& hop) override {
    refreshed.push_back(hop ? hop->ifindex : 0);
  }
  void RenewUnderlay() override { ++renewed; }
  absl::StatusOr<datapath::UnderlayCounters> ReadUnderlay() override {
    return absl::UnimplementedError("none");
  }

  std::vector<int> refreshed;  // 0: all
  int renewed = 0;
};

class UnderlayWatchTest : public ::testing::Test {
 protected:
  void RoutesChange() { watch_.OnEvent({.kind = sys::NextHopEvent::Kind::kRoutes}); }
  void NeighborChanges(int ifindex) {
    watch_.OnEvent({.kind = sys::NextHopEvent::Kind::kNeighbor,
                    .hop = {.ifindex = ifindex, .neighbor = IpAddress()}});
  }

  ManualExecutor executor_;
  Path path_;
  UnderlayWatch watch_{&executor_, &path_};
};

TEST_F(UnderlayWatchTest, RoutesThatGoOnChangingAreLookedAtNowAndThen) {
  RoutesChange();
  RoutesChange();
  executor_.RunReady();
  EXPECT_THAT(path_.refreshed, ElementsAre(0));
  RoutesChange();
  executor_.Advance(UnderlayWatch::kPause - Executor::Duration(1));
  EXPECT_THAT(path_.refreshed, ElementsAre(0));
  RoutesChange();
  executor_.Advance(Executor::Duration(1));
  EXPECT_THAT(path_.refreshed, ElementsAre(0, 0)) << "the last one counts";
  executor_.Advance(10 * UnderlayWatch::kPause);
  EXPECT_THAT(path_.refreshed, ElementsAre(0, 0));
  RoutesChange();
  executor_.RunReady();
  EXPECT_THAT(path_.refreshed, ElementsAre(0, 0, 0)) << "at once again";
}

TEST_F(UnderlayWatchTest, ANeighborIsAMatterOfItsOwn) {
  NeighborChanges(7);
  NeighborChanges(8);
  executor_.RunReady();
  EXPECT_THAT(path_.refreshed, ElementsAre(7, 8));
}

TEST_F(UnderlayWatchTest, SaysThatItListensAsLongAsItDoes) {
  const tests::NetworkNamespace quiet;
  const tests::NetnsScope scope(quiet);
  ASSERT_EQ(watch_.Start(), absl::OkStatus());
  executor_.Advance(5 * UnderlayWatch::kRenewal);
  EXPECT_EQ(path_.renewed, 5);
  EXPECT_THAT(path_.refreshed, ElementsAre(0)) << "of what changed before it listened";
  watch_.Stop();
  RoutesChange();
  NeighborChanges(7);
  executor_.Advance(5 * UnderlayWatch::kRenewal);
  EXPECT_EQ(path_.renewed, 5);
  EXPECT_THAT(path_.refreshed, ElementsAre(0));
}

}  // namespace
}  // namespace outrider::agent
