#include "vswitch/datapath/ebpf/acl/compiler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/state_generator.h"

namespace outrider::datapath::ebpf {
namespace {

using ::testing::HasSubstr;
using tests::MakeDigest;

using Lines = std::vector<abi::or_acl_line>;

template <typename Struct>
Struct At(const Lines& image, uint32_t line) {
  Struct content;
  std::memcpy(&content, &image[line], sizeof(content));
  return content;
}

state::AclRule From(const std::string& prefix, uint16_t port) {
  state::AclRule rule;
  rule.src = *IpPrefix::Parse(prefix);
  rule.dst_port = state::PortRange{port, port};
  return rule;
}

Lines Compile(const std::vector<state::AclRule>& rules) {
  return CompileRuleSet(MakeDigest(1), {.rules = rules}).value();
}

TEST(CompilerTest, OnlyFieldsThatRulesNameAreDimensions) {
  EXPECT_EQ(At<abi::or_acl_header>(Compile({}), 0).dimensions, 0u);
  EXPECT_EQ(At<abi::or_acl_header>(Compile({state::AclRule()}), 0).dimensions, 0u);
  const Lines image = Compile({From("10.0.0.0/8", 80)});
  const auto header = At<abi::or_acl_header>(image, 0);
  ASSERT_EQ(header.dimensions, 3u);
  EXPECT_EQ(header.rules, 1u);
  // The ethertype, which a prefix implies, the address and the port.
  const auto address = At<abi::or_acl_dimension>(image, OR_ACL_FIRST_DIMENSION + 1);
  EXPECT_EQ(address.field, abi::OR_ACL_SRC_ADDRESS);
  EXPECT_EQ(address.depth, 1);
  EXPECT_EQ(address.intervals, 3u) << "before, within and behind the prefix";
}

// Rules apart share no record; the same rules under another key do.
TEST(CompilerTest, ARecordIsWrittenOncePerContent) {
  std::vector<state::AclRule> rules;
  for (int i = 0; i < 200; ++i) rules.push_back(From("10.0.0.0/8", 80));
  const size_t one_class = Compile(rules).size();
  for (auto& rule : rules) rule.dst_port = state::PortRange{80, 81};
  EXPECT_EQ(Compile(rules).size(), one_class);
}

TEST(CompilerTest, GrowsWithTheRulesAndNotWithTheirProduct) {
  const auto image_of = [](uint32_t rules) {
    std::vector<state::AclRule> list;
    for (uint32_t i = 0; i < rules; ++i) {
      list.push_back(From("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                          static_cast<uint16_t>(i)));
    }
    return Compile(list).size();
  };
  EXPECT_LT(image_of(10000), image_of(1000) * 15);
}

TEST(CompilerTest, NamesTheLimitOfRules) {
  state::RuleSet set;
  set.rules.resize(OR_MAX_RULES);
  EXPECT_TRUE(CompileRuleSet(MakeDigest(1), set).ok());
  set.rules.resize(OR_MAX_RULES + 1);
  const absl::Status status = CompileRuleSet(MakeDigest(1), set).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(status), HasSubstr("10241 rules, at most 10240 fit"));
}

TEST(CompilerTest, FindsTheRulesOfAGroup) {
  std::vector<state::AclRule> rules(70);
  rules[3].src_group = "address/web";
  rules[69].src_group = "address/web";
  rules[69].dst_group = "port/db";
  const GroupRules found = FindGroupRules({.rules = rules});
  ASSERT_EQ(found.source.size(), 1u);
  EXPECT_TRUE(found.source.at("address/web").Contains(3));
  EXPECT_TRUE(found.source.at("address/web").Contains(69));
  EXPECT_EQ(found.source.at("address/web").summary()[0], 3u);
  EXPECT_TRUE(found.destination.at("port/db").Contains(69));
  EXPECT_FALSE(found.destination.at("port/db").Contains(3));
}

}  // namespace
}  // namespace outrider::datapath::ebpf
