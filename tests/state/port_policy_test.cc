#include "vswitch/state/port_policy.h"

#include <gtest/gtest.h>

#include "tests/support/state_generator.h"

namespace outrider::state {
namespace {

using tests::MakeMac;

TEST(PortPolicyTest, CodePoints) {
  EXPECT_TRUE(Validate(DscpPolicy{.mark = 63, .outer = 0}).ok());
  EXPECT_EQ(Message(Validate(DscpPolicy{.mark = 64, .outer = {}})), "dscp 64 exceeds 63");
  EXPECT_EQ(Message(Validate(DscpPolicy{.mark = {}, .outer = 255})), "dscp 255 exceeds 63");
}

TEST(PortPolicyTest, Shapers) {
  EXPECT_TRUE(Validate(Shaper{}).ok());
  EXPECT_TRUE(Validate(Shaper{.min_kbps = 5, .max_kbps = 5, .burst_kb = 1}).ok());
  EXPECT_EQ(Message(Validate(Shaper{.min_kbps = 1, .max_kbps = 0, .burst_kb = 1})),
            "shaper without a ceiling");
  EXPECT_EQ(Message(Validate(Shaper{.min_kbps = 6, .max_kbps = 5, .burst_kb = 1})),
            "shaper guarantees 6 kb/s, more than its ceiling of 5");
  EXPECT_EQ(Message(Validate(Shaper{.min_kbps = 0, .max_kbps = 5, .burst_kb = 0})),
            "shaper without a burst");
}

TEST(PortPolicyTest, AllowedAddresses) {
  std::vector<AllowedAddress> allowed = {{.mac = MakeMac(1), .prefixes = {IpPrefix()}},
                                         {.mac = MakeMac(2), .prefixes = {}}};
  EXPECT_TRUE(Validate(allowed).ok());
  allowed[1].mac = MakeMac(1);
  EXPECT_EQ(Message(Validate(allowed)), "allowed MAC 52:54:00:00:00:01 is named twice");
  allowed[1].mac = MacAddress({1, 0, 0x5e, 0, 0, 1});
  EXPECT_EQ(Message(Validate(allowed)), "allowed MAC 01:00:5e:00:00:01 is not a unicast address");
  allowed = {{.mac = MakeMac(1), .prefixes = std::vector<IpPrefix>(kMaxAllowedRows)}};
  EXPECT_EQ(Message(Validate(allowed)), "4097 allowed MACs and prefixes, at most 4096 fit");
}

}  // namespace
}  // namespace outrider::state
