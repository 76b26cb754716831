// The eBPF matcher against the naive reference, over random rule sets and packets; fixed seed.
#include <gtest/gtest.h>

#include "tests/bpf/bpf_switch.h"
#include "tests/bpf/reference_acl.h"

namespace outrider::tests {
namespace {

constexpr unsigned kSeed = 20240817;
constexpr int kRuleSets = 400;
constexpr int kPacketsPerSet = 40;

class AclTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(AclTest, IngressEqualsTheReference) {
  std::mt19937 random(kSeed);
  abi::or_port port = switch_->StandardPort(1);
  port.ingress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  int allowed = 0;
  for (int i = 0; i < kRuleSets; ++i) {
    const RuleSetDescription set = RandomRuleSet(random);
    ASSERT_EQ(switch_->SetRuleSet(1, set.rules, set.default_action), absl::OkStatus());
    for (int j = 0; j < kPacketsPerSet; ++j) {
      const PacketDescription packet = RandomPacket(random);
      auto result = switch_->Run("or_from_port", Build(packet, kMacB, kMacA));
      ASSERT_TRUE(result.ok()) << result.status();
      const bool expected = ReferenceAllows(set, packet);
      ASSERT_EQ(result->verdict, expected ? kRedirected : kDropped) << ToString(packet) << "\n"
                                                                    << ToString(set);
      allowed += expected ? 1 : 0;
    }
  }
  // Both verdicts are common, and what is not allowed was dropped by the list.
  EXPECT_GT(allowed, kRuleSets * kPacketsPerSet / 5);
  EXPECT_LT(allowed, kRuleSets * kPacketsPerSet * 4 / 5);
  const auto drops = switch_->Drops();
  EXPECT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops.at({1, OR_DROP_ACL_INGRESS}),
            static_cast<uint64_t>(kRuleSets * kPacketsPerSet - allowed));
  EXPECT_EQ(switch_->Stats(1).rx_packets, static_cast<uint64_t>(allowed));
}

// The same matcher, at the destination: counted there, and only there.
TEST_F(AclTest, EgressEqualsTheReference) {
  std::mt19937 random(kSeed + 1);
  abi::or_port port = switch_->StandardPort(2);
  port.egress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(2, port), absl::OkStatus());
  uint64_t denied = 0;
  for (int i = 0; i < kRuleSets / 4; ++i) {
    const RuleSetDescription set = RandomRuleSet(random);
    ASSERT_EQ(switch_->SetRuleSet(1, set.rules, set.default_action), absl::OkStatus());
    for (int j = 0; j < kPacketsPerSet; ++j) {
      const PacketDescription packet = RandomPacket(random);
      auto result = switch_->Run("or_from_port", Build(packet, kMacB, kMacA));
      ASSERT_TRUE(result.ok()) << result.status();
      const bool expected = ReferenceAllows(set, packet);
      ASSERT_EQ(result->verdict, expected ? kRedirected : kDropped) << ToString(packet) << "\n"
                                                                    << ToString(set);
      denied += expected ? 0 : 1;
    }
  }
  const auto drops = switch_->Drops();
  EXPECT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops.at({2, OR_DROP_ACL_EGRESS}), denied);
  const uint64_t sent = kRuleSets / 4 * kPacketsPerSet;
  EXPECT_EQ(switch_->Stats(1).rx_packets, sent);
  EXPECT_EQ(switch_->Stats(2).tx_packets, sent - denied);
}

}  // namespace
}  // namespace outrider::tests
