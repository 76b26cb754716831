#include "vswitch/datapath/ebpf/sweeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datapath/ebpf/inventory_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SweeperTest, AWholeInventoryHasNoOrphans) {
  EXPECT_TRUE(FindOrphans(WholeInventory()).empty());
  EXPECT_TRUE(FindOrphans({}).empty());
}

TEST(SweeperTest, FindsDevicesNoPortHas) {
  Inventory rows = WholeInventory();
  rows.devices[12] = kPort;
  rows.devices[13] = 99;
  EXPECT_THAT(FindOrphans(rows).devices, ElementsAre(12, 13));
}

TEST(SweeperTest, FindsHalfWrittenAndHalfDeletedPorts) {
  Inventory rows = WholeInventory();
  rows.port_info[4] = rows.port_info[kPort];
  rows.ports[5] = rows.ports[kPort];
  const Orphans orphans = FindOrphans(rows);
  EXPECT_THAT(orphans.port_info, ElementsAre(4));
  EXPECT_THAT(orphans.ports, ElementsAre(5));
  EXPECT_THAT(orphans.devices, IsEmpty());
}

TEST(SweeperTest, FindsListsNoSegmentNames) {
  Inventory rows = WholeInventory();
  rows.replication[21] = {{0, kPort}, {1, kVtep}};
  const Orphans orphans = FindOrphans(rows);
  ASSERT_THAT(orphans.replication, SizeIs(2));
  EXPECT_EQ(orphans.replication[0].list, 21u);
}

TEST(SweeperTest, FindsMembersThatGetNoCopiesAndTheirVteps) {
  Inventory rows = WholeInventory();
  rows.vteps[6] = tests::Ip("10.99.0.3");
  rows.members[kVni][tests::Ip("10.99.0.3")] = 6;
  const Orphans orphans = FindOrphans(rows);
  ASSERT_THAT(orphans.members, SizeIs(1));
  EXPECT_EQ(orphans.members[0].address[15], 3);
  EXPECT_THAT(orphans.vteps, ElementsAre(6));
}

abi::or_multicast_group Group(uint32_t vni) { return {.vni = vni, .address = {0xff, 5}}; }

TEST(SweeperTest, FindsMulticastMembersThatAreNowhere) {
  Inventory rows = WholeInventory();
  rows.multicast_groups = {{Group(kVni), 2}};
  rows.multicast_members = {{{Group(kVni), kPort}, 77},
                            {{Group(kVni), OR_MULTICAST_VTEP | kVtep}, 0}};
  EXPECT_TRUE(FindOrphans(rows).empty());
  rows.multicast_members.push_back({{Group(kVni), 99}, 77});
  rows.multicast_members.push_back({{Group(kVni), OR_MULTICAST_VTEP | 99}, 0});
  rows.multicast_members.push_back({{Group(kVni + 1), kPort}, 77});
  const Orphans orphans = FindOrphans(rows);
  EXPECT_THAT(orphans.multicast_members, SizeIs(3));
  EXPECT_THAT(orphans.multicast_groups, IsEmpty());
  EXPECT_THAT(orphans.multicast_counts, IsEmpty());
}

TEST(SweeperTest, FindsMulticastGroupsOfAnotherNumberOfMembers) {
  Inventory rows = WholeInventory();
  rows.multicast_members = {{{Group(kVni), kPort}, 77}};
  EXPECT_THAT(FindOrphans(rows).multicast_counts, SizeIs(1)) << "no row of the group";
  rows.multicast_groups = {{Group(kVni), 2}, {Group(kVni + 1), 1}};
  const Orphans orphans = FindOrphans(rows);
  ASSERT_THAT(orphans.multicast_counts, SizeIs(1));
  EXPECT_EQ(orphans.multicast_counts[0].second, 1u);
  ASSERT_THAT(orphans.multicast_groups, SizeIs(1)) << "without members";
  EXPECT_EQ(orphans.multicast_groups[0].vni, kVni + 1);
}

TEST(SweeperTest, FindsEverythingOfADeletedSegment) {
  Inventory rows = WholeInventory();
  rows.segments.clear();
  rows.fdb.clear();
  const Orphans orphans = FindOrphans(rows);
  EXPECT_THAT(orphans.replication, SizeIs(2));
  EXPECT_THAT(orphans.members, SizeIs(1));
  EXPECT_THAT(orphans.vteps, ElementsAre(kVtep));
}

TEST(SweeperTest, FindsVlanMapsNoPortIsOn) {
  Inventory rows = WholeInventory();
  rows.vlan_maps[4] = {.segments = {{10, kVni}}, .tags = {{kVni, 10}}};
  rows.vlan_maps[5] = rows.vlan_maps[4];
  rows.ports[kPort].vlan_map = 4;
  const Orphans orphans = FindOrphans(rows);
  EXPECT_FALSE(orphans.empty());
  ASSERT_THAT(orphans.vlan_maps, SizeIs(1));
  EXPECT_TRUE(orphans.vlan_maps.contains(5));
}

TEST(SweeperTest, FindsFdbEntriesThatLeadNowhere) {
  Inventory rows = WholeInventory();
  rows.fdb.push_back({FixtureFdbKey(3), {abi::OR_FDB_LOCAL, 99, 1}});
  rows.fdb.push_back({FixtureFdbKey(4), {abi::OR_FDB_REMOTE, 99, 1}});
  const Orphans orphans = FindOrphans(rows);
  ASSERT_THAT(orphans.fdb, SizeIs(2));
  EXPECT_EQ(orphans.fdb[0].mac[5], 3);
  EXPECT_EQ(orphans.fdb[1].mac[5], 4);
}

TEST(SweeperTest, LimitsAndListsOfNoPort) {
  Inventory rows = WholeInventory();
  rows.ports[kPort].limits = 4;
  rows.ports[kPort].allowed = 6;
  rows.limits[4] = {};
  rows.limits[5] = {};
  rows.allowed[6][0] = {};
  rows.allowed[7][2] = {.mac = {2}, .kind = OR_ALLOWED_MAC, .length = 0, .address = {}};
  const Orphans orphans = FindOrphans(rows);
  EXPECT_THAT(orphans.limits, ElementsAre(5u));
  ASSERT_EQ(orphans.allowed.size(), 1u);
  ASSERT_EQ(orphans.allowed.at(7).size(), 3u);
  EXPECT_EQ(orphans.allowed.at(7)[2].mac[0], 2);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
