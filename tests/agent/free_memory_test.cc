// Memory is given back when the passes of the reconciler are over for a while, once.
#include "vswitch/agent/free_memory.h"

#include <gtest/gtest.h>

#include "tests/agent/manual_executor.h"

namespace outrider::agent {
namespace {

class FreeMemoryTest : public ::testing::Test {
 protected:
  void Pass() { memory_.Follow(state::HostState(), state::HostState()); }

  ManualExecutor executor_;
  int given_back_ = 0;
  FreeMemory memory_{&executor_, [this] { ++given_back_; }};
};

TEST_F(FreeMemoryTest, NothingIsDoneWithoutAPass) {
  executor_.Advance(10 * FreeMemory::kQuiet);
  EXPECT_EQ(given_back_, 0);
}

TEST_F(FreeMemoryTest, OnceAfterManyPasses) {
  for (int pass = 0; pass < 10; ++pass) {
    Pass();
    executor_.Advance(FreeMemory::kQuiet / 2);
    EXPECT_EQ(given_back_, 0) << "the next pass may want it";
  }
  executor_.Advance(10 * FreeMemory::kQuiet);
  EXPECT_EQ(given_back_, 1);
}

TEST_F(FreeMemoryTest, AgainAfterTheNextPass) {
  Pass();
  executor_.Advance(FreeMemory::kQuiet);
  EXPECT_EQ(given_back_, 1);
  Pass();
  executor_.Advance(FreeMemory::kQuiet);
  EXPECT_EQ(given_back_, 2);
}

}  // namespace
}  // namespace outrider::agent
