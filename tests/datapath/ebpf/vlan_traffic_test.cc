// Tagged frames between guests, of one host and of two: taps, the agent's own tables, real VXLAN.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using state::PortVlans;
using state::VlanMode;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;

const Vni kOther = MakeVni(8);

// Broadcast of guest `from` with these tags, outermost first.
Bytes Tagged(int from, const std::vector<uint16_t>& tags, const std::string& dst) {
  tests::PacketBuilder packet(dst, MacOf(from));
  for (const uint16_t vlan : tags) packet.Vlan(vlan);
  return packet.Ipv4({.src = IpOf(from), .dst = "10.0.0.255"}).Udp(1, 2).Payload(64).Build();
}

// Port n of these segments, each with its MAC; the segments are added.
void AddPort(int n, const std::optional<Vni>& vni, const PortVlans& vlans, HostState* state) {
  const auto number = static_cast<uint8_t>(n);
  state::Port port = ActivePort(n, "port" + std::to_string(n));
  port.vni = vni;
  port.vlans = vlans;
  for (const Vni& segment : state::SegmentsOf(port)) {
    if (!state->segments.contains(segment)) state->segments[segment] = {.mtu = 1450, .vteps = {}};
    state->fdb.insert_or_assign({segment, MakeMac(number)},
                                state::FdbEntry{MakePortId(number), Epoch{1}});
  }
  state->ports[MakePortId(number)] = port;
}

const PortVlans kTrunk{.mode = VlanMode::kTrunk, .trunk = {{10, kSegment}, {20, kOther}}};
const PortVlans kTunnel{.mode = VlanMode::kDot1qTunnel};

class VlanTraffic : public ::testing::Test {
 protected:
  VlanTraffic() {
    for (int n = 1; n <= 3; ++n) {
      guests_.push_back(MakeGuest(GuestKind::kTap, &host_, "port" + std::to_string(n)));
    }
    host_.Start();
  }
  Guest& guest(int n) { return *guests_[static_cast<size_t>(n - 1)]; }
  void ExpectSwitched(int from, int to, const std::vector<uint16_t>& sent,
                      const std::vector<uint16_t>& got) {
    guest(from).Send(Tagged(from, sent, MacOf(to)));
    EXPECT_EQ(guest(to).Receive(), Tagged(from, got, MacOf(to)));
  }
  size_t Rows(const std::string& map) {
    return sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(host_.options().bpffs), {map})
        .value()
        ->Keys(map)
        .value()
        .size();
  }

  EbpfHost host_;
  std::vector<std::unique_ptr<Guest>> guests_;
};

TEST_F(VlanTraffic, ATrunkIsInBothSegments) {
  HostState state;
  AddPort(1, std::nullopt, kTrunk, &state);
  AddPort(2, kSegment, {}, &state);
  AddPort(3, kOther, {}, &state);
  host_.Become(state);
  ExpectSwitched(1, 2, {10}, {});
  ExpectSwitched(1, 3, {20}, {});
  ExpectSwitched(2, 1, {}, {10});
  ExpectSwitched(3, 1, {}, {20});
  guest(1).Send(Tagged(1, {10}, tests::kBroadcast));
  EXPECT_EQ(guest(2).Receive(), Tagged(1, {}, tests::kBroadcast));
  EXPECT_THAT(guest(3).Drain(), IsEmpty());
  guest(1).Send(Tagged(1, {30}, MacOf(2)));
  EXPECT_EQ(host_.AwaitPortDrops(MakePortId(1), "vlan_not_allowed", 1), 1u);
  guest(1).Send(Tagged(1, {}, MacOf(2)));
  EXPECT_EQ(host_.AwaitPortDrops(MakePortId(1), "untagged_on_trunk", 1), 1u);
  EXPECT_THAT(guest(2).Drain(), IsEmpty());
}

