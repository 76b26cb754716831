// What hosts are told of ports in several segments.
#include "controller/compute/compute.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

using Hosts = std::set<std::string>;

// Segments red (h1 by a trunk, h2), blue (h1 by the trunk, h3), green (h4).
class VlanComputeTest : public testing::Test {
 protected:
  VlanComputeTest() {
    PutAll(&model_, MakeSegment("red", 100), MakeSegment("blue", 200), MakeSegment("green", 300),
           MakeProfile("web", "red"), MakeProfile("db", "blue"), MakeProfile("lab", "green"),
           MakeVlanProfile("trunk", kTrunk), MakeHost("h1", 1), MakeHost("h2", 2),
           MakeHost("h3", 3), MakeHost("h4", 4), MakePort(1, "trunk", "h1"),
           MakePort(2, "web", "h2"), MakePort(3, "db", "h3"), MakePort(4, "lab", "h4"));
  }
  v1::HostState State(const std::string& host) const { return ComputeHostState(model_, host); }
  // Makes the change and says whom it affects.
  Hosts Affected(const v1::Profile& profile) {
    return AffectedHosts(model_, Apply(&model_, profile));
  }
  static std::string Where(const v1::HostState& state, uint32_t vni, const std::string& mac) {
    for (const auto& entry : state.fdb()) {
      if (entry.vni() == vni && entry.mac() == mac) return entry.port_id() + entry.vtep();
    }
    return "";
  }

  static constexpr char kTrunk[] =
      "mode: MODE_TRUNK vlans { vlan: 20 segment: 'blue' } vlans { vlan: 10 segment: 'red' }";
  Model model_;
};

TEST_F(VlanComputeTest, AHostHasEverySegmentOfItsTrunk) {
  EXPECT_TRUE(Equal(State("h1"), Parse<v1::HostState>(fmt::format(
                                     R"(
    segments {{ vni: 100 mtu: 1450 suppress_arp: true suppress_nd: true vteps: "10.0.2.1" }}
    segments {{ vni: 200 mtu: 1450 suppress_arp: true suppress_nd: true vteps: "10.0.3.1" }}
    fdb {{ vni: 100 mac: "{mac1}" port_id: "{id1}" epoch: 1 }}
    fdb {{ vni: 100 mac: "{mac2}" vtep: "10.0.2.1" epoch: 1 }}
    fdb {{ vni: 200 mac: "{mac1}" port_id: "{id1}" epoch: 1 }}
    fdb {{ vni: 200 mac: "{mac3}" vtep: "10.0.3.1" epoch: 1 }}
    neighbors {{ vni: 100 ip: "192.168.0.3" mac: "{mac2}" }}
    neighbors {{ vni: 200 ip: "192.168.0.4" mac: "{mac3}" }}
    ports {{ id: "{id1}" mac: "{mac1}" profile: "trunk" profile_revision: 1 mac_anti_spoof: true
             dhcp_server_guard: true ra_guard: true phase: PORT_PHASE_ACTIVE epoch: 1
             vlan_mode: MODE_TRUNK
             vlans {{ vlan: 10 vni: 100 }} vlans {{ vlan: 20 vni: 200 }} }})",
                                     fmt::arg("mac1", Mac(1)), fmt::arg("mac2", Mac(2)),
                                     fmt::arg("mac3", Mac(3)), fmt::arg("id1", PortId(1))))))
      << State("h1").DebugString();
}

TEST_F(VlanComputeTest, EveryHostOfEachSegmentKnowsTheMac) {
  EXPECT_EQ(Where(State("h2"), 100, Mac(1)), "10.0.1.1");
  EXPECT_EQ(Where(State("h3"), 200, Mac(1)), "10.0.1.1");
  EXPECT_EQ(State("h3").segments(0).vteps(0), "10.0.1.1");
  EXPECT_EQ(Where(State("h4"), 300, Mac(1)), "");
}

