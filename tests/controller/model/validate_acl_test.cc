// What an ACL section must be like by itself.
#include "controller/model/acl.h"
#include "controller/model/validate.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class ValidateAclTest : public testing::Test {
 protected:
  ValidateAclTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeGroup("v4", {"10.0.0.0/8"}), MakePort(1, ""),
           MakePortGroup("web", {1}));
  }
  // The refusal of a profile "p" with this section; empty when there is none.
  std::string Refusal(const std::string& acl) {
    v1::Profile profile = MakeProfile("p", "red", acl);
    const absl::Status status = Validate(model_, profile);
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kInvalidArgument) << status;
    return Message(status);
  }
  // Of one ingress rule, without the words before it.
  std::string RuleRefusal(const std::string& match, const std::string& action = "ALLOW") {
    const std::string text =
        Refusal(fmt::format("ingress {{ match {{ {} }} action: ACL_ACTION_{} }}", match, action));
    const std::string before = "profile \"p\": acl ingress rule 1: ";
    EXPECT_TRUE(text.empty() || text.compare(0, before.size(), before) == 0) << text;
    return text.empty() ? "" : text.substr(before.size());
  }
  Model model_;
};

TEST_F(ValidateAclTest, References) {
  EXPECT_EQ(RuleRefusal("src_group: 'v4' dst_port_group: 'web'"), "");
  EXPECT_EQ(RuleRefusal("src_group: 'office'"),
            "src_group \"office\" does not exist; create the address group first");
  EXPECT_EQ(RuleRefusal("dst_port_group: 'office'"),
            "dst_port_group \"office\" does not exist; create the port group first");
  EXPECT_EQ(RuleRefusal("dst_group: 'v4' dst_prefix: '10.0.0.0/8'"),
            "dst_prefix and dst_group are both given; remove one");
  EXPECT_EQ(RuleRefusal("src_group: 'v4' src_port_group: 'web'"),
            "src_group and src_port_group are both given; remove one");
}

TEST_F(ValidateAclTest, Ports) {
  EXPECT_EQ(RuleRefusal("protocol: 'tcp' dst_port { first: 80 last: 80 }"), "");
  EXPECT_EQ(RuleRefusal("protocol: 'tcp' dst_port { first: 90 last: 80 }"),
            "port range 90-80 is empty; dst_port must have first <= last");
  EXPECT_EQ(RuleRefusal("protocol: 'udp' src_port { first: 1 last: 65536 }"),
            "src_port 1-65536 is not in 0..65535");
  EXPECT_EQ(RuleRefusal("protocol: 'icmp' dst_port { first: 80 last: 80 }"),
            "ports need protocol tcp, udp or sctp, not \"icmp\"");
  EXPECT_EQ(RuleRefusal("dst_port { first: 80 last: 80 }"),
            "ports need protocol tcp, udp or sctp, not \"any\"");
}

TEST_F(ValidateAclTest, IcmpAndProtocols) {
  EXPECT_EQ(RuleRefusal("protocol: 'icmp' icmp_type: 8 icmp_code: 0"), "");
  EXPECT_EQ(RuleRefusal("protocol: 'tcp' icmp_type: 8"),
            "icmp_type and icmp_code need protocol icmp or icmpv6, not \"tcp\"");
  EXPECT_EQ(RuleRefusal("protocol: 'icmp' icmp_code: 1"), "icmp_code needs icmp_type");
  EXPECT_EQ(RuleRefusal("protocol: 'icmp' icmp_type: 256"), "icmp_type 256 is not in 0..255");
  for (const char* protocol : {"gopher", "256"}) {
    EXPECT_EQ(RuleRefusal(fmt::format("protocol: '{}'", protocol)),
              fmt::format("protocol \"{}\" is not tcp, udp, icmp, icmpv6, sctp or a number 1..255",
                          protocol));
  }
}

