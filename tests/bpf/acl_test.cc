// The whole way of a frame through or_from_port against the naive reference, over random rule sets
// and real packets; fixed seeds. The mass of verdicts is in acl_batch_test.cc.
#include <gtest/gtest.h>

#include "tests/bpf/bpf_switch.h"
#include "tests/bpf/random_acl.h"

namespace outrider::tests {
namespace {

// Without the rules' memory: what an allow-related rule has let through passes the next time
// whatever the list says (connection_test.cc).
state::RuleSet Stateless(state::RuleSet set) {
  const auto forget = [](state::AclAction* action) {
    if (*action == state::AclAction::kAllowRelated) *action = state::AclAction::kAllow;
  };
  for (state::AclRule& rule : set.rules) forget(&rule.action);
  forget(&set.default_action);
  return set;
}

constexpr unsigned kSeed = 20240817;
constexpr int kRuleSets = 150;
constexpr int kPacketsPerSet = 100;

class AclTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  // Rule set 1 becomes `rule_sets` random ones after the other; each judges random packets from
  // port 1 to port 2. Counts the packets allowed.
  void Compare(unsigned seed, int rule_sets, uint64_t* allowed) {
    RandomAcl random(seed);
    constexpr size_t kSizes[] = {0, 1, 3, 8, 20, 100};
    for (int i = 0; i < rule_sets; ++i) {
      const state::RuleSet set =
          Stateless(random.RuleSet(i % 2 == 0 ? RandomAcl::Style::kMixed : RandomAcl::Style::kDense,
                                   kSizes[random.Below(std::size(kSizes))]));
      ASSERT_EQ(switch_->SetRuleSet(1, set), absl::OkStatus());
      for (int j = 0; j < kPacketsPerSet; ++j) {
        PacketDescription packet = random.Packet();
        packet.src_mac = Mac(kMacA);
        packet.dst_mac = Mac(kMacB);
        packet.vlan = 0;
        auto result = switch_->Run("or_from_port", Build(packet));
        ASSERT_TRUE(result.ok()) << result.status();
        const ReferenceVerdict expected = Judge(set, {}, packet);
        // To port 2; what is rejected may come back to port 1 as an answer.
        const bool passed = result->verdict == kRedirected && result->mark == (OR_MARK_MAGIC | 2);
        ASSERT_EQ(passed, expected.allows())
            << ToString(packet) << "\n"
            << (expected.rule == 0 ? "no rule" : ToString(set.rules[expected.rule - 1]));
        *allowed += expected.allows() ? 1 : 0;
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
  Compare(kSeed, kRuleSets, &allowed);
  if (HasFatalFailure()) return;
  // Both verdicts are common, and what is not allowed was dropped by the list.
  constexpr uint64_t kSent = kRuleSets * kPacketsPerSet;
  EXPECT_GT(allowed, kSent / 5);
  EXPECT_LT(allowed, kSent * 4 / 5);
  EXPECT_EQ(switch_->DroppedPackets(1), kSent - allowed);
  EXPECT_EQ(switch_->Stats(1).rx_packets, allowed);
}

// The same matcher, at the destination: counted there, and only there.
TEST_F(AclTest, EgressEqualsTheReference) {
  abi::or_port port = switch_->StandardPort(2);
  port.egress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(2, port), absl::OkStatus());
  uint64_t allowed = 0;
  Compare(kSeed + 1, kRuleSets / 3, &allowed);
  if (HasFatalFailure()) return;
  constexpr uint64_t kSent = kRuleSets / 3 * kPacketsPerSet;
  EXPECT_EQ(switch_->DroppedPackets(2), kSent - allowed);
  EXPECT_EQ(switch_->DroppedPackets(1), 0u);
  EXPECT_EQ(switch_->Stats(1).rx_packets, kSent);
  EXPECT_EQ(switch_->Stats(2).tx_packets, allowed);
}

}  // namespace
}  // namespace outrider::tests
