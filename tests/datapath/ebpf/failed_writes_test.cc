// What is left when the kernel refuses a write in the middle: nothing that forwards by what was
// before, nothing that nobody removes. The tables over real maps that fail on command.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datapath/ebpf/tables_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using ::testing::IsEmpty;

using FailedWrites = TablesFixture;

// Each write of a profile's change fails in turn: the old profile must not stay.
TEST_F(FailedWrites, OfAPortLeaveItClosed) {
  state::Port stricter = ActivePort();
  stricter.mac_anti_spoof = true;
  stricter.ingress_policer = {.rate_kbps = 1000, .burst_kb = 100};
  stricter.allowed = {{.mac = tests::MakeMac(1), .prefixes = {}}};
  int host = 0;
  for (const std::string map : {"or_ports", "or_limits", "or_policers", "or_allowed_rows",
                                "or_allowed_macs", "or_allowed", "or_port_info", "grace"}) {
    SCOPED_TRACE(map);
    ASSERT_TRUE(ports_->Upsert(kPort, stricter).ok());
    ASSERT_TRUE(ports_->Upsert(kPort, ActivePort()).ok());
    // Another content than before, which would not be written again.
    ++stricter.ingress_policer.rate_kbps;
    stricter.allowed.front().prefixes = {
        IpPrefix::Create(tests::Ip(fmt::format("10.0.0.{}", ++host)), 32)};
    const uint32_t index = ports_->IndexOf(kPort).value();
    ASSERT_TRUE(maps_->ports.Lookup(index).ok());
    raw_->Fail(map);
    EXPECT_EQ(ports_->Upsert(kPort, stricter).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(absl::IsNotFound(maps_->ports.Lookup(index).status()));
    EXPECT_EQ(ports_->IndexOf(kPort), std::nullopt);
    raw_->Heal();
    EXPECT_TRUE(ports_->Upsert(kPort, stricter).ok());
    EXPECT_EQ(maps_->ports.Lookup(index)->phase, abi::OR_PORT_ACTIVE);
    EXPECT_TRUE(ports_->Delete(kPort).ok());
  }
}

// A port whose VLANs cannot be had is closed in all of them, and nothing of the map stays.
TEST_F(FailedWrites, OfAVlanMapBlockThePort) {
  state::Port trunk = ActivePort();
  trunk.vni.reset();
  trunk.vlans = {.mode = state::VlanMode::kTrunk, .trunk = {{10, kSegment}}};
  for (const std::string map : {"or_vlan_segments", "or_vlan_tags"}) {
    SCOPED_TRACE(map);
    ASSERT_TRUE(ports_->Upsert(kPort, ActivePort()).ok());
    const uint32_t index = ports_->IndexOf(kPort).value();
    raw_->Fail(map);
    EXPECT_EQ(ports_->Upsert(kPort, trunk).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(maps_->ports.Lookup(index)->phase, abi::OR_PORT_BLOCKED);
    EXPECT_EQ(maps_->ports.Lookup(index)->vlan_map, 0u);
    raw_->Heal();
    EXPECT_THAT(maps_->vlan_segments.Keys().value(), IsEmpty());
    EXPECT_TRUE(ports_->Upsert(kPort, trunk).ok());
    EXPECT_EQ(maps_->ports.Lookup(index)->phase, abi::OR_PORT_ACTIVE);
    EXPECT_TRUE(ports_->Delete(kPort).ok());
    EXPECT_TRUE(ports_->PurgeVlanMaps().ok());
    EXPECT_THAT(maps_->vlan_segments.Keys().value(), IsEmpty());
  }
}

TEST_F(FailedWrites, KeepAPortsCounters) {
  ASSERT_TRUE(ports_->Upsert(kPort, ActivePort()).ok());
  const uint32_t index = ports_->IndexOf(kPort).value();
  ASSERT_TRUE(maps_->port_stats.Update(index, {5, 0, 0, 0}).ok());
  const uint64_t counted = maps_->port_stats.LookupSum(index)->rx_packets;
  ASSERT_GT(counted, 0u);
  state::Port blocked = ActivePort();
  blocked.phase = state::PortPhase::kBlocked;
  raw_->Fail("or_ports");
  ASSERT_FALSE(ports_->Upsert(kPort, blocked).ok());
  raw_->Heal();
  ASSERT_TRUE(ports_->Upsert(kPort, ActivePort()).ok());
  EXPECT_EQ(maps_->port_stats.LookupSum(index)->rx_packets, counted);
}

TEST_F(FailedWrites, OfASegmentLeaveNoListBehind) {
  const state::Segment wanted = {.mtu = 1400, .vteps = {tests::Ip("10.99.0.2")}};
  for (const std::string map : {"or_segments", "grace"}) {
    SCOPED_TRACE(map);
    raw_->Fail(map);
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(segments_->Upsert(kSegment, {.mtu = 1401u + i, .vteps = wanted.vteps}).ok());
    }
    raw_->Heal();
    ASSERT_TRUE(segments_->Upsert(kSegment, wanted).ok());
    EXPECT_THAT(segments_->Flush(), IsEmpty());
    EXPECT_EQ(maps_->replication.Keys()->size(), 1u);
    ASSERT_TRUE(segments_->Upsert(kSegment, {.mtu = 1400, .vteps = {}}).ok());
    EXPECT_THAT(segments_->Flush(), IsEmpty());
    // What was retired goes with the next write.
    ASSERT_TRUE(segments_->Upsert(kSegment, {.mtu = 1300, .vteps = {}}).ok());
    EXPECT_THAT(maps_->replication.Keys().value(), IsEmpty());
  }
}

// A rule set that could not be written, or whose groups could not: no port gets it.
TEST_F(FailedWrites, OfARuleSetLeaveItUnknown) {
  state::RuleSet set;
  set.rules.resize(2);
  set.rules[1].src_group = "address/web";
  const state::GroupMember member = {.group = "address/web",
                                     .prefix = *IpPrefix::Parse("10.0.0.0/8")};
  ASSERT_TRUE(groups_->Insert(member).ok());
  state::Port port = ActivePort();
  port.ingress_rule_set = tests::MakeDigest(1);
  for (const std::string map : {"or_rule_sets", "or_group_rows"}) {
    SCOPED_TRACE(map);
    raw_->Fail(map);
    EXPECT_EQ(rule_sets_->Upsert(tests::MakeDigest(1), set).code(),
              absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(rule_sets_->IdOf(tests::MakeDigest(1)), std::nullopt);
    EXPECT_EQ(ports_->Upsert(kPort, port).code(), absl::StatusCode::kFailedPrecondition);
    const uint32_t index = ports_->IndexOf(kPort).value();
    EXPECT_EQ(maps_->ports.Lookup(index)->phase, abi::OR_PORT_BLOCKED);
    raw_->Heal();
  }
  EXPECT_TRUE(rule_sets_->Upsert(tests::MakeDigest(1), set).ok());
  EXPECT_TRUE(ports_->Upsert(kPort, port).ok());
  EXPECT_EQ(maps_->group_rows.Keys()->size(), 1u);
}

// A member that was half written is written whole by the next try, and so is a removal.
TEST_F(FailedWrites, OfAGroupMemberAreRepeated) {
  const state::GroupMember member = {.group = "address/web",
                                     .prefix = *IpPrefix::Parse("10.0.0.0/8")};
  for (const std::string map : {"or_groups", "or_group_combos", "or_group_members"}) {
    SCOPED_TRACE(map);
    raw_->Fail(map);
    EXPECT_EQ(groups_->Insert(member).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_THAT(maps_->group_members.Keys().value(), IsEmpty());
    raw_->Heal();
    ASSERT_TRUE(groups_->Insert(member).ok());
    EXPECT_EQ(maps_->group_members.Keys()->size(), 1u);
    EXPECT_EQ(maps_->group_combos.Keys()->size(), 1u);
    ASSERT_TRUE(groups_->Erase(member).ok());
    EXPECT_THAT(maps_->group_combos.Keys().value(), IsEmpty());
    EXPECT_THAT(maps_->groups.Keys().value(), IsEmpty());
  }
}

// A member that failed is not applied: were it wanted no more, nobody would remove it.
TEST_F(FailedWrites, OfAGroupMemberLeaveItOutOfTheGroup) {
  const auto member = [](const std::string& group, const std::string& prefix) {
    return state::GroupMember{.group = group, .prefix = *IpPrefix::Parse(prefix)};
  };
  ASSERT_TRUE(groups_->Insert(member("address/db", "10.1.0.0/16")).ok());
  const auto before = maps_->group_combos.Dump().value();
  ASSERT_EQ(before.size(), 1u);
  raw_->Fail("or_group_members");
  EXPECT_FALSE(groups_->Insert(member("address/web", "10.0.0.0/8")).ok());
  raw_->Heal();
  EXPECT_EQ(maps_->group_combos.Keys()->size(), 1u);
  EXPECT_EQ(maps_->groups.Keys()->size(), 1u);
  ASSERT_TRUE(groups_->Insert(member("address/web", "10.0.0.0/8")).ok());
  EXPECT_EQ(maps_->group_combos.Keys()->size(), 2u);
}

// Other VTEPs alone wait for the next Flush, and for the one after that if it fails.
TEST_F(FailedWrites, OfOtherVtepsAreMadeUpForByTheNextFlush) {
  const std::set<IpAddress> vteps = {tests::Ip("10.99.0.2")};
  for (const std::string map : {"or_segments", "or_replication", "grace"}) {
    SCOPED_TRACE(map);
    ASSERT_TRUE(segments_->Upsert(kSegment, {.mtu = 1400, .vteps = vteps}).ok());
    EXPECT_EQ(maps_->members.Keys()->size(), 1u) << "accepted at once";
    raw_->Fail(map);
    EXPECT_THAT(segments_->Flush(), ::testing::SizeIs(1));
    raw_->Heal();
    EXPECT_THAT(segments_->Flush(), IsEmpty());
    EXPECT_EQ(maps_->segments.Lookup(kSegment.value())->remote_copies, 1u);
    ASSERT_TRUE(segments_->Upsert(kSegment, {.mtu = 1400, .vteps = {}}).ok());
    EXPECT_EQ(maps_->members.Keys()->size(), 1u) << "copies still go there";
    EXPECT_THAT(segments_->Flush(), IsEmpty());
    EXPECT_THAT(maps_->members.Keys().value(), IsEmpty());
    EXPECT_EQ(maps_->segments.Lookup(kSegment.value())->remote_copies, 0u);
  }
}

// The bucket of a slow rate may be in debt for a long time.
TEST_F(FailedWrites, ANewRateStartsWithAFullBucket) {
  state::Port port = ActivePort();
  port.ingress_policer = {.rate_kbps = 8, .burst_kb = 1};
  ASSERT_TRUE(ports_->Upsert(kPort, port).ok());
  const uint32_t index = ports_->IndexOf(kPort).value();
  const uint64_t debt_until = uint64_t{1} << 62;
  abi::or_policer in_debt = {};
  in_debt.bytes.last_ns = debt_until;
  const uint32_t bucket = OR_POLICER(index, abi::OR_LIMIT_INGRESS);
  ASSERT_TRUE(maps_->policers.Update(bucket, in_debt).ok());
  port.mac_anti_spoof = true;
  ASSERT_TRUE(ports_->Upsert(kPort, port).ok());
  EXPECT_EQ(maps_->policers.Lookup(bucket)->bytes.last_ns, debt_until)
      << "the same rate keeps its level";
  port.ingress_policer.rate_kbps = 1'000'000;
  ASSERT_TRUE(ports_->Upsert(kPort, port).ok());
  EXPECT_EQ(maps_->policers.Lookup(bucket)->bytes.last_ns, 0u);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