TEST_F(VlanTraffic, ABroadcastHasEachPortsOwnTag) {
  HostState state;
  AddPort(1, kSegment, {}, &state);
  AddPort(2, std::nullopt, {.mode = VlanMode::kTrunk, .trunk = {{100, kSegment}}}, &state);
  AddPort(3, kSegment, {.mode = VlanMode::kNativeTagged, .trunk = {}, .native = 200}, &state);
  host_.Become(state);
  guest(1).Send(Tagged(1, {}, tests::kBroadcast));
  EXPECT_EQ(guest(2).Receive(), Tagged(1, {100}, tests::kBroadcast));
  EXPECT_EQ(guest(3).Receive(), Tagged(1, {200}, tests::kBroadcast));
}

TEST_F(VlanTraffic, ACustomersTagGoesFromTunnelToTunnel) {
  HostState state;
  AddPort(1, kSegment, kTunnel, &state);
  AddPort(2, kSegment, kTunnel, &state);
  AddPort(3, kSegment, {}, &state);
  host_.Become(state);
  ExpectSwitched(1, 2, {30}, {30});
  guest(1).Send(Tagged(1, {30}, tests::kBroadcast));
  EXPECT_EQ(guest(2).Receive(), Tagged(1, {30}, tests::kBroadcast));
  EXPECT_EQ(host_.AwaitPortDrops(MakePortId(3), "vlan_tagged", 1), 1u);
}

TEST_F(VlanTraffic, ThePortsDeviceHasTheLargestMtuOfItsSegments) {
  HostState state;
  AddPort(1, std::nullopt, kTrunk, &state);
  state.segments[kOther].mtu = 1200;
  host_.Become(state);
  EXPECT_EQ(host_.FindLink("port1").mtu, 1450u);
  state.segments[kSegment].mtu = 1100;
  host_.Become(state);
  EXPECT_EQ(host_.FindLink("port1").mtu, 1200u);
}

// A frame of VLAN 10 finds it in the old map or in the new one, at any moment.
TEST_F(VlanTraffic, AnEditOfOtherVlansLosesNoFrame) {
  HostState state;
  AddPort(1, std::nullopt, {.mode = VlanMode::kTrunk, .trunk = {{10, kSegment}}}, &state);
  AddPort(2, kSegment, {}, &state);
  HostState edited = state;
  AddPort(1, std::nullopt, kTrunk, &edited);
  edited.ports[MakePortId(1)].vlans.trunk.emplace(4094, MakeVni(9));
  edited.segments[MakeVni(9)] = {.mtu = 1450, .vteps = {}};
  host_.Become(state);
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> arrived = 0;
  uint64_t lost = 0;
  std::thread sender([&] {
    const Bytes there = Tagged(1, {10}, MacOf(2));
    const Bytes back = Tagged(2, {}, MacOf(1));
    while (!stop) {
      guest(1).Send(there);
      lost += guest(2).Receive() == Tagged(1, {}, MacOf(2)) ? 0 : 1;
      guest(2).Send(back);
      lost += guest(1).Receive() == Tagged(2, {10}, MacOf(1)) ? 0 : 1;
      ++arrived;
    }
  });
  for (int i = 0; i < 20; ++i) host_.Become(i % 2 == 0 ? edited : state);
  stop = true;
  sender.join();
  EXPECT_EQ(lost, 0u);
  EXPECT_GT(arrived, 0u);
}

TEST_F(VlanTraffic, PortsShareMapsAndLeaveNoneBehind) {
  HostState state;
  for (int n = 1; n <= 3; ++n) AddPort(n, std::nullopt, kTrunk, &state);
  host_.Become(state);
  EXPECT_EQ(Rows("or_vlan_segments"), 2u);
  EXPECT_EQ(Rows("or_vlan_tags"), 2u);
  state.ports[MakePortId(1)].vlans.trunk = {{10, kSegment}};
  host_.Become(state);
  EXPECT_EQ(Rows("or_vlan_segments"), 3u);
  HostState access;
  for (int n = 1; n <= 3; ++n) AddPort(n, kSegment, {}, &access);
  host_.Become(access);
  host_.Apply({});
  EXPECT_EQ(Rows("or_vlan_segments"), 0u);
  EXPECT_EQ(Rows("or_vlan_tags"), 0u);
}

