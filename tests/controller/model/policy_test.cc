// The qos and security sections and a port's allowed addresses: what is refused, and in which
// words.
#include "controller/model/validate_sections.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using absl::StatusCode;

class PolicyTest : public testing::Test {
 protected:
  PolicyTest() { PutAll(&model_, MakeSegment("red", 100), MakeProfile("web", "red")); }

  absl::Status Check(const std::string& sections) {
    v1::Profile profile = MakeProfile("p", "red");
    profile.MergeFrom(Parse<v1::Profile>(sections));
    Normalize(&profile);
    return Validate(model_, profile);
  }
  void ExpectWrong(const std::string& sections, const std::string& message) {
    const absl::Status status = Check(sections);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(Message(status), "profile \"p\": " + message);
  }
  void ExpectWrongAllowed(const std::string& allowed, const std::string& message) {
    v1::Port port = MakePort(1, "web");
    port.MergeFrom(Parse<v1::Port>(allowed));
    Normalize(&port);
    const absl::Status status = Validate(model_, port);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << status;
    EXPECT_EQ(Message(status), "port \"" + PortId(1) + "\": " + message);
  }

  Model model_;
};

TEST_F(PolicyTest, AWholeSectionIsSound) {
  EXPECT_EQ(Check("qos { ingress_policer { rate_kbps: 1000000000 burst_kb: 100000000 rate_pps: 1 }"
                  " egress_policer { rate_pps: 1000000000 burst_packets: 100000000 }"
                  " storm { broadcast { rate_pps: 100 } unknown_unicast { rate_kbps: 1 } }"
                  " dscp { mode: MODE_MARK value: 63 tunnel: TUNNEL_PIPE outer_value: 63 }"
                  " shaper { min_kbps: 10 max_kbps: 10 } traffic_class: 7 }"
                  " security { ip_anti_spoof: IP_ANTI_SPOOF_ON dhcp_server_guard: GUARD_OFF"
                  " ra_guard: GUARD_ON }"),
            absl::OkStatus());
}

TEST_F(PolicyTest, Policers) {
  ExpectWrong("qos { ingress_policer { burst_kb: 10 } }",
              "qos ingress_policer: burst_kb 10 has no rate_kbps; give a rate");
  ExpectWrong("qos { egress_policer { rate_kbps: 1 burst_packets: 10 } }",
              "qos egress_policer: burst_packets 10 has no rate_pps; give a rate");
  ExpectWrong("qos { egress_policer { rate_kbps: 1000000001 } }",
              "qos egress_policer: rate_kbps 1000000001 is more than 1000000000");
  ExpectWrong("qos { storm { broadcast { rate_pps: 1000000001 } } }",
              "qos storm broadcast: rate_pps 1000000001 is more than 1000000000");
  ExpectWrong("qos { storm { multicast { rate_kbps: 1 burst_kb: 100000001 } } }",
              "qos storm multicast: burst_kb 100000001 is more than 100000000");
  ExpectWrong("qos { storm { unknown_unicast { rate_pps: 1 burst_packets: 100000001 } } }",
              "qos storm unknown_unicast: burst_packets 100000001 is more than 100000000");
}

TEST_F(PolicyTest, DscpShaperAndClass) {
  ExpectWrong("qos { dscp { mode: MODE_MARK value: 64 } }", "qos dscp: value 64 is not in 0..63");
  ExpectWrong("qos { dscp { value: 46 } }",
              "qos dscp: value 46 is for mode mark only; give that mode");
  ExpectWrong("qos { dscp { tunnel: TUNNEL_PIPE outer_value: 64 } }",
              "qos dscp: outer_value 64 is not in 0..63");
  ExpectWrong("qos { dscp { outer_value: 10 } }",
              "qos dscp: outer_value 10 is for tunnel pipe only; give that");
  ExpectWrong("qos { shaper { min_kbps: 5 } }",
              "qos shaper: max_kbps is missing; give the ceiling");
  ExpectWrong("qos { shaper { } }", "qos shaper: max_kbps is missing; give the ceiling");
  ExpectWrong("qos { shaper { min_kbps: 6 max_kbps: 5 } }",
              "qos shaper: min_kbps 6 is more than max_kbps 5");
  ExpectWrong("qos { traffic_class: 8 }", "qos traffic_class 8 is not in 0..7");
}

TEST_F(PolicyTest, SecurityThatContradictsItself) {
  ExpectWrong("security { mac_anti_spoof: MAC_ANTI_SPOOF_OFF ip_anti_spoof: IP_ANTI_SPOOF_ON }",
              "security ip_anti_spoof on needs mac_anti_spoof on; turn that on, too");
}

TEST_F(PolicyTest, MaxMacs) {
  EXPECT_EQ(Check("security { mac_anti_spoof: MAC_ANTI_SPOOF_OFF max_macs: 4096 }"),
            absl::OkStatus());
  ExpectWrong("security { mac_anti_spoof: MAC_ANTI_SPOOF_OFF max_macs: 4097 }",
              "security max_macs 4097 is not in 0..4096");
  ExpectWrong("security { max_macs: 5 }",
              "security max_macs 5 is for mac_anti_spoof off; with it on, the MACs are those of "
              "the port");
}

TEST_F(PolicyTest, AllowedAddresses) {
  v1::Port port = MakePort(1, "web");
  port.MergeFrom(
      Parse<v1::Port>("allowed_addresses { prefixes: '10.9.0.0/16' prefixes: 'FD00::1' }"
                      "allowed_addresses { mac: '00-00-5E-00-01-01' }"));
  Normalize(&port);
  EXPECT_EQ(Validate(model_, port), absl::OkStatus());
  EXPECT_EQ(port.allowed_addresses(0).prefixes(1), "fd00::1/128");
  EXPECT_EQ(port.allowed_addresses(1).mac(), "00:00:5e:00:01:01");

  const std::string entry = "allowed_addresses \"\"";
  ExpectWrongAllowed("allowed_addresses { prefixes: 'ten' }",
                     entry + ": prefix \"ten\" is not an IP address or prefix");
  ExpectWrongAllowed("allowed_addresses { prefixes: '10.0.0.1/8' }",
                     entry + ": prefix 10.0.0.1/8 has host bits set; did you mean 10.0.0.0/8?");
  ExpectWrongAllowed("allowed_addresses { prefixes: '::ffff:10.0.0.1' }",
                     entry + ": prefix ::ffff:10.0.0.1/128 is IPv4; write it so");
  ExpectWrongAllowed("allowed_addresses { prefixes: '10.0.0.1' prefixes: '10.0.0.1/32' }",
                     entry + ": prefix 10.0.0.1/32 is listed twice; remove one");
  ExpectWrongAllowed("allowed_addresses { } allowed_addresses { }",
                     entry + ": is listed twice; put the prefixes together");
  ExpectWrongAllowed("allowed_addresses { mac: '01:00:5e:00:00:01' }",
                     "allowed_addresses \"01:00:5e:00:00:01\": is not a unicast MAC such as "
                     "52:54:00:aa:bb:cc");
  port = MakePort(1, "web");
  for (int i = 0; i < 65; ++i) port.add_allowed_addresses()->set_mac(Mac(i + 10));
  EXPECT_EQ(Message(CheckAllowedAddresses(port)), "65 allowed_addresses are more than 64");
}

}  // namespace
}  // namespace outrider::controller