TEST_F(ValidateAclTest, PrefixesAndFamilies) {
  EXPECT_EQ(RuleRefusal("src_prefix: 'ten'"), "src_prefix \"ten\" is not an IP prefix");
  EXPECT_EQ(RuleRefusal("src_prefix: '10.0.0.1/8'"),
            "src_prefix 10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8?");
  EXPECT_EQ(RuleRefusal("ether_type: ETHER_TYPE_IPV6 src_prefix: '10.0.0.0/8'"),
            "ether_type is IPv6 but src_prefix 10.0.0.0/8 is IPv4; split the rule");
  EXPECT_EQ(RuleRefusal("protocol: 'icmpv6' dst_prefix: '10.0.0.0/8'"),
            "protocol icmpv6 is IPv6 but dst_prefix 10.0.0.0/8 is IPv4; split the rule");
  EXPECT_EQ(RuleRefusal("src_prefix: '10.0.0.0/8' dst_prefix: '2001:db8::/32'"),
            "src_prefix 10.0.0.0/8 is IPv4 but dst_prefix 2001:db8::/32 is IPv6; split the rule");
  EXPECT_EQ(RuleRefusal("ipv6_extensions: IPV6_EXTENSION_ROUTING src_prefix: '10.0.0.0/8'"),
            "ipv6_extensions is IPv6 but src_prefix 10.0.0.0/8 is IPv4; split the rule");
}

TEST_F(ValidateAclTest, Layer2) {
  EXPECT_EQ(RuleRefusal("src_mac: '52-54-00-AA-BB-CC' dst_mac: 'ff:ff:ff:ff:ff:ff' vlan: 4094"),
            "");
  EXPECT_EQ(RuleRefusal("src_mac: 'ff:ff:ff:ff:ff:ff'"),
            "src_mac \"ff:ff:ff:ff:ff:ff\" is not a unicast MAC such as 52:54:00:aa:bb:cc");
  EXPECT_EQ(RuleRefusal("dst_mac: 'all'"),
            "dst_mac \"all\" is not a MAC such as 52:54:00:aa:bb:cc");
  EXPECT_EQ(RuleRefusal("vlan: 4095"), "vlan 4095 is not in 1..4094, nor 0 for untagged");
  EXPECT_EQ(RuleRefusal("ether_number: 35020"), "");
  EXPECT_EQ(RuleRefusal("ether_number: 1500"), "ether_number 1500 is not in 1536..65535");
  EXPECT_EQ(RuleRefusal("ether_number: 65536"), "ether_number 65536 is not in 1536..65535");
  EXPECT_EQ(RuleRefusal("ether_number: 33024"),
            "ether_number 33024 is that of a VLAN tag; match on vlan");
  EXPECT_EQ(RuleRefusal("ether_number: 35020 protocol: 'tcp'"),
            "ether_number 35020 has no protocol; remove one of them");
  EXPECT_EQ(RuleRefusal("ether_number: 2048 ether_type: ETHER_TYPE_IPV4"),
            "ether_type and ether_number are both given; remove one");
  EXPECT_EQ(RuleRefusal("ether_type: ETHER_TYPE_ARP protocol: 'tcp'"),
            "ether_type arp has no protocol; remove one of them");
  EXPECT_EQ(RuleRefusal("ether_number: 2054 src_group: 'v4'"),
            "ether_type arp has no src_group; remove one of them");
}

TEST_F(ValidateAclTest, FlagsFragmentsAndExtensions) {
  EXPECT_EQ(RuleRefusal("protocol: 'tcp' tcp_flags: 'SYN, !ack'"), "");
  EXPECT_EQ(RuleRefusal("protocol: 'udp' tcp_flags: 'syn'"),
            "tcp_flags need protocol tcp, not \"udp\"");
  EXPECT_EQ(RuleRefusal("protocol: 'tcp' tcp_flags: 'syn,!syn'"),
            "tcp_flags: syn and !syn exclude each other; remove one");
  EXPECT_EQ(RuleRefusal("fragment: FRAGMENT_LATER"), "");
  EXPECT_EQ(RuleRefusal("fragment: FRAGMENT_LATER protocol: 'tcp' dst_port { first: 1 last: 2 }"),
            "fragment later has no dst_port; remove one of them");
  EXPECT_EQ(RuleRefusal("fragment: 9"),
            "fragment 9 is unknown; give any, none, some, first or "
            "later");
  EXPECT_EQ(RuleRefusal("ipv6_extensions: IPV6_EXTENSION_ROUTING ipv6_extensions: "
                        "IPV6_EXTENSION_HOP_BY_HOP"),
            "");
  EXPECT_EQ(RuleRefusal("ipv6_extensions: IPV6_EXTENSION_ROUTING ipv6_extensions: "
                        "IPV6_EXTENSION_ROUTING"),
            "ipv6_extensions: IPV6_EXTENSION_ROUTING is listed twice; remove one");
  EXPECT_EQ(RuleRefusal("ipv6_extensions: IPV6_EXTENSION_UNSPECIFIED"),
            "ipv6_extensions: 0 is not an extension header");
}

