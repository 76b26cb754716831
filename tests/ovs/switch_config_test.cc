#include "vswitch/ovs/switch_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ovs/sample_rows.h"

namespace outrider::ovs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kId[] = "c2a5f0f0-1111-4222-b333-444455556666";

class SwitchConfigTest : public ::testing::Test {
 protected:
  SwitchConfigTest() { rows_.AddBridge("br0"); }
  InterfaceConfig Interface(const std::string& name) {
    const SwitchConfig config = ReadConfig(rows_.database()->tables());
    return config.bridges.at("br0").interfaces.at(name);
  }
  std::vector<std::string> WithoutEffect() {
    return NotActedOn(rows_.database()->schema(), rows_.database()->tables());
  }
  SampleRows rows_;
};

TEST_F(SwitchConfigTest, ABridgeHasItsOwnInterface) {
  const SwitchConfig config = ReadConfig(rows_.database()->tables());
  EXPECT_EQ(config.next_cfg, 1);
  const BridgeConfig& bridge = config.bridges.at("br0");
  EXPECT_EQ(bridge.uuid, rows_.UuidOf("Bridge", "br0"));
  EXPECT_EQ(bridge.interfaces.at("br0").type, "internal");
  EXPECT_FALSE(bridge.interfaces.at("br0").IsGuest());
}

// What libvirt writes when it starts a domain.
TEST_F(SwitchConfigTest, AGuestsInterfaceIsRead) {
  rows_.AddPort("br0", "vnet0", "{}",
                R"({"external_ids": ["map", [["attached-mac", "52:54:00:aa:bb:01"],
                    ["iface-id", "c2a5f0f0-1111-4222-b333-444455556666"], ["vm-id", "vm"],
                    ["port-profile", "web"], ["iface-status", "active"]]]})");
  const InterfaceConfig vnet0 = Interface("vnet0");
  EXPECT_TRUE(vnet0.IsGuest());
  EXPECT_EQ(vnet0.iface_id, *PortId::Parse(kId));
  EXPECT_EQ(vnet0.attached_mac, *MacAddress::Parse("52:54:00:aa:bb:01"));
  EXPECT_EQ(vnet0.vm_id, "vm");
  EXPECT_EQ(vnet0.profile, "web");
  EXPECT_THAT(vnet0.mistake, IsEmpty());
}

TEST_F(SwitchConfigTest, AnIdThatIsNoneIsNamedWhereAProfileIsAskedFor) {
  rows_.AddPort("br0", "vnet0", "{}",
                R"({"external_ids": ["map", [["iface-id", "seven"], ["port-profile", "web"]]]})");
  EXPECT_THAT(Interface("vnet0").mistake, HasSubstr("external_ids:iface-id"));
}

TEST_F(SwitchConfigTest, AnIdThatIsNoneIsALabelElse) {
  rows_.AddPort(
      "br0", "vnet0", "{}",
      R"({"external_ids": ["map", [["iface-id", "net2-c1-eth0"], ["attached-mac", "none"]]]})");
  EXPECT_THAT(Interface("vnet0").mistake, IsEmpty());
  EXPECT_FALSE(Interface("vnet0").IsGuest());
}

TEST_F(SwitchConfigTest, ADatapathIdHasSixteenDigitsOrAPrefix) {
  const auto id_of = [&](const std::string& text) {
    rows_.Set("Bridge", "br0",
              R"({"other_config": ["map", [["datapath-id", ")" + text + R"("]]]})");
    return ReadConfig(rows_.database()->tables()).bridges.at("br0").datapath_id;
  };
  EXPECT_EQ(id_of("00000000000000ff"), 0xffu);
  EXPECT_EQ(id_of("0xABC"), 0xabcu);
  for (const char* const text : {"abc", "0x", "0x0", "000000000000000g", "0x12345678901234567"}) {
    EXPECT_EQ(id_of(text), std::nullopt) << text;
  }
}

