// What hosts are told of segments that VLANs of physical networks carry.
#include "controller/compute/compute.h"
#include "tests/controller/model/build.h"

namespace outrider::controller {
namespace {

TEST(ComputeProvider, PeersAreThePhysicalNetworksMatter) {
  Model model;
  PutAll(&model, MakeProvider("dmz", 100, "net", 7), MakeProfile("web", "dmz"), MakeHost("h1", 1),
         MakeHost("h2", 2), MakePort(1, "web", "h1"), MakePort(2, "web", "h2", 4));
  const v1::HostState state = ComputeHostState(model, "h1");
  EXPECT_TRUE(Equal(
      state, Parse<v1::HostState>(fmt::format(
                 R"(
    segments {{ vni: 100 mtu: 1500 flood_unknown_unicast: true suppress_arp: true
                suppress_nd: true
                provider_uplink: "net" provider_vlan: 7 }}
    fdb {{ vni: 100 mac: "{mac1}" port_id: "{id1}" epoch: 1 }}
    neighbors {{ vni: 100 ip: "192.168.0.2" mac: "{mac1}" }}
    neighbors {{ vni: 100 ip: "192.168.0.3" mac: "{mac2}" }}
    ports {{ id: "{id1}" mac: "{mac1}" vni: 100 profile: "web" profile_revision: 1
             mac_anti_spoof: true dhcp_server_guard: true ra_guard: true phase: PORT_PHASE_ACTIVE epoch: 1 }})",
                 fmt::arg("mac1", Mac(1)), fmt::arg("mac2", Mac(2)), fmt::arg("id1", PortId(1))))))
      << state.DebugString();
}

// Allowed VLANs follow the ports: expected ones count, and the last that leaves takes its VLAN
// along.
TEST(ComputeProvider, AHostHasTheVlansOfItsPortsAlone) {
  Model model;
  PutAll(&model, MakeProvider("a", 100, "net", 1), MakeProvider("b", 200, "net", 2),
         MakeVlanProfile("trunk", R"(mode: MODE_TRUNK vlans { vlan: 10 segment: "a" }
                                     vlans { vlan: 20 segment: "b" })"),
         MakeProfile("web", "a"), MakeHost("h1", 1), MakeHost("h2", 2), MakePort(1, "trunk", "h1"),
         MakePort(2, "web", "h2"));
  const auto vlans = [&](const std::string& host) {
    std::vector<uint32_t> vlans;
    const v1::HostState state = ComputeHostState(model, host);
    for (const auto& segment : state.segments()) vlans.push_back(segment.provider_vlan());
    return vlans;
  };
  using Vlans = std::vector<uint32_t>;
  EXPECT_EQ(vlans("h1"), (Vlans{1, 2}));
  EXPECT_EQ(vlans("h2"), (Vlans{1}));
  PutAll(&model, MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_PREPARING));
  EXPECT_EQ(vlans("h2"), (Vlans{1, 2})) << "expected";
  PutAll(&model, MakePort(1, "trunk", "h2", 2),
         MakeMigration("m1", {1}, "h1", "h2", v1::MIGRATION_PHASE_COMMITTED));
  EXPECT_EQ(vlans("h1"), Vlans());
  EXPECT_EQ(vlans("h2"), (Vlans{1, 2}));
}

}  // namespace
}  // namespace outrider::controller
