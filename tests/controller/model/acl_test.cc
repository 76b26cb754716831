#include "controller/model/acl.h"

#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

// One line per compiled rule.
std::vector<std::string> Compiled(const Model& model, const std::string& acl) {
  std::vector<std::string> lines;
  for (const auto& rule : CompileRules(model, Parse<v1::AclSection>(acl).ingress())) {
    const char* const families[] = {"any", "ip4", "ip6", "arp"};
    lines.push_back(fmt::format(
        "{} {} src={} dst={} proto={}", rule.action() == v1::ACL_ACTION_DROP ? "drop" : "allow",
        families[rule.ether_type()], rule.src_prefix(), rule.dst_prefix(), rule.protocol()));
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(AclTest, HigherPriorityFirstThenDropThenAsGiven) {
  EXPECT_EQ(Compiled(Model(), R"(
      ingress { priority: 1 match { protocol: "1" } action: ACL_ACTION_ALLOW }
      ingress { priority: 5 match { protocol: "2" } action: ACL_ACTION_ALLOW }
      ingress { priority: 5 match { protocol: "3" } action: ACL_ACTION_DROP }
      ingress { priority: 5 match { protocol: "4" } action: ACL_ACTION_ALLOW }
      ingress { priority: 9 match { protocol: "5" } action: ACL_ACTION_ALLOW })"),
            (Lines{"allow any src= dst= proto=5", "drop any src= dst= proto=3",
                   "allow any src= dst= proto=2", "allow any src= dst= proto=4",
                   "allow ip4 src= dst= proto=1"}));
}

TEST(AclTest, FamilyFollowsPrefixAndProtocol) {
  EXPECT_EQ(Compiled(Model(), R"(
      ingress { match { src_prefix: "10.0.0.0/8" protocol: "tcp" } action: ACL_ACTION_ALLOW }
      ingress { match { dst_prefix: "2001:db8::/32" } action: ACL_ACTION_ALLOW }
      ingress { match { protocol: "icmpv6" } action: ACL_ACTION_ALLOW }
      ingress { match { ether_type: ETHER_TYPE_ARP } action: ACL_ACTION_ALLOW }
      ingress { match { protocol: "udp" } action: ACL_ACTION_ALLOW })"),
            (Lines{"allow ip4 src=10.0.0.0/8 dst= proto=6",
                   "allow ip6 src= dst=2001:db8::/32 proto=0", "allow ip6 src= dst= proto=58",
                   "allow arp src= dst= proto=0", "allow any src= dst= proto=17"}));
}

TEST(AclTest, GroupsExpandToPairsOfOneFamily) {
  Model model;
  PutAll(&model, MakeGroup("a", {"10.0.0.0/8", "2001:db8::/32"}),
         MakeGroup("b", {"172.16.0.0/12", "192.168.0.0/16", "2001:db9::/32"}),
         MakeGroup("none", {}));
  const std::string rule = R"(
      ingress { match { src_group: "a" dst_group: "b" } action: ACL_ACTION_ALLOW })";
  EXPECT_EQ(Compiled(model, rule),
            (Lines{"allow ip4 src=10.0.0.0/8 dst=172.16.0.0/12 proto=0",
                   "allow ip4 src=10.0.0.0/8 dst=192.168.0.0/16 proto=0",
                   "allow ip6 src=2001:db8::/32 dst=2001:db9::/32 proto=0"}));
  EXPECT_EQ(CountCompiled(model, Parse<v1::AclSection>(rule).ingress()), 3u);
  EXPECT_EQ(Compiled(model, R"(
      ingress { match { src_group: "a" protocol: "icmp" } action: ACL_ACTION_DROP })"),
            (Lines{"drop ip4 src=10.0.0.0/8 dst= proto=1"}));
  EXPECT_EQ(Compiled(model, R"(
      ingress { match { src_group: "none" } action: ACL_ACTION_DROP })"),
            Lines{});
}

TEST(AclTest, DefaultAction) {
  EXPECT_EQ(DefaultAction(v1::AclSection()), v1::ACL_ACTION_ALLOW);
  EXPECT_EQ(DefaultAction(Parse<v1::AclSection>("egress { action: ACL_ACTION_ALLOW }")),
            v1::ACL_ACTION_DROP);
  EXPECT_EQ(DefaultAction(Parse<v1::AclSection>("default_action: ACL_ACTION_DROP")),
            v1::ACL_ACTION_DROP);
}

}  // namespace
}  // namespace outrider::controller
