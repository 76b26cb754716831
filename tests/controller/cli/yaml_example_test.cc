// The example a user starts from is what it says it is.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "controller/cli/yaml_decoder.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller::cli {
namespace {

TEST(YamlExample, WebAllowsIcmpAndPort80AndNothingElse) {
  std::ifstream file(OUTRIDER_EXAMPLES "/web.yaml");
  std::stringstream text;
  text << file.rdbuf();
  const auto decoded = DecodeYaml(text.str(), "web.yaml", "Profile");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_EQ(decoded->size(), 1U);
  const auto& profile = static_cast<const v1::Profile&>(*(*decoded)[0].object);
  EXPECT_EQ(profile.meta().name(), "web");
  EXPECT_EQ(profile.vlan().segment(), "blue");
  EXPECT_EQ(profile.acl().default_action(), v1::ACL_ACTION_DROP);
  EXPECT_EQ(profile.qos().ingress_policer().rate_kbps(), 20'000U);
  EXPECT_EQ(profile.security().mac_anti_spoof(), v1::SecuritySection::MAC_ANTI_SPOOF_ON);
  ASSERT_EQ(profile.acl().ingress_size(), 2);
  ASSERT_EQ(profile.acl().egress_size(), 2);
  EXPECT_EQ(profile.acl().ingress(0).match().protocol(), "icmp");
  EXPECT_EQ(profile.acl().egress(0).match().protocol(), "icmp");
  EXPECT_EQ(profile.acl().ingress(1).match().src_port().first(), 80U) << "answers of the server";
  EXPECT_EQ(profile.acl().egress(1).match().dst_port().first(), 80U) << "requests to the server";
}

TEST(YamlExample, TrunkIsOneNativeVlanAndOneMore) {
  std::ifstream file(OUTRIDER_EXAMPLES "/trunk.yaml");
  std::stringstream text;
  text << file.rdbuf();
  const auto decoded = DecodeYaml(text.str(), "trunk.yaml", "Profile");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const auto& profile = static_cast<const v1::Profile&>(*(*decoded)[0].object);
  EXPECT_EQ(profile.vlan().mode(), v1::VlanSection::MODE_NATIVE_UNTAGGED);
  EXPECT_EQ(profile.vlan().segment(), "blue");
  EXPECT_EQ(profile.vlan().native_vlan(), 10U);
  ASSERT_EQ(profile.vlan().vlans_size(), 1);
  EXPECT_EQ(profile.vlan().vlans(0).vlan(), 20U);
  EXPECT_EQ(profile.vlan().vlans(0).segment(), "red");
}

}  // namespace
}  // namespace outrider::controller::cli
