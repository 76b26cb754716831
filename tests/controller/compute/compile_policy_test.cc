// The qos and security sections as the host gets them, seen through ComputeHostState.
#include "controller/compute/compute.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

class CompilePolicyTest : public testing::Test {
 protected:
  CompilePolicyTest() { PutAll(&model_, MakeSegment("red", 100), MakeHost("h1", 1)); }

  v1::PortState Compiled(const std::string& sections, const std::string& port_fields = "") {
    v1::Profile profile = MakeProfile("web", "red");
    profile.MergeFrom(Parse<v1::Profile>(sections));
    v1::Port port = MakePort(1, "web", "h1");
    port.MergeFrom(Parse<v1::Port>(port_fields));
    Normalize(&port);
    PutAll(&model_, profile, port);
    return ComputeHostState(model_, "h1").ports(0);
  }

  Model model_;
};

TEST_F(CompilePolicyTest, NothingMeansTheDefaults) {
  for (const char* sections :
       {"", "qos { } security { }", "qos { ingress_policer { } storm { broadcast { } } dscp { } }",
        "qos { dscp { mode: MODE_TRUST tunnel: TUNNEL_UNIFORM } }"}) {
    const v1::PortState port = Compiled(sections);
    EXPECT_FALSE(port.has_ingress_policer());
    EXPECT_FALSE(port.has_egress_policer());
    EXPECT_FALSE(port.has_storm());
    EXPECT_FALSE(port.has_dscp());
    EXPECT_FALSE(port.has_shaper());
    EXPECT_EQ(port.traffic_class(), 0u);
    EXPECT_TRUE(port.mac_anti_spoof());
    EXPECT_FALSE(port.ip_anti_spoof());
    EXPECT_TRUE(port.dhcp_server_guard());
    EXPECT_TRUE(port.ra_guard());
    EXPECT_EQ(port.allowed_size(), 0) << "nobody would look at it";
  }
}

TEST_F(CompilePolicyTest, BurstsAreExplicit) {
  const auto policer = [this](const std::string& fields) {
    return Compiled("qos { ingress_policer { " + fields + " } }").ingress_policer();
  };
  EXPECT_EQ(policer("rate_kbps: 4000").burst_kb(), 1049u);
  EXPECT_EQ(policer("rate_kbps: 1000000").burst_kb(), 250'000u);
  EXPECT_EQ(policer("rate_kbps: 10000 burst_kb: 77").burst_kb(), 77u);
  EXPECT_EQ(policer("rate_kbps: 10000").burst_packets(), 0u);
  EXPECT_EQ(policer("rate_pps: 100").burst_packets(), 64u);
  EXPECT_EQ(policer("rate_pps: 100000").burst_packets(), 25'000u);
  EXPECT_EQ(policer("rate_pps: 100 burst_packets: 5").burst_packets(), 5u);
  EXPECT_EQ(policer("rate_pps: 100").burst_kb(), 0u);
  EXPECT_EQ(Compiled("qos { shaper { max_kbps: 1000000 } }").shaper().burst_kb(), 10'000u);
  EXPECT_EQ(Compiled("qos { shaper { max_kbps: 8 } }").shaper().burst_kb(), 1049u);
}

TEST_F(CompilePolicyTest, QosIsCarriedOver) {
  const v1::PortState port = Compiled(
      "qos { egress_policer { rate_kbps: 5 burst_kb: 6 } storm { multicast { rate_pps: 7 } }"
      " dscp { mode: MODE_MARK value: 46 } shaper { min_kbps: 1 max_kbps: 2 burst_kb: 3 }"
      " traffic_class: 4 }");
  EXPECT_TRUE(Equal(port.egress_policer(), Parse<v1::Policer>("rate_kbps: 5 burst_kb: 6")));
  EXPECT_TRUE(
      Equal(port.storm(), Parse<v1::StormControl>("multicast { rate_pps: 7 burst_packets: 64 }")));
  EXPECT_TRUE(Equal(port.dscp(),
                    Parse<v1::DscpPolicy>("mode: MODE_MARK value: 46 tunnel: TUNNEL_UNIFORM")));
  EXPECT_TRUE(Equal(port.shaper(), Parse<v1::Shaper>("min_kbps: 1 max_kbps: 2 burst_kb: 3")));
  EXPECT_EQ(port.traffic_class(), 4u);
}

// A quarter second is for TCP; a storm is none.
TEST_F(CompilePolicyTest, StormsGetShortBursts) {
  const v1::PortState port = Compiled("qos { storm { broadcast { rate_kbps: 1000000 } } }");
  EXPECT_EQ(port.storm().broadcast().burst_kb(), 10'000u);
}

TEST_F(CompilePolicyTest, SecurityCanBeTurnedOffAndOn) {
  const v1::PortState port = Compiled(
      "security { mac_anti_spoof: MAC_ANTI_SPOOF_OFF dhcp_server_guard: GUARD_OFF"
      " ra_guard: GUARD_OFF }",
      "allowed_addresses { mac: '00:00:5e:00:01:01' }");
  EXPECT_FALSE(port.mac_anti_spoof());
  EXPECT_FALSE(port.dhcp_server_guard());
  EXPECT_FALSE(port.ra_guard());
  EXPECT_EQ(port.allowed_size(), 0);
}

// The port's own first; whose MAC is not said, is the port's; the same said twice is said once.
TEST_F(CompilePolicyTest, AllowedAddresses) {
  const std::string extra =
      "ips: '2001:db8::1' ips: '::ffff:10.0.0.1'"
      "allowed_addresses { mac: '00:00:5e:00:01:01' prefixes: '192.168.0.254' }"
      "allowed_addresses { prefixes: '10.0.0.0/8' prefixes: '192.168.0.2/32' }";
  const auto expected = Parse<v1::PortState>(
      "allowed { mac: '" + Mac(1) +
      "' prefixes: '192.168.0.2/32' prefixes: '2001:db8::1/128' prefixes: '10.0.0.0/8' }"
      "allowed { mac: '00:00:5e:00:01:01' prefixes: '192.168.0.254/32' }");
  for (const char* sections : {"security { ip_anti_spoof: IP_ANTI_SPOOF_ON }", ""}) {
    const v1::PortState port = Compiled(sections, extra);
    EXPECT_EQ(port.ip_anti_spoof(), *sections != 0);
    v1::PortState only;
    *only.mutable_allowed() = port.allowed();
    EXPECT_TRUE(Equal(only, expected)) << port.DebugString();
  }
}

// A change that no host would see wakes none.
TEST_F(CompilePolicyTest, AllowedAddressesAffectThePortsHost) {
  const v1::Port before = MakePort(1, "web", "h1");
  v1::Port after = before;
  after.add_allowed_addresses()->set_mac("00:00:5e:00:01:01");
  PutAll(&model_, MakeProfile("web", "red"), before);
  EXPECT_EQ(AffectedHosts(model_, MakePut(model_, std::make_shared<const v1::Port>(after))),
            std::set<std::string>{"h1"});
  EXPECT_EQ(AffectedHosts(model_, MakePut(model_, std::make_shared<const v1::Port>(before))),
            std::set<std::string>{});
}

}  // namespace
}  // namespace outrider::controller
