#include "controller/cli/yaml_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "outrider/v1/objects.pb.h"

namespace outrider::controller::cli {
namespace {

std::string ErrorOf(const std::string& text) {
  const auto decoded = DecodeYaml(text, "web.yaml", "Profile");
  return decoded.ok() ? "OK" : std::string(decoded.status().message());
}

v1::AclMatch MatchOf(const std::string& match) {
  const auto decoded =
      DecodeYaml("name: web\nacl:\n  ingress:\n    - match: " + match + "\n      action: allow\n",
                 "web.yaml", "Profile");
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  if (!decoded.ok()) return {};
  return static_cast<const v1::Profile&>(*(*decoded)[0].object).acl().ingress(0).match();
}

TEST(YamlDecoder, ReadsAllKindsOfOneFile) {
  const auto decoded = DecodeYaml(
      "---\n"
      "name: web\n"
      "vlan: {segment: blue, mode: access}\n"
      "security: {mac_anti_spoof: on}\n"
      "---\n"
      "kind: Segment\n"
      "name: blue\n"
      "vni: 100\n"
      "unknown_unicast: flood\n"
      "---\n"
      "kind: AddressGroup\n"
      "name: clients\n"
      "prefixes: [10.0.0.0/8, 2001:db8::/32]\n"
      "---\n"
      "kind: Gateway\n"
      "name: rack7\n"
      "vtep: 192.0.2.7\n"
      "stations:\n"
      "  - segment: blue\n"
      "    mac: 52:54:00:12:34:56\n"
      "    ips: [10.0.0.7]\n"
      "---\n",
      "web.yaml", "Profile");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ASSERT_EQ(decoded->size(), 4U);
  EXPECT_EQ((*decoded)[0].object->ShortDebugString(),
            "meta { name: \"web\" } vlan { mode: MODE_ACCESS segment: \"blue\" } "
            "security { mac_anti_spoof: MAC_ANTI_SPOOF_ON }");
  EXPECT_EQ((*decoded)[1].object->ShortDebugString(),
            "meta { name: \"blue\" } vni: 100 unknown_unicast: UNKNOWN_UNICAST_FLOOD");
  EXPECT_EQ((*decoded)[2].object->ShortDebugString(),
            "meta { name: \"clients\" } prefixes: \"10.0.0.0/8\" prefixes: \"2001:db8::/32\"");
  EXPECT_EQ((*decoded)[3].object->ShortDebugString(),
            "meta { name: \"rack7\" } vtep: \"192.0.2.7\" stations { segment: \"blue\" mac: "
            "\"52:54:00:12:34:56\" ips: \"10.0.0.7\" }");
  EXPECT_EQ((*decoded)[3].line, 15);
  EXPECT_EQ((*decoded)[3].kind, "Gateway");
  EXPECT_EQ((*decoded)[3].name, "rack7");
}

TEST(YamlDecoder, ReadsPortRangesInEveryForm) {
  for (const char* form : {"80-90", "\"80-90\"", "{first: 80, last: 90}"}) {
    const v1::AclMatch match = MatchOf("{dst_port: " + std::string(form) + "}");
    EXPECT_EQ(match.dst_port().first(), 80U) << form;
    EXPECT_EQ(match.dst_port().last(), 90U) << form;
  }
  EXPECT_EQ(MatchOf("{dst_port: 80}").dst_port().last(), 80U);
  EXPECT_EQ(MatchOf("{dst_port: 0-65535}").dst_port().last(), 65'535U);
}

TEST(YamlDecoder, KeepsGivenZeroApartFromAbsent) {
  EXPECT_TRUE(MatchOf("{protocol: icmp, icmp_type: 0}").has_icmp_type());
  EXPECT_FALSE(MatchOf("{protocol: icmp}").has_icmp_type());
  EXPECT_EQ(MatchOf("{protocol: 47}").protocol(), "47") << "a number is fine where text is asked";
}

TEST(YamlDecoder, ReadsAliases) {
  const auto decoded = DecodeYaml(
      "name: web\n"
      "acl:\n"
      "  ingress: [&icmp {match: {protocol: icmp}, action: allow}]\n"
      "  egress: [*icmp]\n",
      "web.yaml", "Profile");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  const auto& profile = static_cast<const v1::Profile&>(*(*decoded)[0].object);
  EXPECT_EQ(profile.acl().egress(0).match().protocol(), "icmp");
}

TEST(YamlDecoder, NamesFileLineAndPathOfMistakes) {
  const std::string rule = "name: web\nacl:\n  ingress:\n    - action: allow\n      ";
  const struct {
    std::string text;
    std::string error;
  } cases[] = {
      {"name: web\nvlna: {segment: blue}\n",
       "web.yaml:2: unknown key \"vlna\"; did you mean \"vlan\"?"},
      {rule + "match:\n        portt: 80\n",
       "web.yaml:6: acl.ingress[0].match: unknown key \"portt\"; did you mean \"src_port\"?"},
      {rule + "dst_port: 80\n",
       "web.yaml:5: acl.ingress[0]: unknown key \"dst_port\"; did you mean \"dst_port\" under "
       "\"match:\"?"},
      {rule + "zzzz: 80\n",
       "web.yaml:5: acl.ingress[0]: unknown key \"zzzz\"; known keys: priority, match, action, "
       "comment, log"},
      {"name: web\nmeta: {name: x}\n",
       "web.yaml:2: unknown key \"meta\"; known keys: description, vlan, acl, qos, "
       "security, parent"},
      {"name: web\nprofile_revision: 3\n",
       "web.yaml:2: \"profile_revision\" is set by the controller; remove it"},
      {"kind: Segment\nname: blue\nmtu_in_force: 1450\n",
       "web.yaml:3: \"mtu_in_force\" is set by the controller; remove it"},
      {"name: web\nacl: {}\nqos: {}\nacl: {}\n",
       "web.yaml:4: key \"acl\" is given twice, first on line 2; remove one"},
      {rule + "match: {protocol: tcp, protocol: udp}\n",
       "web.yaml:5: acl.ingress[0].match: key \"protocol\" is given twice, first on line 5; remove "
       "one"},
      {"name: web\nacl: [1]\n", "web.yaml:2: acl: expected a map, got a list"},
      {"name: web\nacl:\n  ingress: allow\n",
       "web.yaml:3: acl.ingress: expected a list, got \"allow\""},
      {"name: web\nacl:\n  ingress:\n    - allow\n",
       "web.yaml:4: acl.ingress[0]: expected a map, got \"allow\""},
      {"name: web\ndescription: [a]\n", "web.yaml:2: description: expected text, got a list"},
      {"name: web\ndescription:\nvlan: {segment: blue}\n",
       "web.yaml:2: description: has no value; give one or remove the key"},
      {"name: web\nvlan: {segment: ~}\n",
       "web.yaml:2: vlan.segment: has no value; give one or remove the key"},
      {rule + "priority: high\n",
       "web.yaml:5: acl.ingress[0].priority: expected a number, got "
       "\"high\""},
      {rule + "priority: \"7\"\n",
       "web.yaml:5: acl.ingress[0].priority: expected a number, got the text \"7\""},
      {rule + "priority: {}\n",
       "web.yaml:5: acl.ingress[0].priority: expected a number, got a "
       "map"},
      {rule + "priority: -1\n", "web.yaml:5: acl.ingress[0].priority: -1 is out of range 0..65535"},
      {rule + "priority: 65536\n",
       "web.yaml:5: acl.ingress[0].priority: 65536 is out of range 0..65535"},
      {rule + "priority: 99999999999999999999\n",
       "web.yaml:5: acl.ingress[0].priority: 99999999999999999999 is out of range 0..65535"},
      {rule + "match: {icmp_type: 256}\n",
       "web.yaml:5: acl.ingress[0].match.icmp_type: 256 is out of range 0..255"},
      {rule + "match: {dst_port: 90-80}\n",
       "web.yaml:5: acl.ingress[0].match.dst_port: port range 90-80 is empty; write the smaller "
       "port first"},
      {rule + "match: {dst_port: {first: 90, last: 80}}\n",
       "web.yaml:5: acl.ingress[0].match.dst_port: port range 90-80 is empty; write the smaller "
       "port first"},
      {rule + "match: {dst_port: 80-70000}\n",
       "web.yaml:5: acl.ingress[0].match.dst_port: port 80-70000 is out of range 0..65535"},
      {rule + "match: {dst_port: http}\n",
       "web.yaml:5: acl.ingress[0].match.dst_port: \"http\" is not a port or a range; write 80, "
       "80-90 or {first: 80, last: 90}"},
      {rule + "match: {ether_type: IPV4}\n",
       "web.yaml:5: acl.ingress[0].match.ether_type: \"IPV4\" is not one of any, ipv4, ipv6, arp"},
      {"name: web\nsecurity: {mac_anti_spoof: unspecified}\n",
       "web.yaml:2: security.mac_anti_spoof: \"unspecified\" is not one of on, off"},
      {"kind: Segment\nname: blue\nvni: 0\n", "web.yaml:3: vni: 0 is out of range 1..16777215"},
      {"kind: Segment\nname: blue\nvni: 16777216\n",
       "web.yaml:3: vni: 16777216 is out of range 1..16777215"},
      {"kind: Segment\nname: blue\nmtu: 9000000\n",
       "web.yaml:3: mtu: 9000000 is out of range 576..65485"},
      {"vlan: {segment: blue}\n", "web.yaml:1: the Profile has no name; add \"name:\""},
      {"kind: Profil\nname: web\n",
       "web.yaml:1: kind: unknown kind \"Profil\"; did you mean \"Profile\"?"},
      {"kind: Pod\nname: web\n",
       "web.yaml:1: kind: unknown kind \"Pod\"; kinds: Segment, AddressGroup, PortGroup, Profile, "
       "Gateway"},
      {"name: [web]\n", "web.yaml:1: name: expected text, got a list"},
      {"- name: web\n", "web.yaml:1: expected a map, got a list"},
      {"web\n", "web.yaml:1: expected a map, got \"web\""},
      {"", "web.yaml: holds no documents"},
      {"# nothing\n---\n", "web.yaml: holds no documents"},
      {"name: web\n---\nname: db\n---\nname: web\n",
       "web.yaml:5: Profile \"web\" is given twice, first on line 1; remove one"},
      {"[a, b]: c\nname: web\n", "web.yaml:1: a list is not a key"},
      {"name: web\n<<: {description: x}\n",
       "web.yaml:2: unknown key \"<<\"; known keys: description, vlan, acl, qos, "
       "security, parent"},
  };
  for (const auto& test : cases) EXPECT_EQ(ErrorOf(test.text), test.error) << test.text;
}

TEST(YamlDecoder, ReportsWhereYamlItselfIsWrong) {
  EXPECT_EQ(ErrorOf("name: web\nvlan: {segment: blue\n").rfind("web.yaml:3: not YAML: ", 0), 0U)
      << ErrorOf("name: web\nvlan: {segment: blue\n");
  EXPECT_EQ(ErrorOf("name: web\n\tvlan: x\n").rfind("web.yaml:2: not YAML: ", 0), 0U);
  EXPECT_EQ(ErrorOf("name: *nobody\n").rfind("web.yaml:1: not YAML: ", 0), 0U);
}

TEST(YamlDecoder, BoundsWhatItReads) {
  EXPECT_EQ(ErrorOf(std::string(kMaxYamlBytes + 1, '#')),
            "web.yaml: larger than 8388608 bytes; split the file");
  // Nesting, as deep as the size allows.
  EXPECT_EQ(ErrorOf("name: " + std::string(500'000, '[')).rfind("web.yaml:1: not YAML: ", 0), 0U);
  // Aliases share what they name: a small file can stand for a huge object.
  std::string bomb = "name: web\nacl: {ingress: [&a {match: {protocol: tcp}, action: allow}";
  for (int i = 0; i < 150'000; ++i) bomb += ",*a";
  EXPECT_EQ(ErrorOf(bomb + "]}\n"), "web.yaml:2: more than 500000 values; split the file");
  // An alias to what holds it.
  EXPECT_NE(ErrorOf("name: web\nacl: &a\n  ingress: [*a]\n"), "OK");
}

}  // namespace
}  // namespace outrider::controller::cli
