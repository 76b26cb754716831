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

TEST_F(CompileTest, StatefulRulesMakeThePortHoldConnections) {
  const std::string allow =
      "established: ESTABLISHED_KEEP max_connections: 9 "
      "egress { action: ACL_ACTION_ALLOW }";
  v1::PortState port = With(MakeProfile("web", "red", allow)).ports(0);
  EXPECT_EQ(port.max_connections(), 0u);
  EXPECT_FALSE(port.keep_established());
  port = With(MakeProfile("web", "red", allow + "ingress { action: ACL_ACTION_ALLOW_RELATED }"))
             .ports(0);
  EXPECT_EQ(port.max_connections(), 9u);
  EXPECT_TRUE(port.keep_established());
  port = With(MakeProfile("web", "red", "ingress { action: ACL_ACTION_ALLOW_RELATED }")).ports(0);
  EXPECT_EQ(port.max_connections(), 16384u);
  EXPECT_FALSE(port.keep_established());
}

TEST_F(CompileTest, APortHasWhatItsProfileInherits) {
  PutAll(&model_, MakeProfile("base", "red", "default_action: ACL_ACTION_DROP"));
  const v1::PortState port = With(MakeChild("web", "base")).ports(0);
  EXPECT_EQ(port.vni(), 100u);
  EXPECT_FALSE(port.ingress_rule_set().empty());
  EXPECT_EQ(port.profile(), "web");
  EXPECT_TRUE(port.mac_anti_spoof());
}

TEST_F(CompileTest, AProfileIsCompiledOnceForAllHosts) {
  PutAll(&model_, MakeProfile("web", "red", "default_action: ACL_ACTION_DROP"));
  ProfileCompiler compiler;
  const auto first = compiler.Compile(model_.Effective("web"));
  EXPECT_EQ(compiler.Compile(model_.Effective("web")), first);
  PutAll(&model_, MakeHost("h2", 2));
  EXPECT_EQ(compiler.Compile(model_.Effective("web")), first) << "another object changed";
  PutAll(&model_, MakeProfile("web", "red", "default_action: ACL_ACTION_REJECT"));
  const auto second = compiler.Compile(model_.Effective("web"));
  EXPECT_NE(second, first);
  EXPECT_EQ(second->ingress->default_action(), v1::ACL_ACTION_REJECT);
  EXPECT_TRUE(Equal(ComputeHostState(model_, "h1"), ComputeHostState(model_, "h1", &compiler)));
}

}  // namespace
}  // namespace outrider::controller
