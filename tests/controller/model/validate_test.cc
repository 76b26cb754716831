// What one object must be like by itself; of profiles see also validate_acl_test.cc. What it must
// be like among others: validate_use_test.cc, validate_profile_test.cc.
#include "controller/model/validate.h"

#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class ValidateTest : public testing::Test {
 protected:
  ValidateTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeGroup("v4", {"10.0.0.0/8"}),
           MakeProfile("web", "red"), MakeHost("h1", 1));
  }

  template <typename T>
  void ExpectInvalid(T candidate, const std::string& message) {
    Normalize(&candidate);
    const absl::Status status = Validate(model_, candidate);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(Message(status), message);
  }

  Model model_;
};

TEST_F(ValidateTest, Segments) {
  EXPECT_TRUE(Validate(model_, MakeSegment("blue", 16777215, 65485)).ok());
  EXPECT_TRUE(Validate(model_, MakeSegment("blue", 1, 576)).ok());
  ExpectInvalid(MakeSegment("blue", 0), "segment \"blue\": vni 0 is not in 1..16777215");
  ExpectInvalid(MakeSegment("blue", 1 << 24),
                "segment \"blue\": vni 16777216 is not in 1..16777215");
  EXPECT_TRUE(Validate(model_, MakeSegment("blue", 7, 0)).ok()) << "derived";
  ExpectInvalid(MakeSegment("blue", 7, 575),
                "segment \"blue\": mtu 575 is not in 576..65485; leave it out to have the largest "
                "that the hosts carry");
  ExpectInvalid(
      MakeSegment("blue", 7, 65486),
      "segment \"blue\": mtu 65486 is not in 576..65485; leave it out to have the largest "
      "that the hosts carry");
  ExpectInvalid(
      MakeSegment("Blue!", 7),
      "segment \"Blue!\": name must be 1..63 characters of a-z, 0-9, '-' and '.', beginning "
      "and ending with a letter or digit");
}

TEST_F(ValidateTest, SegmentsThatDropUnknownMulticastMustKnowWhoJoined) {
  v1::Segment segment = MakeSegment("blue", 7);
  segment.set_unknown_multicast(v1::Segment::UNKNOWN_MULTICAST_DROP);
  ExpectInvalid(segment,
                "segment \"blue\": unknown_multicast drop needs multicast snoop: who joined is not "
                "known otherwise");
  segment.set_multicast(v1::Segment::MULTICAST_SNOOP);
  EXPECT_TRUE(Validate(model_, segment).ok());
}

TEST_F(ValidateTest, SegmentDefaults) {
  v1::Segment segment;
  Normalize(&segment);
  EXPECT_EQ(segment.mtu(), 0u) << "derived";
  EXPECT_EQ(segment.unknown_unicast(), v1::Segment::UNKNOWN_UNICAST_DROP);
  EXPECT_EQ(segment.arp_suppression(), v1::Segment::ARP_SUPPRESSION_ON);
  EXPECT_EQ(segment.nd_suppression(), v1::Segment::ND_SUPPRESSION_ON);
  EXPECT_EQ(segment.multicast(), v1::Segment::MULTICAST_FLOOD);
  EXPECT_EQ(segment.unknown_multicast(), v1::Segment::UNKNOWN_MULTICAST_FLOOD);
}

TEST_F(ValidateTest, AddressGroups) {
  EXPECT_TRUE(Validate(model_, MakeGroup("g", {"10.0.0.1", "2001:db8::/32"})).ok());
  ExpectInvalid(MakeGroup("g", {"ten"}),
                "address group \"g\": prefix \"ten\" is not an IP address or prefix");
  ExpectInvalid(
      MakeGroup("g", {"10.1.2.3/8"}),
      "address group \"g\": prefix 10.1.2.3/8 has host bits set; did you mean 10.0.0.0/8?");
  ExpectInvalid(MakeGroup("g", {"10.0.0.1", "10.0.0.1/32"}),
                "address group \"g\": prefix 10.0.0.1/32 is listed twice; remove one");
  ExpectInvalid(MakeGroup("g", std::vector<std::string>(65537, "10.0.0.1")),
                "address group \"g\": 65537 prefixes are more than 65536; split the group");
}

TEST_F(ValidateTest, PortGroups) {
  PutAll(&model_, MakePort(1, ""), MakePort(2, ""));
  EXPECT_TRUE(Validate(model_, MakePortGroup("g", {1, 2})).ok());
  ExpectInvalid(MakePortGroup("g", {1, 3}), "port group \"g\": port \"" + PortId(3) +
                                                "\" does not exist; create or attach it first");
  ExpectInvalid(MakePortGroup("g", {1, 1}),
                "port group \"g\": port \"" + PortId(1) + "\" is listed twice; remove one");
  ExpectInvalid(MakePortGroup("g", std::vector<int>(4097, 1)),
                "port group \"g\": 4097 ports are more than 4096; split the group");
  ExpectInvalid(MakePortGroup("G!", {}),
                "port group \"G!\": name must be 1..63 characters of a-z, 0-9, '-' and '.', "
                "beginning and ending with a letter or digit");
}