TEST_F(SwitchConfigTest, VlansAreRead) {
  rows_.AddPort("br0", "vnet0",
                R"({"tag": 20, "trunks": ["set", [20, 30]], "vlan_mode": "native-untagged"})");
  const VlanConfig vlans = Interface("vnet0").vlans;
  EXPECT_EQ(vlans.tag, 20);
  EXPECT_THAT(vlans.trunks, ElementsAre(20, 30));
  EXPECT_EQ(vlans.mode, state::VlanMode::kNativeUntagged);
}

TEST_F(SwitchConfigTest, PolicingIsKilobitsAndThousandsOfPackets) {
  rows_.AddPort("br0", "vnet0", "{}",
                R"({"ingress_policing_rate": 40000, "ingress_policing_burst": 4000,
                    "ingress_policing_kpkts_rate": 2})");
  const state::Policer policer = Interface("vnet0").policer;
  EXPECT_EQ(policer.rate_kbps, 40000u);
  EXPECT_EQ(policer.burst_kb, 4000u);
  EXPECT_EQ(policer.rate_pps, 2000u);
}

TEST_F(SwitchConfigTest, QosIsBitsAndItsFirstQueueNarrowsIt) {
  rows_.AddPort("br0", "vnet0");
  rows_.Run(R"([{"op": "insert", "table": "Queue", "uuid-name": "q", "row":
                  {"other_config": ["map", [["min-rate", "160000000"], ["max-rate", "200000000"]]]}},
                {"op": "insert", "table": "QoS", "uuid-name": "qos", "row":
                  {"type": "linux-htb", "queues": ["map", [[0, ["named-uuid", "q"]]]],
                   "other_config": ["map", [["max-rate", "240000000"], ["burst", "8192000"]]]}},
                {"op": "update", "table": "Port", "where": [["name", "==", "vnet0"]], "row":
                  {"qos": ["named-uuid", "qos"]}}])");
  const state::Shaper shaper = Interface("vnet0").shaper;
  EXPECT_EQ(shaper.min_kbps, 160000u);
  EXPECT_EQ(shaper.max_kbps, 200000u);
  EXPECT_EQ(shaper.burst_kb, 8192u);
}

TEST_F(SwitchConfigTest, AQosTypeThatIsNotServedIsNamed) {
  rows_.AddPort("br0", "vnet0");
  rows_.Run(R"([{"op": "insert", "table": "QoS", "uuid-name": "qos", "row": {"type": "linux-sfq"}},
                {"op": "update", "table": "Port", "where": [["name", "==", "vnet0"]], "row":
                  {"qos": ["named-uuid", "qos"]}}])");
  EXPECT_THAT(Interface("vnet0").qos_note, HasSubstr("linux-sfq"));
  EXPECT_THAT(Interface("vnet0").mistake, IsEmpty()) << "the port is served";
}

TEST_F(SwitchConfigTest, ABondIsNamedAsSuch) {
  rows_.Run(R"([{"op": "insert", "table": "Interface", "uuid-name": "a", "row": {"name": "e0"}},
                {"op": "insert", "table": "Interface", "uuid-name": "b", "row": {"name": "e1"}},
                {"op": "insert", "table": "Port", "uuid-name": "p", "row": {"name": "bond0",
                  "interfaces": ["set", [["named-uuid", "a"], ["named-uuid", "b"]]]}},
                {"op": "mutate", "table": "Bridge", "where": [["name", "==", "br0"]],
                  "mutations": [["ports", "insert", ["named-uuid", "p"]]]}])");
  EXPECT_THAT(Interface("e0").mistake, HasSubstr("member of the bond \"bond0\""));
  EXPECT_THAT(Interface("e1").mistake, HasSubstr("bond0"));
}

TEST_F(SwitchConfigTest, WhatHasNoEffectIsNamed) {
  EXPECT_THAT(WithoutEffect(), IsEmpty());
  rows_.Set("Bridge", "br0", R"({"stp_enable": true})");
  rows_.AddPort("br0", "vnet0", R"({"lacp": "active"})");
  EXPECT_THAT(WithoutEffect(), ElementsAre("Bridge br0: stp_enable", "Port vnet0: lacp"));
}

