// Failpoints: what their variable may say, and what an armed place does.
#include "proto/failpoint.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

namespace outrider {
namespace {

using Action = FailpointOrder::Action;

std::string Refused(const std::string& text) {
  const auto orders = ParseFailpoints(text);
  EXPECT_EQ(orders.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(orders.status().message());
}

Failpoints Armed(const std::string& text) { return Failpoints(ParseFailpoints(text).value()); }

TEST(FailpointTest, ParsesActionsAndPassings) {
  const auto orders = ParseFailpoints(
      "controller.before-commit.armed=crash,agent.after-apply=stall:250@3,"
      "controller.after-commit.switching=error@1");
  ASSERT_TRUE(orders.ok()) << orders.status();
  ASSERT_EQ(orders->size(), 3u);
  EXPECT_EQ((*orders)[0].name, "controller.before-commit.armed");
  EXPECT_EQ((*orders)[0].action, Action::kCrash);
  EXPECT_EQ((*orders)[0].passing, 0u);
  EXPECT_EQ((*orders)[1].action, Action::kStall);
  EXPECT_EQ((*orders)[1].stall_ms, 250);
  EXPECT_EQ((*orders)[1].passing, 3u);
  EXPECT_EQ((*orders)[2].action, Action::kError);
  EXPECT_EQ((*orders)[2].passing, 1u);
  EXPECT_TRUE(ParseFailpoints("")->empty());
}

TEST(FailpointTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(Refused("agent.before-apply"),
            "OUTRIDER_FAILPOINTS: \"agent.before-apply\": is not NAME=ACTION");
  EXPECT_EQ(Refused("agent.befor-apply=crash"),
            "OUTRIDER_FAILPOINTS: \"agent.befor-apply=crash\": there is no failpoint "
            "\"agent.befor-apply\"");
  EXPECT_EQ(Refused("agent.before-apply=error"),
            "OUTRIDER_FAILPOINTS: \"agent.before-apply=error\": agent.before-apply cannot fail; "
            "crash or stall it");
  for (const char* action :
       {"", "crsh", "stall", "stall:", "stall:0", "stall:-1", "stall:1s", "stall:3600001"}) {
    EXPECT_EQ(Refused(std::string("agent.before-apply=") + action),
              std::string("OUTRIDER_FAILPOINTS: \"agent.before-apply=") + action + "\": \"" +
                  action + "\" is not crash, error or stall:MS, MS in 1..3600000");
  }
  for (const char* passing : {"@", "@0", "@x", "@-1", "@1 "}) {
    EXPECT_EQ(Refused(std::string("agent.before-apply=crash") + passing),
              std::string("OUTRIDER_FAILPOINTS: \"agent.before-apply=crash") + passing + "\": \"" +
                  passing + "\" is not @N, N from 1");
  }
}

TEST(FailpointTest, FailsAtItsPassingOnly) {
  Failpoints failpoints = Armed("controller.before-commit.armed=error@2");
  EXPECT_TRUE(failpoints.Pass("controller.before-commit.armed").ok());
  EXPECT_TRUE(failpoints.Pass("controller.after-commit.armed").ok()) << "another place";
  EXPECT_EQ(failpoints.Pass("controller.before-commit.armed"),
            absl::UnavailableError("failpoint controller.before-commit.armed"));
  EXPECT_TRUE(failpoints.Pass("controller.before-commit.armed").ok());
}

TEST(FailpointTest, FailsAtEachPassingWithoutANumber) {
  Failpoints failpoints = Armed("controller.before-commit.armed=error");
  for (int n = 0; n < 3; ++n) {
    EXPECT_EQ(failpoints.Pass("controller.before-commit.armed").code(),
              absl::StatusCode::kUnavailable);
  }
}

TEST(FailpointTest, StallsForAsLongAsItSays) {
  Failpoints failpoints = Armed("agent.before-apply=stall:30@1");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(failpoints.Pass("agent.before-apply").ok());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(30));
}

TEST(FailpointDeathTest, CrashesAsByKill9AndSaysWhere) {
  EXPECT_EXIT(
      {
        Failpoints failpoints = Armed("agent.after-receipt=crash@2");
        failpoints.Pass("agent.after-receipt").IgnoreError();
        failpoints.Pass("agent.after-receipt").IgnoreError();
      },
      ::testing::KilledBySignal(SIGKILL), "failpoint agent.after-receipt: crash at passing 2");
}

// In a process of its own: what is armed stays so.
TEST(FailpointDeathTest, TheProcessIsArmedByItsVariable) {
  EXPECT_EXIT(
      {
        const bool before = FailpointsArmed() || !ArmFailpoints(nullptr).ok() ||
                            !ArmFailpoints("").ok() || FailpointsArmed() ||
                            !Failpoint("controller.before-commit.armed").ok();
        const bool armed = ArmFailpoints("controller.before-commit.armed=error").ok() &&
                           FailpointsArmed() && !Failpoint("controller.before-commit.armed").ok() &&
                           Failpoint("controller.after-commit.armed").ok();
        std::_Exit(!before && armed ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "failpoint controller.before-commit.armed: error at passing 1");
}

TEST(FailpointDeathTest, AWrongVariableArmsNothing) {
  EXPECT_FALSE(ArmFailpoints("agent.before-apply=").ok());
  EXPECT_FALSE(FailpointsArmed());
}

}  // namespace
}  // namespace outrider