TEST_F(ValidateTest, ProfileReferences) {
  ExpectInvalid(MakeProfile("p", ""), "profile \"p\": vlan segment is missing; name a segment");
  ExpectInvalid(MakeProfile("p", "green"),
                "profile \"p\": vlan segment \"green\" does not exist; create it first");
}

TEST_F(ValidateTest, ProfileRest) {
  v1::Profile profile = MakeProfile("p", "red");
  profile.set_description(std::string(256, 'x'));
  ExpectInvalid(profile, "profile \"p\": description is 256 bytes long, at most 255 fit");
  profile.set_description("");
  profile.mutable_qos()->mutable_ingress_policer()->set_burst_kb(10);
  ExpectInvalid(profile,
                "profile \"p\": qos ingress_policer: burst_kb 10 has no rate_kbps; give a rate");
}

TEST_F(ValidateTest, Ports) {
  EXPECT_TRUE(Validate(model_, MakePort(1, "web", "h1")).ok());
  EXPECT_TRUE(Validate(model_, MakePort(1, "")).ok());
  v1::Port port = MakePort(1, "web");
  port.mutable_meta()->set_name("tap0");
  ExpectInvalid(port,
                "port \"tap0\": id is not a uuid such as 6f1c4b1e-58c2-4c9b-9a0e-3f4a5b6c7d8e "
                "(libvirt: interfaceid)");
  const std::string subject = "port \"" + PortId(1) + "\": ";
  ExpectInvalid(MakePort(1, "wbe"), subject + "profile \"wbe\" does not exist; apply it first");
  port = MakePort(1, "web");
  port.set_mac("ff:ff:ff:ff:ff:ff");
  ExpectInvalid(port, subject +
                          "mac \"ff:ff:ff:ff:ff:ff\" is not a unicast MAC such as "
                          "52:54:00:aa:bb:cc");
  port = MakePort(1, "web");
  port.add_ips("10.0.0.300");
  ExpectInvalid(port, subject + "ip \"10.0.0.300\" is not an IP address");
}

TEST_F(ValidateTest, PortTextIsMadeCanonical) {
  v1::Port port = MakePort(1, "web");
  port.mutable_meta()->set_name("6F1C4B1E-58C2-4C9B-9A0E-3F4A5B6C7D8E");
  port.set_mac("52-54-00-AA-BB-CC");
  *port.mutable_ips(0) = "2001:DB8:0::1";
  Normalize(&port);
  EXPECT_EQ(port.meta().name(), "6f1c4b1e-58c2-4c9b-9a0e-3f4a5b6c7d8e");
  EXPECT_EQ(port.mac(), "52:54:00:aa:bb:cc");
  EXPECT_EQ(port.ips(0), "2001:db8::1");
}

TEST_F(ValidateTest, Hosts) {
  ExpectInvalid(
      MakeHost("h.1", 2),
      "host \"h.1\": id must be a DNS label: 1..63 characters of a-z, 0-9 and '-', beginning "
      "and ending with a letter or digit");
  v1::Host host = MakeHost("h2", 2);
  host.add_vteps("10.0.2.2");
  ExpectInvalid(host,
                "host \"h2\": vtep 10.0.2.2 is the second of its family; give one IPv4 and one "
                "IPv6 address at most");
  host.set_vteps(1, "ff02::1");
  ExpectInvalid(host, "host \"h2\": vtep ff02::1 is no unicast address");
}

TEST_F(ValidateTest, Gateways) {
  EXPECT_TRUE(Validate(model_, MakeGateway("gw", "10.9.0.1", {"red"})).ok());
  ExpectInvalid(MakeGateway("gw", "ten", {}),
                "gateway \"gw\": vtep \"ten\" is neither an IPv4 nor an IPv6 address");
  ExpectInvalid(MakeGateway("gw", "10.9.0.1", {"green"}),
                "gateway \"gw\": segment \"green\" does not exist; create it first");
  v1::Gateway gateway = MakeGateway("gw", "10.9.0.1", {});
  gateway.add_stations()->set_segment("red");
  ExpectInvalid(gateway,
                "gateway \"gw\": station 1: segment \"red\" is not among the gateway's "
                "segments; add it");
  gateway.add_segments("red");
  ExpectInvalid(gateway,
                "gateway \"gw\": station 1: mac \"\" is not a unicast MAC such as "
                "52:54:00:aa:bb:cc");
}

}  // namespace
}  // namespace outrider::controller
