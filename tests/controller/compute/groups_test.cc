// Groups on hosts: members beside the rule sets, sent where a rule set names the group and nowhere
// else.
#include "controller/compute/compute.h"
#include "controller/compute/delta.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using Hosts = std::set<std::string>;
using Members = std::vector<std::string>;

class GroupsTest : public testing::Test {
 protected:
  // h1 uses group g by profile web, h2 port group pg by profile db, h3 neither.
  GroupsTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeHost("h1", 1), MakeHost("h2", 2),
           MakeHost("h3", 3), MakeGroup("g", {"10.0.0.0/8"}), MakeGroup("unused", {"10.9.0.0/16"}),
           MakeProfile("web", "red", Rule("src_group: 'g'")),
           MakeProfile("db", "red", Rule("dst_port_group: 'pg'")), MakeProfile("open", "red"),
           MakePort(1, "web", "h1"), MakePort(2, "db", "h2"), MakePort(3, "open", "h3"),
           MakePortGroup("pg", {1, 3}));
  }
  static std::string Rule(const std::string& match) {
    return "ingress { match { " + match + " } action: ACL_ACTION_ALLOW }";
  }
  v1::HostState State(const std::string& host) const { return ComputeHostState(model_, host); }
  Members MembersAt(const std::string& host) const {
    Members members;
    const v1::HostState state = State(host);
    for (const auto& member : state.group_members()) {
      members.push_back(member.group() + " " + member.prefix());
    }
    return members;
  }
  Model model_;
};

TEST_F(GroupsTest, HostsHaveTheMembersTheirRulesName) {
  EXPECT_EQ(MembersAt("h1"), Members{"address/g 10.0.0.0/8"});
  EXPECT_EQ(MembersAt("h2"), (Members{"port/pg 192.168.0.2/32", "port/pg 192.168.0.4/32"}));
  EXPECT_EQ(MembersAt("h3"), Members{});
  EXPECT_EQ(State("h1").rule_sets(0).rules_size() + State("h1").rule_sets(1).rules_size(), 1);
}

TEST_F(GroupsTest, AMemberChangesNoRuleSetAndReachesItsUsersOnly) {
  const v1::HostState before = State("h1");
  const Change change = Apply(&model_, MakeGroup("g", {"10.0.0.0/8", "10.1.0.0/16"}));
  EXPECT_EQ(AffectedHosts(model_, change), Hosts{"h1"});
  const v1::HostStateDelta delta = ComputeDelta(before, State("h1"));
  EXPECT_TRUE(Equal(delta, Parse<v1::HostStateDelta>(R"(
      upserts { group_members { group: "address/g" prefix: "10.1.0.0/16" } } deletes {})")))
      << delta.DebugString();
  EXPECT_TRUE(AffectedHosts(model_, Apply(&model_, MakeGroup("unused", {}))).empty());
}

TEST_F(GroupsTest, PortGroupsFollowTheAddressesOfTheirPorts) {
  v1::Port port = MakePort(3, "open", "h3");
  port.set_ips(0, "192.168.7.7");
  const Change moved = Apply(&model_, port);
  EXPECT_EQ(AffectedHosts(model_, moved), (Hosts{"h1", "h2", "h3"})) << "they share a segment";
  EXPECT_EQ(MembersAt("h2"), (Members{"port/pg 192.168.0.2/32", "port/pg 192.168.7.7/32"}));
  // On no host and in no segment: only the users of its groups can tell.
  PutAll(&model_, MakePort(4, ""), MakePortGroup("pg", {4}));
  port = MakePort(4, "");
  port.add_ips("2001:db8::4");
  EXPECT_EQ(AffectedHosts(model_, Apply(&model_, port)), Hosts{"h2"});
  port.set_vm_id("vm4");
  EXPECT_TRUE(AffectedHosts(model_, Apply(&model_, port)).empty());
  EXPECT_EQ(AffectedHosts(model_, Apply(&model_, MakePortGroup("pg", {}))), Hosts{"h2"});
  EXPECT_EQ(MembersAt("h2"), Members{});
}

TEST_F(GroupsTest, HostsOfProfilesThatInheritTheRulesAreReached) {
  PutAll(&model_, MakeChild("child", "web"), MakePort(3, "child", "h3"));
  EXPECT_EQ(AffectedHosts(model_, Apply(&model_, MakeGroup("g", {}))), (Hosts{"h1", "h3"}));
  // With rules of its own it has no more to do with the parent's.
  PutAll(&model_, MakeChild("child", "web", "default_action: ACL_ACTION_DROP"));
  EXPECT_EQ(AffectedHosts(model_, Apply(&model_, MakeGroup("g", {"10.0.0.0/8"}))), Hosts{"h1"});
}

TEST_F(GroupsTest, AnEditOfTheParentReachesTheChildrensHosts) {
  PutAll(&model_, MakeSegment("blue", 200), MakeChild("child", "web"), MakePort(3, "child", "h3"));
  v1::Profile web = MakeProfile("web", "red", "default_action: ACL_ACTION_DROP");
  web.set_profile_revision(2);
  EXPECT_EQ(AffectedHosts(model_, Apply(&model_, web)), (Hosts{"h1", "h3"}));
  web.set_profile_revision(3);
  web.mutable_vlan()->set_segment("blue");
  EXPECT_EQ(AffectedHosts(model_, Apply(&model_, web)), (Hosts{"h1", "h2", "h3"}))
      << "h2 forgets the ports that left its segment";
}

TEST_F(GroupsTest, DraftsReachNobody) {
  const auto draft = std::make_shared<const v1::Profile>(MakeProfile("web", "red"));
  EXPECT_TRUE(AffectedHosts(model_, Change{Kind::kDraft, "web", nullptr, draft}).empty());
}

}  // namespace
}  // namespace outrider::controller
