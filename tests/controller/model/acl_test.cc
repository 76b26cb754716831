#include "controller/model/acl.h"

#include "controller/model/groups.h"
#include "controller/model/tcp_flags.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

std::vector<v1::CompiledRule> Compiled(const std::string& acl) {
  return CompileRules(Parse<v1::AclSection>(acl).ingress());
}

// The one rule of these matches.
v1::CompiledRule CompiledMatch(const std::string& match) {
  return Compiled("ingress { match { " + match + " } action: ACL_ACTION_ALLOW }").at(0);
}

std::vector<uint32_t> Numbers(const std::string& acl) {
  std::vector<uint32_t> numbers;
  for (const v1::CompiledRule& rule : Compiled(acl)) numbers.push_back(rule.number());
  return numbers;
}

using NumberList = std::vector<uint32_t>;

TEST(AclTest, HigherPriorityFirstThenDropThenRejectThenAsGiven) {
  EXPECT_EQ(Numbers(R"(
      ingress { priority: 1 action: ACL_ACTION_ALLOW }
      ingress { priority: 5 action: ACL_ACTION_ALLOW_RELATED }
      ingress { priority: 5 action: ACL_ACTION_REJECT }
      ingress { priority: 5 action: ACL_ACTION_DROP }
      ingress { priority: 5 action: ACL_ACTION_ALLOW }
      ingress { priority: 9 action: ACL_ACTION_ALLOW })"),
            (NumberList{6, 4, 3, 2, 5, 1}));
}

TEST(AclTest, FamilyFollowsPrefixProtocolAndExtensions) {
  const auto family = [](const std::string& match) { return CompiledMatch(match).ether_type(); };
  EXPECT_EQ(family("src_prefix: '10.0.0.0/8' protocol: 'tcp'"), v1::AclMatch::ETHER_TYPE_IPV4);
  EXPECT_EQ(family("dst_prefix: '2001:db8::/32'"), v1::AclMatch::ETHER_TYPE_IPV6);
  EXPECT_EQ(family("protocol: 'icmp'"), v1::AclMatch::ETHER_TYPE_IPV4);
  EXPECT_EQ(family("protocol: 'icmpv6'"), v1::AclMatch::ETHER_TYPE_IPV6);
  EXPECT_EQ(family("ipv6_extensions: IPV6_EXTENSION_ROUTING"), v1::AclMatch::ETHER_TYPE_IPV6);
  EXPECT_EQ(family("ether_type: ETHER_TYPE_ARP"), v1::AclMatch::ETHER_TYPE_ARP);
  EXPECT_EQ(family("protocol: 'udp'"), v1::AclMatch::ETHER_TYPE_ANY);
  EXPECT_EQ(family("src_group: 'g'"), v1::AclMatch::ETHER_TYPE_ANY) << "may hold both families";
  EXPECT_EQ(family("src_group: 'g' dst_prefix: '10.0.0.0/8'"), v1::AclMatch::ETHER_TYPE_IPV4);
}

