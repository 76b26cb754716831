#include "vswitch/types/vtep_pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

IpAddress Ip(const std::string& text) { return *IpAddress::Parse(text); }

TEST(VtepPair, TakesOneOfEachFamilyInAnyOrder) {
  const auto pair = VtepPair::Parse({"fd00::1", "10.0.0.1"});
  ASSERT_TRUE(pair.ok()) << pair.status();
  EXPECT_THAT(pair->All(), ElementsAre(Ip("10.0.0.1"), Ip("fd00::1")));
  EXPECT_EQ(pair->ToString(), "10.0.0.1, fd00::1");
  EXPECT_TRUE(pair->Has(Ip("fd00::1")));
  EXPECT_FALSE(pair->Has(Ip("fd00::2")));
  EXPECT_EQ(*pair, *VtepPair::Parse({"10.0.0.1", "fd00::1"}));
}

TEST(VtepPair, OverheadIsThatOfTheFamilyInUse) {
  EXPECT_EQ(VtepPair::Parse({"10.0.0.1"})->Overhead(), 50u);
  EXPECT_EQ(VtepPair::Parse({"10.0.0.1", "fd00::1"})->Overhead(), 50u);
  EXPECT_EQ(VtepPair::Parse({"fd00::1"})->Overhead(), 70u);
}

struct BadPair {
  std::vector<std::string> texts;
  const char* error;
};

TEST(VtepPair, RefusesWhatCannotBeAnEndPoint) {
  const BadPair cases[] = {
      {{}, "no tunnel address"},
      {{"host1"}, "\"host1\" is neither"},
      {{"10.0.0.1", "10.0.0.2"}, "10.0.0.1 and 10.0.0.2 are of one family"},
      {{"fd00::1", "fd00::1"}, "of one family"},
      {{"0.0.0.0"}, "no host's address"},
      {{"::"}, "no host's address"},
      {{"239.1.1.1"}, "no unicast"},
      {{"255.255.255.255"}, "no unicast"},
      {{"ff02::1"}, "no unicast"},
      {{"fe80::1"}, "fe80::1 is link-local"},
      {{"169.254.1.1"}, "link-local"},
  };
  for (const BadPair& bad : cases) {
    const auto pair = VtepPair::Parse(bad.texts);
    EXPECT_EQ(pair.status().code(), absl::StatusCode::kInvalidArgument) << bad.error;
    EXPECT_THAT(std::string(pair.status().message()), HasSubstr(bad.error));
  }
}

}  // namespace
}  // namespace outrider
