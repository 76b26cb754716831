#include "vswitch/datapath/ebpf/rule_codec.h"

#include <gtest/gtest.h>

#include "tests/support/state_generator.h"

namespace outrider::datapath::ebpf {
namespace {

using tests::MakeDigest;

TEST(RuleCodecTest, IsLosslessForAnyRules) {
  tests::StateGenerator generator(5, {});
  int checked = 0;
  for (int i = 0; i < 20; ++i) {
    for (const auto& [digest, set] : generator.Next().rule_sets) {
      const auto row = EncodeRuleSet(digest, set);
      ASSERT_TRUE(row.ok());
      EXPECT_EQ(DecodeRuleSet(*row), set);
      ++checked;
    }
  }
  EXPECT_GT(checked, 20);
}

TEST(RuleCodecTest, TellsAnEmptyMatchFromAFullOne) {
  state::AclRule any;
  state::AclRule full;
  full.src = *IpPrefix::Parse("0.0.0.0/0");
  full.dst = *IpPrefix::Parse("::/0");
  full.src_port = state::PortRange{};
  full.icmp_type = 0;
  const state::RuleSet set{.rules = {any, full}};
  EXPECT_EQ(DecodeRuleSet(*EncodeRuleSet(MakeDigest(1), set)), set);
}

TEST(RuleCodecTest, WritesWhatTheProgramsRead) {
  state::AclRule rule;
  rule.ether = state::EtherMatch::kIpv4;
  rule.src = *IpPrefix::Parse("10.0.0.0/8");
  rule.protocol = 6;
  rule.dst_port = state::PortRange{80, 443};
  rule.action = state::AclAction::kAllow;
  const auto row = EncodeRuleSet(MakeDigest(9), {.rules = {rule}});
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->digest[0], 9);
  EXPECT_EQ(row->count, 1u);
  EXPECT_EQ(row->default_action, uint32_t{abi::OR_ACL_DROP});
  const abi::or_rule& written = row->rules[0];
  EXPECT_EQ(written.src_length, 104);
  EXPECT_EQ(written.src[11], 0xff);
  EXPECT_EQ(written.src[12], 10);
  EXPECT_EQ(written.ether, abi::OR_ETHER_IPV4);
  EXPECT_EQ(written.protocol, 6);
  EXPECT_EQ(written.dst_port_first, 80);
  EXPECT_EQ(written.dst_port_last, 443);
  EXPECT_EQ(written.action, abi::OR_ACL_ALLOW);
  EXPECT_EQ(written.flags, OR_RULE_SRC_PREFIX | OR_RULE_DST_PORT);
}

TEST(RuleCodecTest, RefusesMoreRulesThanFit) {
  state::RuleSet set;
  set.rules.resize(OR_MAX_RULES);
  EXPECT_TRUE(EncodeRuleSet(MakeDigest(1), set).ok());
  set.rules.resize(OR_MAX_RULES + 1);
  EXPECT_EQ(EncodeRuleSet(MakeDigest(1), set).status().code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