TEST_F(VlanComputeTest, AddressesAreThoseOfTheNativeVlan) {
  PutAll(&model_, MakeVlanProfile("trunk",
                                  "mode: MODE_NATIVE_UNTAGGED segment: 'red' "
                                  "native_vlan: 10 vlans { vlan: 20 segment: 'blue' }"));
  EXPECT_EQ(State("h2").neighbors_size(), 2);
  EXPECT_EQ(State("h3").neighbors_size(), 1);
  const v1::PortState port = State("h1").ports(0);
  EXPECT_EQ(port.vni(), 100u);
  EXPECT_EQ(port.native_vlan(), 10u);
  EXPECT_EQ(port.vlan_mode(), v1::VlanSection::MODE_NATIVE_UNTAGGED);
  ASSERT_EQ(port.vlans_size(), 1);
  EXPECT_EQ(port.vlans(0).vni(), 200u);
}

TEST_F(VlanComputeTest, ATunnelsCustomerVlansGoToItsHost) {
  PutAll(&model_,
         MakeVlanProfile("trunk", "mode: MODE_DOT1Q_TUNNEL segment: 'red' customer_vlans: [9, 5]"));
  const v1::PortState port = State("h1").ports(0);
  EXPECT_EQ(port.vni(), 100u);
  ASSERT_EQ(port.customer_vlans_size(), 2);
  EXPECT_EQ(port.customer_vlans(0), 5u);
  EXPECT_EQ(State("h2").neighbors_size(), 1) << "untagged frames of the tunnel do not pass";
}

TEST_F(VlanComputeTest, ATrunkWithoutOneOfItsSegmentsIsBlocked) {
  Erase<v1::Segment>(&model_, "blue");
  const v1::HostState state = State("h1");
  ASSERT_EQ(state.ports_size(), 1);
  EXPECT_EQ(state.ports(0).phase(), v1::PORT_PHASE_BLOCKED);
  EXPECT_EQ(state.ports(0).vlans_size(), 0);
  EXPECT_EQ(state.segments_size(), 0);
}

TEST_F(VlanComputeTest, AMoveReachesEveryHostOfEverySegment) {
  EXPECT_EQ(AffectedHosts(model_, Apply(&model_, MakePort(1, "trunk", "h4", 2))),
            (Hosts{"h1", "h2", "h3", "h4"}));
  EXPECT_EQ(Where(State("h2"), 100, Mac(1)), "10.0.4.1");
  EXPECT_EQ(Where(State("h3"), 200, Mac(1)), "10.0.4.1");
  EXPECT_EQ(State("h1").segments_size(), 0);
}

TEST_F(VlanComputeTest, AnEditReachesTheHostsOfTheVlansItTouches) {
  EXPECT_EQ(Affected(MakeVlanProfile("trunk",
                                     "mode: MODE_TRUNK "
                                     "vlans { vlan: 10 segment: 'red' } "
                                     "vlans { vlan: 30 segment: 'green' }")),
            (Hosts{"h1", "h2", "h3", "h4"}));
  EXPECT_EQ(Where(State("h4"), 300, Mac(1)), "10.0.1.1");
  EXPECT_EQ(Where(State("h3"), 200, Mac(1)), "");
  // Other tags for the same segments are the port's own business.
  EXPECT_EQ(Affected(MakeVlanProfile("trunk",
                                     "mode: MODE_TRUNK "
                                     "vlans { vlan: 11 segment: 'red' } "
                                     "vlans { vlan: 31 segment: 'green' }")),
            (Hosts{"h1"}));
}

TEST_F(VlanComputeTest, ADestinationExpectsEveryVlan) {
  PutAll(&model_, MakeMigration("m1", {1}, "h1", "h4", v1::MIGRATION_PHASE_PREPARING));
  const v1::HostState state = State("h4");
  ASSERT_EQ(state.ports_size(), 2);
  EXPECT_EQ(state.ports(0).phase(), v1::PORT_PHASE_ARMED);
  EXPECT_EQ(state.ports(0).vlans_size(), 2);
  EXPECT_EQ(state.segments_size(), 3);
  EXPECT_EQ(Where(state, 200, Mac(1)), "10.0.1.1");
}

}  // namespace
}  // namespace outrider::controller
