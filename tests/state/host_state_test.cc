#include "vswitch/state/host_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "tests/support/packet_builder.h"
#include "tests/support/state_generator.h"

namespace outrider::state {
namespace {

using tests::Ip;
using tests::MakeDigest;
using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;

// A whole state to break in one place.
HostState GoodState() {
  HostState state;
  state.segments[MakeVni(7)] = {.mtu = 1450, .vteps = {Ip("192.0.2.2")}};
  state.rule_sets[MakeDigest(1)] = {};
  Port& port = state.ports[MakePortId(1)];
  port.mac = MakeMac(1);
  port.vni = MakeVni(7);
  port.phase = PortPhase::kActive;
  port.ingress_rule_set = MakeDigest(1);
  port.device = "tap0";
  state.fdb.emplace(FdbKey{MakeVni(7), MakeMac(1)}, FdbEntry{.where = MakePortId(1)});
  state.neighbors.emplace(NeighborKey{MakeVni(7), Ip("10.0.0.1")}, MakeMac(1));
  return state;
}

std::string Complaint(const HostState& state) {
  const absl::Status status = Validate(state);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return Message(status);
}

TEST(HostStateTest, AcceptsAWholeState) {
  EXPECT_TRUE(Validate(GoodState()).ok());
  EXPECT_TRUE(Validate(HostState()).ok());
}

TEST(HostStateTest, RefusesReferencesToNothing) {
  const std::string port = "port " + MakePortId(1).ToString();
  HostState state = GoodState();
  state.segments.clear();
  state.neighbors.clear();
  EXPECT_EQ(Complaint(state), port + ": segment 7 is not known");

  state = GoodState();
  state.rule_sets.clear();
  EXPECT_EQ(Complaint(state), port + ": rule set " + MakeDigest(1).ToString() + " is not known");

  state = GoodState();
  state.ports.clear();
  EXPECT_EQ(Complaint(state), "fdb 7/52:54:00:00:00:01: " + port + " is not known");

  state = GoodState();
  state.ports.clear();
  state.fdb.clear();
  state.segments.clear();
  EXPECT_EQ(Complaint(state), "neighbor 7/10.0.0.1: segment is not known");
}

TEST(HostStateTest, RefusesPortsThatCannotBe) {
  const std::string name = "port " + MakePortId(1).ToString();
  HostState state = GoodState();
  Port& port = state.ports[MakePortId(1)];
  port.mac = MacAddress({1, 0, 0x5e, 0, 0, 1});
  EXPECT_EQ(Complaint(state), name + ": MAC 01:00:5e:00:00:01 is not a unicast address");

  port.mac = MacAddress();
  EXPECT_EQ(Complaint(state), name + ": MAC 00:00:00:00:00:00 is not a unicast address");

  port.mac = MakeMac(1);
  port.vni.reset();
  EXPECT_EQ(Complaint(state), name + ": not blocked, yet without a segment");

  port.vni = MakeVni(7);
  port.device = "sixteen-bytes-xx";
  EXPECT_EQ(Complaint(state), name + ": device name \"sixteen-bytes-xx\" is not of 1..15 bytes");

  port.device = "tap0";
  port.profile = std::string(64, 'x');
  EXPECT_EQ(Complaint(state), name + ": profile name or migration id is longer than 63 bytes");
}

TEST(HostStateTest, AVlanCarriesOneSegment) {
  HostState state = GoodState();
  state.segments[MakeVni(7)] = {.mtu = 1450, .vteps = {}, .provider = {{"net", 100}}};
  state.segments[MakeVni(8)] = {.mtu = 1450, .vteps = {}, .provider = {{"net", 0}}};
  state.segments[MakeVni(9)] = {.mtu = 1450, .vteps = {}, .provider = {{"other", 100}}};
  EXPECT_TRUE(Validate(state).ok()) << Validate(state);
  state.segments[MakeVni(8)].provider->vlan = 100;
  EXPECT_EQ(Complaint(state), "segment 8: VLAN 100 of uplink \"net\" is that of segment 7");
}

TEST(HostStateTest, RefusesProvidersThatCannotBe) {
  HostState state = GoodState();
  Segment& segment = state.segments[MakeVni(7)];
  segment.provider = {.uplink = "net", .vlan = 100};
  EXPECT_EQ(Complaint(state), "segment 7: has VTEPs, yet is carried by an uplink");
  segment.vteps.clear();
  segment.provider->vlan = 4095;
  EXPECT_EQ(Complaint(state), "segment 7: VLAN 4095 is not in 0..4094");
  for (const std::string& name : {std::string(), std::string(64, 'x'), std::string("a\0b", 3)}) {
    segment.provider = {.uplink = name, .vlan = 1};
    EXPECT_EQ(Complaint(state), "segment 7: the uplink's name is not of 1..63 bytes without NUL");
  }
}

// The port of GoodState() with these VLANs; segment 8 is there too.
std::string VlanComplaint(const std::optional<Vni>& vni, const PortVlans& vlans) {
  HostState state = GoodState();
  state.segments[MakeVni(8)] = {.mtu = 1450, .vteps = {}};
  state.ports[MakePortId(1)].vni = vni;
  state.ports[MakePortId(1)].vlans = vlans;
  const absl::Status status = Validate(state);
  const std::string name = "port " + MakePortId(1).ToString() + ": ";
  const std::string text = Message(status);
  EXPECT_TRUE(status.ok() || text.starts_with(name)) << text;
  return status.ok() ? "" : text.substr(name.size());
}

TEST(HostStateTest, VlansGoWithTheirMode) {
  const Vni seven = MakeVni(7);
  const Vni eight = MakeVni(8);
  const auto mode = [](VlanMode mode) { return PortVlans{.mode = mode, .trunk = {}}; };
  EXPECT_EQ(VlanComplaint({}, {.mode = VlanMode::kTrunk, .trunk = {{10, seven}, {20, eight}}}), "");
  EXPECT_EQ(VlanComplaint(seven,
                          {.mode = VlanMode::kNativeTagged, .trunk = {{4094, eight}}, .native = 1}),
            "");
  EXPECT_EQ(VlanComplaint(seven, {.mode = VlanMode::kDot1qTunnel, .trunk = {}, .customer = {1}}),
            "");

  EXPECT_EQ(VlanComplaint(seven, {.trunk = {{10, eight}}}), "has VLANs, yet is no trunk");
  EXPECT_EQ(VlanComplaint(seven, {.trunk = {}, .customer = {1}}),
            "has customer VLANs, yet is no dot1q-tunnel");
  EXPECT_EQ(VlanComplaint(seven, mode(VlanMode::kTrunk)),
            "a trunk without a native VLAN has a segment of untagged frames");
  EXPECT_EQ(VlanComplaint(seven, mode(VlanMode::kNativeTagged)),
            "native VLAN 0 does not go with its mode");
  EXPECT_EQ(VlanComplaint({}, {.mode = VlanMode::kNativeUntagged, .trunk = {}, .native = 5}),
            "native VLAN 5 does not go with its mode");
  EXPECT_EQ(VlanComplaint(seven, {.trunk = {}, .native = 5}),
            "native VLAN 5 does not go with its mode");
  EXPECT_EQ(VlanComplaint({}, mode(VlanMode::kTrunk)), "not blocked, yet without a segment");
}

TEST(HostStateTest, VlansLeadToOneSegmentAndBack) {
  const Vni seven = MakeVni(7);
  const auto trunk = [](const std::map<uint16_t, Vni>& vlans) {
    return PortVlans{.mode = VlanMode::kTrunk, .trunk = vlans};
  };
  EXPECT_EQ(VlanComplaint({}, trunk({{0, seven}})), "VLAN 0 is not in 1..4094, or the native one");
  EXPECT_EQ(VlanComplaint({}, trunk({{4095, seven}})),
            "VLAN 4095 is not in 1..4094, or the native one");
  EXPECT_EQ(VlanComplaint({}, trunk({{10, seven}, {20, seven}})), "segment 7 has two VLANs");
  EXPECT_EQ(VlanComplaint({}, trunk({{10, MakeVni(9)}})), "segment 9 is not known");
  EXPECT_EQ(
      VlanComplaint(seven,
                    {.mode = VlanMode::kNativeTagged, .trunk = {{10, MakeVni(8)}}, .native = 10}),
      "VLAN 10 is not in 1..4094, or the native one");
  EXPECT_EQ(
      VlanComplaint(seven, {.mode = VlanMode::kNativeTagged, .trunk = {{20, seven}}, .native = 10}),
      "segment 7 has two VLANs");
  EXPECT_EQ(VlanComplaint(seven, {.mode = VlanMode::kDot1qTunnel, .trunk = {}, .customer = {4095}}),
            "customer VLAN 4095 is not in 1..4094");
}

TEST(HostStateTest, RefusesMtusThatCannotBe) {
  HostState state = GoodState();
  state.segments[MakeVni(7)].mtu = 575;
  EXPECT_EQ(Complaint(state), "segment 7: mtu 575 is not in 576..65485");
  state.segments[MakeVni(7)].mtu = 65486;
  EXPECT_EQ(Complaint(state), "segment 7: mtu 65486 is not in 576..65485");
}

TEST(HostStateTest, RefusesRulesThatCannotMatch) {
  const std::string name = "rule set " + MakeDigest(1).ToString();
  HostState state = GoodState();
  RuleSet& set = state.rule_sets[MakeDigest(1)];
  set.rules.resize(kMaxRules + 1);
  EXPECT_EQ(Complaint(state), name + ": 10241 rules, at most 10240 fit");

  set.rules.resize(2);
  set.rules[1].dst_port = {90, 80};
  EXPECT_EQ(Complaint(state), name + ": rule 1: empty port range");

  set.rules[1] = {};
  set.rules[1].src = *IpPrefix::Parse("10.0.0.0/8");
  set.rules[1].dst = *IpPrefix::Parse("2001:db8::/32");
  EXPECT_EQ(Complaint(state),
            name + ": rule 1: source and destination prefix are of different families");

  set.rules[1].dst.reset();
  set.rules[1].src_group = "address/web";
  EXPECT_EQ(Complaint(state), name + ": rule 1: a prefix and a group for the same side");

  set.rules[1] = {};
  set.rules[1].vlan = 4095;
  EXPECT_EQ(Complaint(state), name + ": rule 1: vlan 4095 exceeds 4094");

  set.rules[1] = {};
  set.rules[1].tcp_flags_value = 2;
  EXPECT_EQ(Complaint(state), name + ": rule 1: TCP flags are asked for that the mask leaves out");

  set.rules[1] = {};
  set.rules[1].ipv6_extensions = 64;
  EXPECT_EQ(Complaint(state), name + ": rule 1: an IPv6 extension header is not known");

  set.rules[1] = {};
  set.rules[1].log_rate = 1001;
  EXPECT_EQ(Complaint(state), name + ": rule 1: log rate 1001 exceeds 1000");

  set.rules[1] = {};
  set.rules[1].dst_group = std::string(80, 'g');
  EXPECT_EQ(Complaint(state),
            name + ": rule 1: a group's name is longer than 79 bytes or has a NUL");
}

TEST(HostStateTest, RefusesGroupsWithoutAName) {
  HostState state = GoodState();
  state.group_members.insert({.group = "address/web", .prefix = *IpPrefix::Parse("10.0.0.0/8")});
  EXPECT_TRUE(Validate(state).ok());
  state.group_members.insert({.group = "", .prefix = *IpPrefix::Parse("10.0.0.0/8")});
  EXPECT_EQ(Complaint(state), "group \"\": the name is not of 1..79 bytes without NUL");
}

TEST(Validate, MulticastGroupsLeadToVtepsOfTheSegment) {
  HostState state;
  const Vni vni = *Vni::Create(7);
  const IpAddress vtep = *IpAddress::Parse("10.0.0.1");
  state.segments[vni] = {.mtu = 1450, .vteps = {vtep}};
  const MulticastKey key{vni, *IpAddress::Parse("239.1.2.3")};
  state.multicast_groups = {{key, {vtep}}, {{vni, IpAddress()}, {vtep}}};
  EXPECT_TRUE(Validate(state).ok()) << Validate(state);
  const auto error = [&](const MulticastKey& of, const std::set<IpAddress>& vteps) {
    state.multicast_groups = {{of, vteps}};
    return std::string(Validate(state).message());
  };
  EXPECT_EQ(error(key, {}), "multicast group 7/239.1.2.3: has no members");
  EXPECT_EQ(error(key, {*IpAddress::Parse("10.0.0.2")}),
            "multicast group 7/239.1.2.3: 10.0.0.2 is no VTEP of the segment");
  EXPECT_EQ(error({vni, vtep}, {vtep}), "multicast group 7/10.0.0.1: not a multicast address");
  EXPECT_EQ(error({*Vni::Create(8), key.group}, {vtep}),
            "multicast group 8/239.1.2.3: segment is not known");
}

// A local segment 10, and port 1 in it that learns.
HostState LocalState() {
  HostState state;
  const Vni ten = tests::MakeLocalVni(10);
  state.segments[ten] = {.mtu = 9000, .vteps = {}};
  Port& port = state.ports[MakePortId(1)];
  port.vni = ten;
  port.phase = PortPhase::kActive;
  port.mac_anti_spoof = false;
  port.learn_macs = true;
  return state;
}

std::string LocalComplaint(const std::function<void(Port*)>& edit) {
  HostState state = LocalState();
  edit(&state.ports.at(MakePortId(1)));
  const std::string complaint = Complaint(state);
  const std::string name = "port " + MakePortId(1).ToString() + ": ";
  EXPECT_TRUE(complaint.starts_with(name)) << complaint;
  return complaint.substr(std::min(name.size(), complaint.size()));
}

TEST(HostStateTest, ALocalPortNeedsNoMac) {
  EXPECT_EQ(Validate(LocalState()), absl::OkStatus());
  EXPECT_EQ(LocalComplaint([](Port* port) { port->learn_macs = false; }),
            "MAC 00:00:00:00:00:00 is not a unicast address");
}

TEST(HostStateTest, WhatIsLocalHasNobodyElsewhere) {
  const Vni ten = tests::MakeLocalVni(10);
  HostState state = LocalState();
  state.segments[ten].vteps = {*IpAddress::Parse("10.0.0.1")};
  EXPECT_EQ(Complaint(state), "segment local/10: has VTEPs, yet is local");
  state = LocalState();
  state.fdb.insert_or_assign({ten, MakeMac(1)}, FdbEntry{*IpAddress::Parse("10.0.0.1"), Epoch{1}});
  EXPECT_EQ(Complaint(state), "fdb local/10/52:54:00:00:00:01: behind a VTEP, yet local");
}

TEST(HostStateTest, APortIsLocalOrIsNot) {
  EXPECT_EQ(LocalComplaint([](Port* port) { port->profile = "web"; }),
            "has profile \"web\", yet is local");
  EXPECT_EQ(LocalComplaint([](Port* port) { port->mac_anti_spoof = true; }),
            "learns MACs, yet may use its own alone (mac_anti_spoof)");
  EXPECT_EQ(LocalComplaint([](Port* port) { port->mtu_request = 500; }),
            "mtu 500 is not in 576..65485");
  HostState both = LocalState();
  both.segments[MakeVni(7)] = {.mtu = 1450, .vteps = {}};
  both.ports.at(MakePortId(1)).vlans = {.mode = VlanMode::kTrunk, .trunk = {{20, MakeVni(7)}}};
  EXPECT_EQ(Complaint(both),
            "port " + MakePortId(1).ToString() + ": is in local segments and in others");
  HostState wire = LocalState();
  wire.segments[MakeVni(7)] = {.mtu = 1450, .vteps = {}};
  wire.ports.at(MakePortId(1)).vni = MakeVni(7);
  EXPECT_EQ(Complaint(wire), "port " + MakePortId(1).ToString() +
                                 ": learns MACs or has an MTU of its own, yet is in no local "
                                 "segment");
}

TEST(HostStateTest, ALocalTrunkMayHaveUntaggedFrames) {
  HostState state = LocalState();
  state.ports.at(MakePortId(1)).vlans = {.mode = VlanMode::kTrunk};
  EXPECT_EQ(Validate(state), absl::OkStatus());
}

}  // namespace
}  // namespace outrider::state
