#include "vswitch/datapath/ebpf/state_reader.h"

#include <gtest/gtest.h>

#include "tests/datapath/ebpf/inventory_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;

HostState WholeState() {
  HostState state;
  state.segments[MakeVni(kVni)] = {
      .mtu = 1400, .flood_unknown_unicast = false, .suppress_arp = true, .vteps = {FixtureVtep()}};
  state.ports[MakePortId(1)] = FixturePort();
  state.fdb.emplace(state::FdbKey{MakeVni(kVni), MakeMac(1)},
                    state::FdbEntry{MakePortId(1), Epoch{1}});
  state.fdb.emplace(state::FdbKey{MakeVni(kVni), MakeMac(2)},
                    state::FdbEntry{FixtureVtep(), Epoch{1}});
  return state;
}

uint32_t SegmentMtu(const Inventory& rows) {
  return ToHostState(rows, {kPort}).segments.at(MakeVni(kVni)).mtu;
}

TEST(StateReaderTest, ReadsAWholeInventory) {
  EXPECT_EQ(ToHostState(WholeInventory(), {kPort}), WholeState());
  EXPECT_EQ(ToHostState({}, {}), HostState());
}

TEST(StateReaderTest, APortWithoutItsDeviceIsBlocked) {
  HostState expected = WholeState();
  expected.ports[MakePortId(1)].device.reset();
  expected.ports[MakePortId(1)].phase = state::PortPhase::kBlocked;
  EXPECT_EQ(ToHostState(WholeInventory(), {}), expected);
}

TEST(StateReaderTest, APortOfAnotherMtuThanItsSegmentIsBlocked) {
  Inventory rows = WholeInventory();
  rows.ports[kPort].mtu = 1300;
  EXPECT_EQ(ToHostState(rows, {kPort}).ports.at(MakePortId(1)).phase, state::PortPhase::kBlocked);
}

TEST(StateReaderTest, APortOfAnUnknownRuleSetDiffersFromAnyWantedOne) {
  Inventory rows = WholeInventory();
  rows.ports[kPort].ingress_rule_set = 99;
  const state::Port port = ToHostState(rows, {kPort}).ports.at(MakePortId(1));
  EXPECT_EQ(port.phase, state::PortPhase::kBlocked);
  EXPECT_EQ(port.device, std::nullopt);
}

// The port of the fixture as a trunk of its segment and of one more.
Inventory TrunkInventory() {
  state::Port port = FixturePort();
  port.vni.reset();
  port.vlans = {.mode = state::VlanMode::kTrunk, .trunk = {{10, MakeVni(kVni)}, {20, MakeVni(8)}}};
  Inventory rows = WholeInventory();
  rows.ports[kPort] = EncodePort(port, {.ifindex = kIfindex, .mtu = 1400, .vlan_map = 4});
  rows.vlan_maps[4] = EncodeVlans(port);
  abi::or_segment segment{};
  segment.mtu = 1300;
  segment.replication = 21;
  segment.local_copies = 1;
  rows.segments[8] = segment;
  rows.replication[21] = {{0, kPort}};
  return rows;
}

TEST(StateReaderTest, ReadsATrunk) {
  const HostState state = ToHostState(TrunkInventory(), {kPort});
  const state::Port& port = state.ports.at(MakePortId(1));
  EXPECT_EQ(port.phase, state::PortPhase::kActive);
  EXPECT_EQ(port.vlans.trunk.size(), 2u);
  EXPECT_EQ(state.segments.at(MakeVni(kVni)).mtu, 1400u);
  EXPECT_EQ(state.segments.at(MakeVni(8)).mtu, 1300u);
}

TEST(StateReaderTest, ATrunkMustBeOnTheListOfEachOfItsSegments) {
  Inventory rows = TrunkInventory();
  rows.replication[21].clear();
  rows.segments[8].local_copies = 0;
  const HostState state = ToHostState(rows, {kPort});
  EXPECT_EQ(state.segments.at(MakeVni(8)).mtu, 0u);
  EXPECT_EQ(state.segments.at(MakeVni(kVni)).mtu, 1400u);
}

TEST(StateReaderTest, ATrunkFollowsTheLargestMtuOfItsSegments) {
  Inventory rows = TrunkInventory();
  rows.segments[8].mtu = 1450;
  EXPECT_EQ(ToHostState(rows, {kPort}).ports.at(MakePortId(1)).phase, state::PortPhase::kBlocked);
}

TEST(StateReaderTest, ATrunkWithoutItsMapDiffersFromAnyWantedOne) {
  Inventory rows = TrunkInventory();
  rows.vlan_maps.clear();
  const state::Port port = ToHostState(rows, {kPort}).ports.at(MakePortId(1));
  EXPECT_TRUE(port.vlans.trunk.empty());
}

TEST(StateReaderTest, ASegmentWhoseListIsNotWholeHasMtuZero) {
  EXPECT_EQ(SegmentMtu(WholeInventory()), 1400u);

  Inventory rows = WholeInventory();
  rows.replication[kList].erase(1);
  EXPECT_EQ(SegmentMtu(rows), 0u) << "a slot is missing";

  rows = WholeInventory();
  rows.ports[kPort].phase = abi::OR_PORT_BLOCKED;
  EXPECT_EQ(SegmentMtu(rows), 0u) << "copies for a port that takes none";

  rows = WholeInventory();
  rows.members.clear();
  EXPECT_EQ(SegmentMtu(rows), 0u) << "copies to a VTEP whose answers are refused";

  rows = WholeInventory();
  rows.members[kVni][tests::Ip("10.99.0.3")] = 6;
  EXPECT_EQ(SegmentMtu(rows), 0u) << "a source is accepted that gets no copies";
}

}  // namespace
}  // namespace outrider::datapath::ebpf
