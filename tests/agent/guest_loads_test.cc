#include "vswitch/agent/guest_loads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "tests/agent/manual_executor.h"

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class GuestLoadsTest : public ::testing::Test {
 protected:
  // What the device's reader takes from now on; the kernel tells of it.
  void Set(const std::string& device, bool on) {
    takes_[device] = on;
    loads_.Changed(device);
  }

  ManualExecutor executor_;
  std::map<std::string, bool> takes_;
  std::vector<std::pair<std::string, int64_t>> loaded_;
  GuestLoads loads_{{.executor = &executor_,
                     .takes_checksums = [this](const std::string& device) -> absl::StatusOr<bool> {
                       const auto found = takes_.find(device);
                       if (found == takes_.end()) return absl::NotFoundError("gone");
                       return found->second;
                     },
                     .clock = [this] { return executor_.now().count(); },
                     .loaded = [this](const std::string& device,
                                      int64_t time_us) { loaded_.emplace_back(device, time_us); }}};
};

TEST_F(GuestLoadsTest, AGuestIsLoadedWhenItsTapTakesWhatItTook) {
  executor_.Advance(Executor::Duration(70));
  Set("tap0", true);
  executor_.Advance(GuestLoads::kSettle - Executor::Duration(1));
  EXPECT_THAT(loaded_, IsEmpty());
  executor_.Advance(Executor::Duration(1));
  EXPECT_THAT(loaded_, ElementsAre(Pair("tap0", 70)));
}

TEST_F(GuestLoadsTest, AQemuThatTriesTheTapHasLoadedNothing) {
  Set("tap0", true);
  executor_.Advance(Executor::Duration(200));
  Set("tap0", false);
  executor_.Advance(10 * GuestLoads::kSettle);
  EXPECT_THAT(loaded_, IsEmpty());
  // And then it does.
  Set("tap0", true);
  executor_.Advance(GuestLoads::kSettle);
  EXPECT_EQ(loaded_.size(), 1u);
}

TEST_F(GuestLoadsTest, SeveralChangesAreOneLoadAndDevicesApart) {
  Set("tap0", true);
  executor_.Advance(Executor::Duration(50));
  Set("tap1", true);
  Set("tap0", true);
  executor_.Advance(2 * GuestLoads::kSettle);
  EXPECT_THAT(loaded_, ElementsAre(Pair("tap0", 0), Pair("tap1", 50)));
}

TEST_F(GuestLoadsTest, ADeviceThatHasGoneIsNothing) {
  Set("tap0", true);
  takes_.clear();
  executor_.Advance(GuestLoads::kSettle);
  EXPECT_THAT(loaded_, IsEmpty());
}

}  // namespace
}  // namespace outrider::agent
