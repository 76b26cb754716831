// The example a user starts from is what it says it is.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "controller/cli/yaml_decoder.h"
#include "controller/text/yaml_schema.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller::cli {
namespace {

std::string Read(const std::string& name) {
  std::ifstream file(OUTRIDER_EXAMPLES "/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(YamlExample, WebAllowsIcmpAndPort80AndNothingElse) {
  const auto decoded = DecodeYaml(Read("web.yaml"), "web.yaml", "Profile");
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
  const auto decoded = DecodeYaml(Read("trunk.yaml"), "trunk.yaml", "Profile");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const auto& profile = static_cast<const v1::Profile&>(*(*decoded)[0].object);
  EXPECT_EQ(profile.vlan().mode(), v1::VlanSection::MODE_NATIVE_UNTAGGED);
  EXPECT_EQ(profile.vlan().segment(), "blue");
  EXPECT_EQ(profile.vlan().native_vlan(), 10U);
  ASSERT_EQ(profile.vlan().vlans_size(), 1);
  EXPECT_EQ(profile.vlan().vlans(0).vlan(), 20U);
  EXPECT_EQ(profile.vlan().vlans(0).segment(), "red");
}

// Keys of the message and of all below it.
void CollectKeys(const google::protobuf::Descriptor& type, std::set<std::string>* keys) {
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *type.field(i);
    if (field.name() == "meta" || IsOutputOnly(field)) continue;
    keys->insert(field.name());
    // A range is written 80-90.
    const google::protobuf::Descriptor* const below = field.message_type();
    if (below != nullptr && !IsPortRange(*below)) CollectKeys(*below, keys);
  }
}

// A word alone, not a part of another.
bool Mentions(const std::string& text, const std::string& key) {
  return std::regex_search(text, std::regex("\\b" + key + "\\b"));
}

TEST(YamlExample, EveryKeyIsInOneOfThem) {
  const std::string text = Read("web.yaml") + Read("trunk.yaml");
  std::set<std::string> keys;
  CollectKeys(*v1::Profile::descriptor(), &keys);
  EXPECT_GT(keys.size(), 50U);
  for (const std::string& key : keys) EXPECT_TRUE(Mentions(text, key)) << key;
}

}  // namespace
}  // namespace outrider::controller::cli