TEST(AclTest, EveryFieldReachesTheHost) {
  const auto layer2 = CompiledMatch(R"(
      src_mac: "52:54:00:00:00:01" dst_mac: "ff:ff:ff:ff:ff:ff" ether_number: 35020 vlan: 0)");
  EXPECT_TRUE(Equal(layer2, Parse<v1::CompiledRule>(R"(
      number: 1 action: ACL_ACTION_ALLOW src_mac: "52:54:00:00:00:01"
      dst_mac: "ff:ff:ff:ff:ff:ff" ether_number: 35020 vlan: 0)")))
      << layer2.DebugString();
  const auto layer3 = CompiledMatch(R"(
      src_prefix: "2001:db8::/32" dst_group: "servers" fragment: FRAGMENT_FIRST
      ipv6_extensions: IPV6_EXTENSION_HOP_BY_HOP ipv6_extensions: IPV6_EXTENSION_MOBILITY)");
  EXPECT_TRUE(Equal(layer3, Parse<v1::CompiledRule>(R"(
      number: 1 action: ACL_ACTION_ALLOW ether_type: ETHER_TYPE_IPV6 src_prefix: "2001:db8::/32"
      dst_group: "address/servers" fragment: FRAGMENT_FIRST ipv6_extensions: 33)")))
      << layer3.DebugString();
  const auto layer4 = CompiledMatch(R"(
      protocol: "tcp" src_port { first: 1 last: 2 } dst_port { first: 3 last: 4 }
      tcp_flags: "syn,!ack" src_port_group: "web" dst_port_group: "db")");
  EXPECT_TRUE(Equal(layer4, Parse<v1::CompiledRule>(R"(
      number: 1 action: ACL_ACTION_ALLOW protocol: 6 src_port { first: 1 last: 2 }
      dst_port { first: 3 last: 4 } tcp_flags_mask: 18 tcp_flags_value: 2
      src_group: "port/web" dst_group: "port/db")")))
      << layer4.DebugString();
  const auto icmp = CompiledMatch("protocol: 'icmp' icmp_type: 8 icmp_code: 0");
  EXPECT_EQ(icmp.icmp_type(), 8u);
  EXPECT_TRUE(icmp.has_icmp_code());
}

TEST(AclTest, LogHasARateOnlyWhenAskedFor) {
  const auto rate = [](const std::string& log) {
    return Compiled("ingress { action: ACL_ACTION_DROP " + log + " }").at(0).log_rate();
  };
  EXPECT_EQ(rate(""), 0u);
  EXPECT_EQ(rate("log {}"), kDefaultLogRate);
  EXPECT_EQ(rate("log { rate_per_s: 3 }"), 3u);
}

TEST(AclTest, ConnectionsOnlyWhereARuleIsStateful) {
  const auto most = [](const std::string& acl) {
    return MaxConnections(Parse<v1::AclSection>(acl));
  };
  EXPECT_EQ(most("max_connections: 7 ingress { action: ACL_ACTION_ALLOW }"), 0u);
  EXPECT_EQ(most("max_connections: 7 egress { action: ACL_ACTION_ALLOW_RELATED }"), 7u);
  EXPECT_EQ(most("ingress { action: ACL_ACTION_ALLOW_RELATED }"), kDefaultMaxConnections);
}

TEST(AclTest, DefaultAction) {
  EXPECT_EQ(DefaultAction(v1::AclSection()), v1::ACL_ACTION_ALLOW);
  EXPECT_EQ(DefaultAction(Parse<v1::AclSection>("egress { action: ACL_ACTION_ALLOW }")),
            v1::ACL_ACTION_DROP);
  EXPECT_EQ(DefaultAction(Parse<v1::AclSection>("default_action: ACL_ACTION_DROP")),
            v1::ACL_ACTION_DROP);
}

TEST(TcpFlagsTest, TextIsCanonical) {
  const auto canonical = [](const std::string& text) { return ParseTcpFlags(text)->Text(); };
  EXPECT_EQ(canonical(""), "");
  EXPECT_EQ(canonical("!ACK, syn"), "syn,!ack");
  EXPECT_EQ(canonical("cwr,ece,urg,ack,psh,rst,syn,fin"), "fin,syn,rst,psh,ack,urg,ece,cwr");
  EXPECT_EQ(canonical("syn,syn"), "syn");
  EXPECT_EQ(*ParseTcpFlags("!fin,cwr"), (TcpFlags{0x81, 0x80}));
}

TEST(TcpFlagsTest, WrongTextIsNamed) {
  const auto wrong = [](const std::string& text) { return Message(ParseTcpFlags(text).status()); };
  EXPECT_EQ(wrong("sin"),
            "\"sin\" is not one of fin, syn, rst, psh, ack, urg, ece, cwr, with a '!' before those "
            "that must not be set");
  EXPECT_EQ(wrong("syn,!syn"), "syn and !syn exclude each other; remove one");
  EXPECT_EQ(wrong("!syn,syn"), "syn and !syn exclude each other; remove one");
  EXPECT_NE(wrong("syn,,ack"), "");
}

TEST(GroupsTest, MembersAreOrderedPrefixesOnce) {
  Model model;
  v1::Port twin = MakePort(2, "");
  twin.set_ips(0, "192.168.0.2");
  twin.add_ips("2001:db8::1");
  PutAll(&model, MakeGroup("g", {"2001:db8::/32", "10.0.0.1"}), MakePort(1, ""), twin,
         MakePortGroup("g", {1, 2, 9}));
  using Texts = std::vector<std::string>;
  EXPECT_EQ(GroupPrefixes(model, "address/g"), (Texts{"10.0.0.1/32", "2001:db8::/32"}));
  EXPECT_EQ(GroupPrefixes(model, "port/g"), (Texts{"192.168.0.2/32", "2001:db8::1/128"}));
  EXPECT_EQ(GroupPrefixes(model, "port/none"), Texts{});
}

}  // namespace
}  // namespace outrider::controller
