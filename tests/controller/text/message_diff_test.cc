#include "controller/text/message_diff.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "outrider/v1/objects.pb.h"

namespace outrider::controller {
namespace {

std::string Diff(const std::string& from, const std::string& to) {
  v1::Profile a;
  v1::Profile b;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(from, &a));
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(to, &b));
  return DiffText(DiffMessages(a, b));
}

TEST(MessageDiff, IgnoresWhatIsNotTheUsers) {
  EXPECT_EQ(Diff("meta { revision: 1 } profile_revision: 1 digest: 'a'",
                 "meta { revision: 2 } profile_revision: 2 digest: 'b'"),
            "  no difference\n");
}

TEST(MessageDiff, NamesChangedFieldsByPath) {
  EXPECT_EQ(Diff("description: 'a' qos { ingress_policer { rate_kbps: 1 } }",
                 "description: 'b' qos { ingress_policer { rate_kbps: 2 } } "
                 "security { mac_anti_spoof: MAC_ANTI_SPOOF_OFF }"),
            "  description: a -> b\n"
            "  qos.ingress_policer.rate_kbps: 1 -> 2\n"
            "+ security.mac_anti_spoof: off\n");
}

TEST(MessageDiff, MatchesRulesThatMoved) {
  const std::string icmp = " ingress { match { protocol: 'icmp' } action: ACL_ACTION_ALLOW }";
  const std::string http =
      " ingress { match { dst_port { first: 80 last: 80 } } action: ACL_ACTION_ALLOW }";
  const std::string smtp =
      " ingress { match { dst_port { first: 25 last: 26 } } action: ACL_ACTION_DROP }";
  EXPECT_EQ(Diff("acl {" + icmp + http + "}", "acl {" + smtp + icmp + "}"),
            "+ acl.ingress[0]: {match: {dst_port: 25-26}, action: drop}\n"
            "- acl.ingress[1]: {match: {dst_port: 80}, action: allow}\n");
}

TEST(MessageDiff, MatchesEqualRulesOneByOne) {
  const std::string drop = " ingress { action: ACL_ACTION_DROP }";
  const std::string allow = " ingress { action: ACL_ACTION_ALLOW }";
  EXPECT_EQ(Diff("acl {" + drop + allow + drop + "}", "acl {" + drop + drop + "}"),
            "- acl.ingress[1]: {action: allow}\n");
}

// A table of all pairs would take 800 MB here.
TEST(MessageDiff, LongListsAreCompared) {
  v1::Profile from;
  for (uint32_t i = 0; i < 10'000; ++i) from.mutable_acl()->add_ingress()->set_priority(i);
  v1::Profile to = from;
  to.mutable_acl()->mutable_ingress()->DeleteSubrange(5000, 1);
  to.mutable_acl()->add_ingress()->set_priority(60'000);
  EXPECT_EQ(DiffText(DiffMessages(from, to)),
            "- acl.ingress[5000]: {priority: 5000}\n"
            "+ acl.ingress[9999]: {priority: 60000}\n");
}

}  // namespace
}  // namespace outrider::controller
