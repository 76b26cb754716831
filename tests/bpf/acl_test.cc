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

  // Rule set 1 becomes `rule_sets` random ones after the other; each judges random packets from
  // port 1 to port 2. Counts the packets allowed.
  void Compare(unsigned seed, Direction direction, int rule_sets, uint64_t* allowed) {
    std::mt19937 random(seed);
    for (int i = 0; i < rule_sets; ++i) {
      const RuleSetDescription set = RandomRuleSet(random);
      ASSERT_EQ(switch_->SetRuleSet(1, set.rules, set.default_action), absl::OkStatus());
      for (int j = 0; j < kPacketsPerSet; ++j) {
        const PacketDescription packet = RandomPacket(random);
        auto result = switch_->Run("or_from_port", Build(packet, kMacB, kMacA));
        ASSERT_TRUE(result.ok()) << result.status();
        const bool expected = ReferenceAllows(set, packet, direction);
        ASSERT_EQ(result->verdict, expected ? kRedirected : kDropped) << ToString(packet) << "\n"
                                                                      << ToString(set);
        *allowed += expected ? 1 : 0;
      }
    }
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(AclTest, IngressEqualsTheReference) {
  abi::or_port port = switch_->StandardPort(1);
  port.ingress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  uint64_t allowed = 0;
  Compare(kSeed, Direction::kIngress, kRuleSets, &allowed);
  if (HasFatalFailure()) return;
  // Both verdicts are common, and what is not allowed was dropped by the list.
  constexpr uint64_t kSent = kRuleSets * kPacketsPerSet;
  EXPECT_GT(allowed, kSent / 5);
  EXPECT_LT(allowed, kSent * 4 / 5);
  const auto drops = switch_->Drops();
  EXPECT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops.at({1, OR_DROP_ACL_INGRESS}), kSent - allowed);
  EXPECT_EQ(switch_->Stats(1).rx_packets, allowed);
}

// The same matcher, at the destination: counted there, and only there.
TEST_F(AclTest, EgressEqualsTheReference) {
  abi::or_port port = switch_->StandardPort(2);
  port.egress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(2, port), absl::OkStatus());
  uint64_t allowed = 0;
  Compare(kSeed + 1, Direction::kEgress, kRuleSets / 4, &allowed);
  if (HasFatalFailure()) return;
  constexpr uint64_t kSent = kRuleSets / 4 * kPacketsPerSet;
  const auto drops = switch_->Drops();
  EXPECT_EQ(drops.size(), 1u);
  EXPECT_EQ(drops.at({2, OR_DROP_ACL_EGRESS}), kSent - allowed);
  EXPECT_EQ(switch_->Stats(1).rx_packets, kSent);
  EXPECT_EQ(switch_->Stats(2).tx_packets, allowed);
}

}  // namespace
}  // namespace outrider::tests
