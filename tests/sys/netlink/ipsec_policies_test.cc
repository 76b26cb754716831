#include "vswitch/sys/netlink/ipsec_policies.h"

#include <gtest/gtest.h>

#include "tests/support/netns_fixture.h"
#include "tests/support/run_ip.h"

namespace outrider::sys {
namespace {

TEST(IpsecPoliciesTest, SeesPoliciesComeAndGo) {
  const tests::NetworkNamespace host;
  const tests::NetnsScope scope(host);
  const auto policies = IpsecPolicies::Create();
  ASSERT_TRUE(policies.ok()) << policies.status();
  EXPECT_EQ(*(*policies)->Any(), false);
  const std::string policy = "dir out src 192.0.2.1 dst 192.0.2.2";
  tests::RunIp(host, "xfrm policy add " + policy + " tmpl proto esp mode transport");
  EXPECT_EQ(*(*policies)->Any(), true);
  tests::RunIp(host, "xfrm policy del " + policy);
  EXPECT_EQ(*(*policies)->Any(), false);
}

}  // namespace
}  // namespace outrider::sys