TEST_F(ValidateAclTest, Actions) {
  EXPECT_EQ(RuleRefusal("", "ALLOW_RELATED"), "");
  EXPECT_EQ(RuleRefusal("", "REJECT"), "");
  EXPECT_EQ(RuleRefusal("", "UNSPECIFIED"),
            "action is missing; give allow, allow_related, drop or reject");
  EXPECT_EQ(RuleRefusal("ether_type: ETHER_TYPE_ARP", "REJECT"),
            "action reject answers IP only, and the rule is for other frames; use drop");
  EXPECT_EQ(RuleRefusal("ether_number: 35020", "ALLOW_RELATED"),
            "action allow_related is for IP, and the rule is for other frames; use allow");
  EXPECT_EQ(Refusal("default_action: ACL_ACTION_REJECT"), "");
  EXPECT_EQ(Refusal("default_action: ACL_ACTION_ALLOW_RELATED"),
            "profile \"p\": acl default_action 3 cannot be; give allow, drop or reject");
}

TEST_F(ValidateAclTest, Section) {
  EXPECT_EQ(Refusal("established: ESTABLISHED_KEEP max_connections: 1048576"), "");
  EXPECT_EQ(Refusal("max_connections: 1048577"),
            "profile \"p\": acl max_connections 1048577 is not in 1..1048576");
  EXPECT_EQ(Refusal("established: 9"),
            "profile \"p\": acl established 9 is unknown; give reevaluate or keep");
  EXPECT_EQ(Refusal("egress { action: ACL_ACTION_DROP } "
                    "egress { priority: 65536 action: ACL_ACTION_DROP }"),
            "profile \"p\": acl egress rule 2: priority 65536 is not in 0..65535");
  EXPECT_EQ(Refusal("egress { action: ACL_ACTION_DROP log { rate_per_s: 1001 } }"),
            "profile \"p\": acl egress rule 1: log rate_per_s 1001 is not in 1..1000");
}

TEST_F(ValidateAclTest, RulesHaveALimitAndGroupsCountAsOne) {
  std::vector<std::string> prefixes;
  for (int i = 0; i < 600; ++i) prefixes.push_back(fmt::format("10.{}.{}.0/24", i / 256, i % 256));
  PutAll(&model_, MakeGroup("many", prefixes));
  EXPECT_EQ(RuleRefusal("src_group: 'many' dst_group: 'many'"), "");
  v1::Profile profile = MakeProfile("p", "red");
  auto* rules = profile.mutable_acl()->mutable_egress();
  for (int i = 0; i < kMaxRules; ++i) rules->Add()->set_action(v1::ACL_ACTION_DROP);
  EXPECT_TRUE(Validate(model_, profile).ok());
  rules->Add()->set_action(v1::ACL_ACTION_DROP);
  EXPECT_EQ(Message(Validate(model_, profile)),
            "profile \"p\": acl egress has 10241 rules, at most 10240 fit; use groups, or merge "
            "prefixes and ports");
}

TEST_F(ValidateAclTest, EqualRulesNormalizeToEqualProfiles) {
  const auto with = [](const std::string& match) {
    return MakeProfile("p", "red", "ingress { match { " + match + " } action: ACL_ACTION_DROP }");
  };
  EXPECT_TRUE(Equal(with("protocol: 'TCP' src_prefix: '10.0.0.1' tcp_flags: '!ACK,SYN'"),
                    with("protocol: '6' src_prefix: '10.0.0.1/32' tcp_flags: 'syn, !ack'")));
  EXPECT_TRUE(Equal(with("ether_number: 34525"), with("ether_type: ETHER_TYPE_IPV6")));
  EXPECT_TRUE(Equal(with("src_mac: '52-54-00-AA-BB-CC'"), with("src_mac: '52:54:00:aa:bb:cc'")));
}

}  // namespace
}  // namespace outrider::controller
