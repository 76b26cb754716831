// A profile as the host gets it, seen through ComputeHostState.
#include "controller/compute/compute.h"
#include "proto/digest.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

class CompileTest : public testing::Test {
 protected:
  CompileTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeHost("h1", 1), MakePort(1, "web", "h1"));
  }
  v1::HostState With(const v1::Profile& profile) {
    PutAll(&model_, profile);
    return ComputeHostState(model_, "h1");
  }
  Model model_;
};

TEST_F(CompileTest, ProfileWithoutSectionsAllowsEverything) {
  const v1::HostState state = With(MakeProfile("web", "red"));
  EXPECT_TRUE(state.rule_sets().empty());
  EXPECT_EQ(state.ports(0).ingress_rule_set(), "");
  EXPECT_EQ(state.ports(0).egress_rule_set(), "");
  EXPECT_FALSE(state.ports(0).has_ingress_policer());
  EXPECT_TRUE(state.ports(0).mac_anti_spoof());
}

TEST_F(CompileTest, SectionWithRulesDropsTheRestInBothDirections) {
  const v1::HostState state = With(
      MakeProfile("web", "red", "ingress { match { protocol: 'tcp' } action: ACL_ACTION_ALLOW }"));
  ASSERT_EQ(state.rule_sets_size(), 2);
  for (const v1::RuleSet& set : state.rule_sets()) {
    EXPECT_EQ(set.default_action(), v1::ACL_ACTION_DROP);
    EXPECT_EQ(set.digest(), v1::RuleSetDigest(set));
    const bool is_ingress = set.digest() == state.ports(0).ingress_rule_set();
    EXPECT_EQ(set.rules_size(), is_ingress ? 1 : 0);
  }
  EXPECT_NE(state.ports(0).ingress_rule_set(), state.ports(0).egress_rule_set());
}

TEST_F(CompileTest, EqualDirectionsShareARuleSet) {
  const v1::HostState state = With(MakeProfile("web", "red", "default_action: ACL_ACTION_DROP"));
  EXPECT_EQ(state.rule_sets_size(), 1);
  EXPECT_EQ(state.ports(0).ingress_rule_set(), state.ports(0).egress_rule_set());
}

TEST_F(CompileTest, PolicerBurstIsExplicit) {
  const auto burst_of = [&](uint64_t rate_kbps, uint64_t burst_kb) {
    v1::Profile profile = MakeProfile("web", "red");
    profile.mutable_qos()->mutable_ingress_policer()->set_rate_kbps(rate_kbps);
    profile.mutable_qos()->mutable_ingress_policer()->set_burst_kb(burst_kb);
    return With(profile).ports(0).ingress_policer().burst_kb();
  };
  EXPECT_EQ(burst_of(10'000, 0), 1049u);
  EXPECT_EQ(burst_of(1'000'000, 0), 10'000u);
  EXPECT_EQ(burst_of(10'000, 77), 77u);
}

TEST_F(CompileTest, AntiSpoofCanBeOff) {
  v1::Profile profile = MakeProfile("web", "red");
  profile.mutable_security()->set_mac_anti_spoof(v1::SecuritySection::MAC_ANTI_SPOOF_OFF);
  EXPECT_FALSE(With(profile).ports(0).mac_anti_spoof());
}

}  // namespace
}  // namespace outrider::controller
