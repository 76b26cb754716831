// decode(print(x)) == x over generated objects.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "controller/cli/yaml_decoder.h"
#include "controller/text/yaml_printer.h"
#include "controller/text/yaml_schema.h"
#include "outrider/v1/objects.pb.h"
#include "tests/controller/cli/object_generator.h"

namespace outrider::controller::cli {
namespace {

using google::protobuf::util::MessageDifferencer;

class YamlRoundTrip : public testing::TestWithParam<const char*> {};

TEST_P(YamlRoundTrip, DecodesWhatItPrints) {
  ObjectGenerator generator(20'240'601);
  for (int i = 0; i < 3'000; ++i) {
    const auto object = generator.Next(GetParam());
    const std::string text = PrintYaml(*object);
    const auto decoded = DecodeYaml(text, "x.yaml", "Segment");
    ASSERT_TRUE(decoded.ok()) << decoded.status() << "\n" << text;
    ASSERT_EQ(decoded->size(), 1U);
    EXPECT_EQ((*decoded)[0].kind, GetParam());
    ASSERT_TRUE(MessageDifferencer::Equals(*object, *(*decoded)[0].object))
        << text << "\nexpected " << object->ShortDebugString() << "\ngot "
        << (*decoded)[0].object->ShortDebugString();
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, YamlRoundTrip,
                         testing::Values("Segment", "AddressGroup", "PortGroup", "Profile",
                                         "Gateway"),
                         [](const auto& test) { return std::string(test.param); });

TEST(YamlPrinter, LeavesOutWhatIsNotTheUsers) {
  v1::Profile profile;
  profile.mutable_meta()->set_name("web");
  profile.mutable_meta()->set_revision(7);
  profile.set_state(v1::Profile::STATE_ACTIVE);
  profile.set_profile_revision(3);
  profile.set_digest("00ff");
  profile.mutable_vlan()->set_segment("blue");
  EXPECT_EQ(PrintYaml(profile),
            "kind: Profile\n"
            "name: web\n"
            "vlan:\n"
            "  segment: blue\n");
}

TEST(YamlPrinter, IsReadable) {
  v1::Profile profile;
  profile.mutable_meta()->set_name("web");
  profile.set_description("Web servers: \"prod\"");
  v1::AclRule* rule = profile.mutable_acl()->add_ingress();
  rule->set_priority(100);
  rule->mutable_match()->set_protocol("tcp");
  rule->mutable_match()->mutable_src_port()->set_first(80);
  rule->mutable_match()->mutable_src_port()->set_last(90);
  rule->mutable_match()->set_icmp_type(0);
  rule->set_action(v1::ACL_ACTION_ALLOW);
  profile.mutable_acl()->add_ingress()->set_action(v1::ACL_ACTION_DROP);
  profile.mutable_acl()->set_default_action(v1::ACL_ACTION_DROP);
  profile.mutable_qos()->mutable_ingress_policer()->set_rate_kbps(20'000);
  EXPECT_EQ(PrintYaml(profile),
            "kind: Profile\n"
            "name: web\n"
            "description: \"Web servers: \\\"prod\\\"\"\n"
            "acl:\n"
            "  ingress:\n"
            "    - priority: 100\n"
            "      match: {protocol: tcp, src_port: 80-90, icmp_type: 0}\n"
            "      action: allow\n"
            "    - action: drop\n"
            "  default_action: drop\n"
            "qos:\n"
            "  ingress_policer:\n"
            "    rate_kbps: 20000\n");
}

// What the decoder and printer support is what these messages have; a new field type needs both.
TEST(YamlSchema, AllFieldsAreOfSupportedTypes) {
  std::vector<const google::protobuf::Descriptor*> types;
  for (const std::string& kind : YamlKinds()) {
    types.push_back(NewObjectOfKind(kind)->GetDescriptor());
  }
  for (size_t t = 0; t < types.size(); ++t) {
    for (int i = 0; i < types[t]->field_count(); ++i) {
      const auto& field = *types[t]->field(i);
      if (field.name() == "meta") continue;
      EXPECT_FALSE(field.is_map()) << field.full_name();
      switch (field.cpp_type()) {
        case google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE:
          types.push_back(field.message_type());
          break;
        case google::protobuf::FieldDescriptor::CPPTYPE_STRING:
          break;
        case google::protobuf::FieldDescriptor::CPPTYPE_ENUM:
        case google::protobuf::FieldDescriptor::CPPTYPE_UINT32:
          break;
        case google::protobuf::FieldDescriptor::CPPTYPE_UINT64:
          EXPECT_FALSE(field.is_repeated()) << field.full_name();
          break;
        default:
          ADD_FAILURE() << field.full_name() << " is a " << field.cpp_type_name();
      }
    }
  }
}

}  // namespace
}  // namespace outrider::controller::cli