TEST_F(SwitchConfigTest, OtherConfigIsNamedByKey) {
  rows_.Set("Bridge", "br0", R"({"other_config": ["map", [["hwaddr", "52:54:00:00:00:01"],
            ["datapath-id", "0000525400000001"], ["forward-bpdu", "true"]]]})");
  rows_.AddPort("br0", "vnet0", R"({"other_config": ["map", [["rstp-enable", "true"]]]})",
                R"({"other_config": ["map", [["tx-size", "64"]]]})");
  rows_.Run(R"([{"op": "update", "table": "Open_vSwitch", "where": [], "row": {"other_config":
                  ["map", [["stats-update-interval", "1000"], ["dpdk-init", "true"]]]}}])");
  EXPECT_THAT(WithoutEffect(), ElementsAre("Bridge br0: other_config:forward-bpdu",
                                           "Interface vnet0: other_config:tx-size",
                                           "Open_vSwitch .: other_config:dpdk-init",
                                           "Port vnet0: other_config:rstp-enable"));
}

TEST_F(SwitchConfigTest, WhatAsksForWhatIsDoneAnywayIsNotNamed) {
  rows_.Set("Bridge", "br0", R"({"fail_mode": "standalone", "datapath_type": "system"})");
  rows_.Set("Interface", "br0", R"({"mac": "52:54:00:00:00:02"})");
  rows_.AddPort("br0", "vnet0", R"({"fake_bridge": true, "tag": 5})");
  EXPECT_THAT(WithoutEffect(), IsEmpty());
  rows_.Set("Bridge", "br0", R"({"fail_mode": "secure", "datapath_type": "netdev"})");
  rows_.Set("Interface", "vnet0",
            R"({"mac": "52:54:00:00:00:03", "options": ["map", [["n_rxq", "2"]]]})");
  EXPECT_THAT(WithoutEffect(), ElementsAre("Bridge br0: datapath_type", "Bridge br0: fail_mode",
                                           "Interface vnet0: mac", "Interface vnet0: options"));
}

TEST_F(SwitchConfigTest, OfAQosOnlyTheRatesOfItsFirstQueueHaveAnEffect) {
  rows_.AddPort("br0", "vnet0");
  rows_.AddPort("br0", "vnet1");
  rows_.AddPort("br0", "vnet2");
  rows_.Run(R"([{"op": "insert", "table": "Queue", "uuid-name": "first", "row":
                  {"dscp": 10, "other_config": ["map", [["max-rate", "200000000"]]]}},
                {"op": "insert", "table": "Queue", "uuid-name": "second", "row": {}},
                {"op": "insert", "table": "QoS", "uuid-name": "htb", "row":
                  {"type": "linux-htb", "other_config": ["map", [["max-rate", "240000000"]]],
                   "queues": ["map", [[0, ["named-uuid", "first"]],
                                      [7, ["named-uuid", "second"]]]]}},
                {"op": "insert", "table": "QoS", "uuid-name": "sfq", "row": {"type": "linux-sfq"}},
                {"op": "insert", "table": "QoS", "uuid-name": "noop", "row": {"type": "linux-noop"}},
                {"op": "update", "table": "Port", "where": [["name", "==", "vnet0"]], "row":
                  {"qos": ["named-uuid", "htb"]}},
                {"op": "update", "table": "Port", "where": [["name", "==", "vnet1"]], "row":
                  {"qos": ["named-uuid", "sfq"]}},
                {"op": "update", "table": "Port", "where": [["name", "==", "vnet2"]], "row":
                  {"qos": ["named-uuid", "noop"]}}])");
  EXPECT_THAT(WithoutEffect(),
              ElementsAre("Port vnet0: qos queues:0 dscp", "Port vnet0: qos queues:7",
                          "Port vnet1: qos type=linux-sfq"));
}

}  // namespace
}  // namespace outrider::ovs
