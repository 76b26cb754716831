#include "vswitch/agent/port_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vswitch/types/status.h"

namespace outrider::agent {
namespace {

using ::testing::HasSubstr;

TEST(PortDataTest, HasOneText) {
  const PortData data{"mig-0a1b2c3d", Epoch{7}};
  EXPECT_EQ(ToString(data), "outrider-1.mig-0a1b2c3d.7");
  EXPECT_EQ(*ParsePortData(ToString(data)), data);
  const PortData dotted{"a.b.3", Epoch{UINT64_MAX}};
  EXPECT_EQ(*ParsePortData(ToString(dotted)), dotted);
}

// Open vSwitch prints such a string bare: it begins with a letter, and holds [A-Za-z0-9_.-] only.
TEST(PortDataTest, NeedsNoQuotes) {
  const std::string text = ToString({"mig-0a1b2c3d", Epoch{7}});
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-."), std::string::npos);
}

TEST(PortDataTest, NothingElseIsTaken) {
  for (const std::string text :
       {"", "outrider-1.", "outrider-1.m", "outrider-1.m.", "outrider-1..7", "outrider-1.m.-7",
        "outrider-1.m.+7", "outrider-1.m.07", "outrider-1.m. 7", "outrider-1.M.7", "outrider-2.m.7",
        "outrider-1.m.7 ", "outrider-1.m.18446744073709551616", "\"outrider-1.m.7\"",
        "{foo=bar}"}) {
    EXPECT_EQ(ParsePortData(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(ParsePortData("outrider-1." + std::string(64, 'm') + ".7").ok());
  EXPECT_TRUE(ParsePortData("outrider-1." + std::string(63, 'm') + ".7").ok());
}

TEST(PortDataTest, WhatIsRefusedIsNotRepeatedWhenItIsLongOrStrange) {
  EXPECT_THAT(Message(ParsePortData("foreign").status()), HasSubstr("\"foreign\""));
  EXPECT_THAT(Message(ParsePortData("a\nb").status()), HasSubstr("a text of 3 bytes"));
  EXPECT_THAT(Message(ParsePortData(std::string(1000000, 'a')).status()),
              HasSubstr("a text of 1000000 bytes"));
}

}  // namespace
}  // namespace outrider::agent
