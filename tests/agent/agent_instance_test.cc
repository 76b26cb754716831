#include "vswitch/agent/agent_instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace outrider::agent {
namespace {

constexpr char kDirectory[] = "0b0f6a52-7a3e-4d0b-9a6e-0e5b9c6a1d11";
constexpr char kOtherDirectory[] = "1b0f6a52-7a3e-4d0b-9a6e-0e5b9c6a1d11";

TEST(AgentInstance, IsTheSameAfterARestart) {
  const auto instance = AgentInstance(kDirectory);
  ASSERT_TRUE(instance.ok()) << instance.status();
  EXPECT_EQ(AgentInstance(kDirectory), instance);
  EXPECT_THAT(*instance, ::testing::MatchesRegex("[0-9a-f-]{64,127}"));
}

TEST(AgentInstance, TellsDirectoriesApart) {
  EXPECT_NE(AgentInstance(kDirectory), AgentInstance(kOtherDirectory));
}

TEST(AgentInstance, TellsACopyInAnotherNetworkNamespaceApart) {
  absl::StatusOr<std::string> elsewhere;
  std::thread([&] {
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    elsewhere = AgentInstance(kDirectory);
  }).join();
  ASSERT_TRUE(elsewhere.ok()) << elsewhere.status();
  EXPECT_NE(elsewhere, AgentInstance(kDirectory));
}

}  // namespace
}  // namespace outrider::agent