// What the process left between two calls is swept, what is in force stays.
TEST_F(VlanTraffic, ATrunkOf64VlansOutlivesTheProcess) {
  HostState state;
  PortVlans trunk{.mode = VlanMode::kTrunk, .trunk = {}};
  for (uint16_t i = 0; i < 64; ++i) trunk.trunk.emplace(100 + i, MakeVni(1000 + i));
  AddPort(1, std::nullopt, kTrunk, &state);
  host_.Become(state);
  AddPort(1, std::nullopt, trunk, &state);
  AddPort(2, MakeVni(1063), {}, &state);
  host_.Become(state);
  EXPECT_EQ(Rows("or_vlan_segments"), 66u);
  host_.Start();
  EXPECT_TRUE(state::ComputeDelta(host_.Read(), state).empty());
  EXPECT_EQ(Rows("or_vlan_segments"), 64u);
  ExpectSwitched(1, 2, {163}, {});
  ExpectSwitched(2, 1, {}, {163});
}

// Guest 1 on host A, guests 2 and 3 on host B.
class VlanOverlay : public ::testing::Test {
 protected:
  VlanOverlay()
      : one_(MakeGuest(GuestKind::kTap, &a_, "port1")),
        two_(MakeGuest(GuestKind::kTap, &b_, "port2")),
        three_(MakeGuest(GuestKind::kTap, &b_, "port3")) {
    tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                      {.netns = &b_.netns(), .name = "underlay"});
    tests::AddAddress(a_.netns(), "underlay", "10.99.0.1/24");
    tests::AddAddress(b_.netns(), "underlay", "10.99.0.2/24");
    a_.Start();
    b_.Start();
  }
  // The states of both hosts with the other's MACs and end point.
  static void Join(HostState* state, const HostState& other, const std::string& vtep) {
    for (auto& [vni, segment] : state->segments) segment.vteps = {tests::Ip(vtep)};
    for (const auto& [key, entry] : other.fdb) {
      if (state->segments.contains(key.vni)) {
        state->fdb.emplace(key, state::FdbEntry{tests::Ip(vtep), Epoch{1}});
      }
    }
  }
  void Become(const HostState& a, const HostState& b) {
    HostState joined_a = a;
    HostState joined_b = b;
    Join(&joined_a, b, "10.99.0.2");
    Join(&joined_b, a, "10.99.0.1");
    a_.Become(joined_a);
    b_.Become(joined_b);
  }

  EbpfHost a_{"10.99.0.1"};
  EbpfHost b_{"10.99.0.2"};
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
  std::unique_ptr<Guest> three_;
};

TEST_F(VlanOverlay, EachVlanReachesItsSegmentOnTheOtherHost) {
  HostState a;
  HostState b;
  AddPort(1, std::nullopt, kTrunk, &a);
  AddPort(2, kSegment, {}, &b);
  AddPort(3, std::nullopt, {.mode = VlanMode::kTrunk, .trunk = {{200, kOther}}}, &b);
  Become(a, b);
  one_->Send(Tagged(1, {10}, MacOf(2)));
  EXPECT_EQ(two_->Receive(), Tagged(1, {}, MacOf(2)));
  one_->Send(Tagged(1, {20}, tests::kBroadcast));
  EXPECT_EQ(three_->Receive(), Tagged(1, {200}, tests::kBroadcast));
  three_->Send(Tagged(3, {200}, MacOf(1)));
  EXPECT_EQ(one_->Receive(), Tagged(3, {20}, MacOf(1)));
  EXPECT_THAT(two_->Drain(), IsEmpty());
}

TEST_F(VlanOverlay, ACustomersTagCrossesTheUnderlay) {
  HostState a;
  HostState b;
  AddPort(1, kSegment, kTunnel, &a);
  AddPort(2, kSegment, kTunnel, &b);
  AddPort(3, kSegment, {}, &b);
  Become(a, b);
  for (const std::string& dst : {MacOf(2), std::string(tests::kBroadcast)}) {
    one_->Send(Tagged(1, {30}, dst));
    EXPECT_EQ(two_->Receive(), Tagged(1, {30}, dst));
  }
  EXPECT_EQ(b_.AwaitPortDrops(MakePortId(3), "vlan_tagged", 1), 1u);
  EXPECT_THAT(three_->Drain(), IsEmpty());
}

}  // namespace
}  // namespace outrider::datapath::ebpf
