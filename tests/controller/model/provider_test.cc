// Segments that are VLANs of physical networks: which can be, and which hosts may have their ports.
#include "controller/model/provider.h"

#include "controller/model/underlay.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

class ProviderTest : public testing::Test {
 protected:
  // Segment dmz is VLAN 100 of net, to which h1 has an uplink and h2 has not.
  ProviderTest() {
    v1::Host with = MakeHost("h1", 1);
    with.add_uplinks("net");
    PutAll(&model_, MakeProvider("dmz", 100, "net", 100), MakeSegment("red", 200),
           MakeProfile("web", "dmz"), with, MakeHost("h2", 2));
  }
  void ExpectError(const v1::Segment& segment, absl::StatusCode code, const std::string& text) {
    const absl::Status status = Validate(model_, segment);
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(Message(status), text);
  }
  void ExpectInvalid(const v1::Segment& segment, const std::string& text) {
    ExpectError(segment, absl::StatusCode::kInvalidArgument, text);
  }

  Model model_;
};

TEST_F(ProviderTest, Defaults) {
  const v1::Segment segment = MakeProvider("dmz", 100, "net", 100);
  EXPECT_EQ(segment.mtu(), 1500u);
  EXPECT_EQ(segment.unknown_unicast(), v1::Segment::UNKNOWN_UNICAST_FLOOD);
  v1::Host host;
  for (const char* uplink : {"b", "a", "b"}) host.add_uplinks(uplink);
  Normalize(&host);
  EXPECT_EQ(std::vector<std::string>(host.uplinks().begin(), host.uplinks().end()),
            (std::vector<std::string>{"a", "b"}));
}

TEST_F(ProviderTest, AHostsUplinksAreLimited) {
  v1::Host many = MakeHost("h9", 9);
  for (int i = 0; i < 64; ++i) many.add_uplinks(fmt::format("net{}", i));
  EXPECT_TRUE(Validate(model_, many).ok());
  many.add_uplinks("one-more");
  EXPECT_EQ(Message(Validate(model_, many)),
            "host \"h9\": 65 uplinks are more than 64; give the agent fewer by --uplink");
}

TEST_F(ProviderTest, MustBeAVlanOfANamedNetwork) {
  EXPECT_TRUE(Validate(model_, MakeProvider("a", 1, "net", 0)).ok());
  EXPECT_TRUE(Validate(model_, MakeProvider("a", 1, "net", 4094)).ok());
  ExpectInvalid(MakeProvider("a", 1, "net", 4095),
                "segment \"a\": provider vlan 4095 is not in 1..4094, or 0 for untagged");
  for (const std::string& uplink :
       {std::string(), std::string("Net"), std::string("a.b"), std::string(64, 'x')}) {
    ExpectInvalid(
        MakeProvider("a", 1, uplink, 1),
        "segment \"a\": provider uplink \"" + uplink +
            "\" is no name as hosts' agents have it (--uplink NAME=DEVICE): 1..63 "
            "characters of a-z, 0-9 and '-', beginning and ending with a letter or digit");
  }
}

TEST_F(ProviderTest, IsUniqueAmongSegments) {
  EXPECT_TRUE(Validate(model_, MakeProvider("a", 1, "net", 101)).ok());
  EXPECT_TRUE(Validate(model_, MakeProvider("a", 1, "other", 100)).ok());
  ExpectError(MakeProvider("a", 1, "net", 100), absl::StatusCode::kAlreadyExists,
              "segment \"a\": provider: vlan 100 of uplink \"net\" is that of segment \"dmz\"; "
              "choose another");
  EXPECT_TRUE(Validate(model_, MakeProvider("dmz", 100, "net", 100)).ok()) << "itself";
  Erase<v1::Segment>(&model_, "dmz");
  EXPECT_TRUE(Validate(model_, MakeProvider("a", 1, "net", 100)).ok()) << "free again";
}

TEST_F(ProviderTest, CannotChange) {
  const auto code = absl::StatusCode::kFailedPrecondition;
  ExpectError(MakeProvider("dmz", 100, "net", 0), code,
              "segment \"dmz\": provider cannot change from vlan 100 of uplink \"net\" to the "
              "untagged frames of uplink \"net\"; delete the segment and create it anew");
  ExpectError(MakeSegment("dmz", 100), code,
              "segment \"dmz\": provider cannot change from vlan 100 of uplink \"net\" to VXLAN; "
              "delete the segment and create it anew");
  ExpectError(MakeProvider("red", 200, "net", 5), code,
              "segment \"red\": provider cannot change from VXLAN to vlan 5 of uplink \"net\"; "
              "delete the segment and create it anew");
}

TEST_F(ProviderTest, HostsWithoutTheUplinkRefuseItsPorts) {
  EXPECT_TRUE(Validate(model_, MakePort(1, "web", "h1")).ok());
  EXPECT_TRUE(Validate(model_, MakePort(1, "web")).ok()) << "on no host yet";
  const std::string refusal =
      "host \"h2\": has no uplink \"net\", which carries segment \"dmz\"; start its agent with "
      "--uplink net=DEVICE, or keep the segment's ports on hosts that have it";
  const absl::Status port = Validate(model_, MakePort(1, "web", "h2"));
  EXPECT_EQ(port.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(port), "port \"" + PortId(1) + "\": " + refusal);
  EXPECT_EQ(Message(CheckUnderlayFits(model_, "dmz", "h2")), refusal) << "also of migrations";
  // A profile that would bring its ports there.
  PutAll(&model_, MakeProfile("db", "red"), MakePort(2, "db", "h2"));
  const absl::Status profile = Validate(model_, MakeProfile("db", "dmz"));
  EXPECT_EQ(Message(profile), "profile \"db\": " + refusal);
}

// The overlay's limits are none of its own.
TEST_F(ProviderTest, NeedsNothingOfTheUnderlay) {
  v1::Host v6 = MakeHost("h3", 3);
  v6.set_vteps(0, "fd00::3");
  v6.add_uplinks("net");
  PutAll(&model_, v6, MakePort(1, "web", "h1"));
  EXPECT_TRUE(Validate(model_, MakePort(2, "web", "h3")).ok());
  v1::Segment jumbo = MakeProvider("dmz", 100, "net", 100);
  jumbo.set_mtu(9000);
  EXPECT_TRUE(Validate(model_, jumbo).ok());
}

TEST_F(ProviderTest, HasNoGateways) {
  const absl::Status status = Validate(model_, MakeGateway("gw", "10.9.0.1", {"dmz"}));
  EXPECT_EQ(Message(status),
            "gateway \"gw\": segment \"dmz\" is a VLAN of uplink \"net\", which VXLAN does not "
            "carry; reach its stations there");
}

TEST_F(ProviderTest, NamesOfUplinksAreChecked) {
  v1::Host host = MakeHost("h3", 3);
  host.add_uplinks("Net");
  EXPECT_EQ(Message(Validate(model_, host)),
            "host \"h3\": uplink \"Net\" is not 1..63 characters of a-z, 0-9 and '-'; change the "
            "agent's --uplink");
}

}  // namespace
}  // namespace outrider::controller
