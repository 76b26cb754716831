#include "proto/digest.h"

#include <gtest/gtest.h>

namespace outrider::v1 {
namespace {

PortState WebPort() {
  PortState port;
  port.set_id("6ba7b810-9dad-11d1-80b4-00c04fd430c8");
  port.set_mac("52:54:00:00:00:01");
  port.set_vni(7);
  port.set_profile("web");
  port.set_profile_revision(3);
  port.mutable_ingress_policer()->set_rate_kbps(20000);
  port.set_mac_anti_spoof(true);
  return port;
}

TEST(Sha256Hex, MatchesFips180TestVector) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(PortDigest, IsTheSameBeforeAndAfterAMigration) {
  PortState source = WebPort();
  source.set_phase(PORT_PHASE_ACTIVE);
  source.set_epoch(1);
  PortState destination = WebPort();
  destination.set_phase(PORT_PHASE_ARMED);
  destination.set_epoch(2);
  destination.set_report_first_frame(true);
  destination.set_migration_id("m-1");
  EXPECT_EQ(PortDigest(source), PortDigest(destination));
}

TEST(PortDigest, ChangesWithEveryThingThatIsEnforced) {
  const std::string digest = PortDigest(WebPort());
  PortState port = WebPort();
  port.set_mac("52:54:00:00:00:02");
  EXPECT_NE(PortDigest(port), digest);
  port = WebPort();
  port.set_profile_revision(4);
  EXPECT_NE(PortDigest(port), digest);
  port = WebPort();
  port.mutable_ingress_policer()->set_rate_kbps(20001);
  EXPECT_NE(PortDigest(port), digest);
  port = WebPort();
  port.set_mac_anti_spoof(false);
  EXPECT_NE(PortDigest(port), digest);
  port = WebPort();
  port.set_egress_rule_set("00");
  EXPECT_NE(PortDigest(port), digest);
}

TEST(RuleSetDigest, IgnoresTheDigestFieldAndHeedsOrder) {
  RuleSet set;
  set.add_rules()->set_protocol(6);
  set.add_rules()->set_protocol(17);
  const std::string digest = RuleSetDigest(set);
  set.set_digest(digest);
  EXPECT_EQ(RuleSetDigest(set), digest);
  set.mutable_rules()->SwapElements(0, 1);
  EXPECT_NE(RuleSetDigest(set), digest);
}

TEST(HostStateDigest, IgnoresTheOrderOfSets) {
  HostState state;
  for (const uint32_t vni : {9u, 7u}) {
    SegmentState* segment = state.add_segments();
    segment->set_vni(vni);
    segment->add_vteps("10.0.2.1");
    segment->add_vteps("10.0.1.1");
    FdbEntry* entry = state.add_fdb();
    entry->set_vni(vni);
    entry->set_mac("52:54:00:00:00:01");
    NeighborEntry* neighbor = state.add_neighbors();
    neighbor->set_vni(vni);
    neighbor->set_ip("10.1.0.1");
    GroupMember* member = state.add_group_members();
    member->set_group("address/g");
    member->set_prefix(vni == 9 ? "10.0.0.2/32" : "10.0.0.1/32");
    MulticastGroup* group = state.add_multicast_groups();
    group->set_vni(vni);
    group->add_vteps("10.0.2.1");
    group->add_vteps("10.0.1.1");
  }
  const std::string digest = HostStateDigest(state);
  state.mutable_segments()->SwapElements(0, 1);
  state.mutable_fdb()->SwapElements(0, 1);
  state.mutable_neighbors()->SwapElements(0, 1);
  state.mutable_segments(0)->mutable_vteps()->SwapElements(0, 1);
  state.mutable_group_members()->SwapElements(0, 1);
  state.mutable_multicast_groups()->SwapElements(0, 1);
  state.mutable_multicast_groups(0)->mutable_vteps()->SwapElements(0, 1);
  EXPECT_EQ(HostStateDigest(state), digest);
  state.mutable_fdb(0)->set_epoch(1);
  EXPECT_NE(HostStateDigest(state), digest);
}

TEST(ProfileDigest, IsOfTheUsersContentOnly) {
  Profile profile;
  profile.mutable_meta()->set_name("web");
  profile.mutable_vlan()->set_segment("blue");
  const std::string digest = ProfileDigest(profile);
  profile.set_profile_revision(5);
  profile.mutable_meta()->set_revision(99);
  EXPECT_EQ(ProfileDigest(profile), digest);
  profile.mutable_vlan()->set_segment("red");
  EXPECT_NE(ProfileDigest(profile), digest);
  profile.mutable_vlan()->set_segment("blue");
  profile.set_parent("base");
  EXPECT_NE(ProfileDigest(profile), digest);
}

}  // namespace
}  // namespace outrider::v1
