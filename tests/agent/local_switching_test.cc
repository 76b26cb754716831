#include "vswitch/agent/local_switching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr uint32_t kBridge = 3;

Vni Segment(uint16_t vlan) { return LocalSegmentOf(kBridge, vlan); }

using Vlans = std::set<uint16_t>;

ovs::VlanConfig Asked(std::optional<uint16_t> tag, Vlans trunks = {},
                      std::optional<state::VlanMode> mode = {}, Vlans cvlans = {}) {
  return {.mode = mode, .tag = tag, .trunks = std::move(trunks), .cvlans = std::move(cvlans)};
}

// A bridge of ports p0, p1, ... that are to have these VLANs.
class Bridge {
 public:
  explicit Bridge(const std::vector<ovs::VlanConfig>& vlans) {
    bridge_.name = "br0";
    for (const ovs::VlanConfig& one : vlans) {
      const std::string name = "p" + std::to_string(bridge_.interfaces.size());
      ovs::InterfaceConfig& interface = bridge_.interfaces[name];
      interface.name = name;
      interface.uuid = {.high = 1, .low = bridge_.interfaces.size()};
      interface.vlans = one;
    }
  }

  ovs::InterfaceConfig& interface(const std::string& name) { return bridge_.interfaces.at(name); }

  LocalState State() const {
    std::vector<LocalPort> ports;
    for (const auto& [name, interface] : bridge_.interfaces) {
      ports.push_back(
          {.id = interface.Id(), .interface = &interface, .device = name, .mac = std::nullopt});
    }
    LocalState state;
    AddLocalBridge(kBridge, bridge_, ports, &state);
    // All of it comes into force on a host that has nothing else.
    state::HostState desired;
    EXPECT_THAT(AddLocal(state, {}, &desired).problems, IsEmpty());
    EXPECT_EQ(state::Validate(desired), absl::OkStatus());
    return state;
  }

  state::Port Port(const std::string& name) const {
    return State().ports.at(bridge_.interfaces.at(name).Id());
  }

 private:
  ovs::BridgeConfig bridge_;
};

TEST(LocalSwitchingTest, ATagAloneIsAnAccessPort) {
  const state::Port port = Bridge({Asked(10)}).Port("p0");
  EXPECT_EQ(port.vlans.mode, state::VlanMode::kAccess);
  EXPECT_EQ(port.vni, Segment(10));
  EXPECT_THAT(port.vlans.trunk, IsEmpty());
  EXPECT_EQ(port.phase, state::PortPhase::kActive);
  EXPECT_TRUE(port.learn_macs);
}

TEST(LocalSwitchingTest, NothingIsATrunkOfWhatTheBridgeNames) {
  const Bridge bridge({Asked({}), Asked(10), Asked({}, {20, 30})});
  const state::Port trunk = bridge.Port("p0");
  EXPECT_EQ(trunk.vlans.mode, state::VlanMode::kTrunk);
  EXPECT_EQ(trunk.vni, Segment(0));
  EXPECT_THAT(trunk.vlans.trunk,
              ElementsAre(Pair(10, Segment(10)), Pair(20, Segment(20)), Pair(30, Segment(30))));
  std::vector<Vni> segments;
  for (const auto& [vni, segment] : bridge.State().segments) segments.push_back(vni);
  EXPECT_THAT(segments, UnorderedElementsAre(Segment(0), Segment(10), Segment(20), Segment(30)));
}

TEST(LocalSwitchingTest, ATrunkWithAListHasNoUntaggedFrames) {
  const state::Port trunk = Bridge({Asked({}, {20, 30})}).Port("p0");
  EXPECT_EQ(trunk.vni, std::nullopt);
  EXPECT_THAT(trunk.vlans.trunk, ElementsAre(Pair(20, Segment(20)), Pair(30, Segment(30))));
  EXPECT_EQ(Bridge({Asked({}, {0, 20})}).Port("p0").vni, Segment(0));
}

TEST(LocalSwitchingTest, TagAndTrunksAreNativeTagged) {
  const state::Port port = Bridge({Asked(10, {10, 20})}).Port("p0");
  EXPECT_EQ(port.vlans.mode, state::VlanMode::kNativeTagged);
  EXPECT_EQ(port.vlans.native, 10);
  EXPECT_EQ(port.vni, Segment(10));
  EXPECT_THAT(port.vlans.trunk, ElementsAre(Pair(20, Segment(20))));
}

TEST(LocalSwitchingTest, AGivenModeCounts) {
  EXPECT_EQ(Bridge({Asked(10, {}, state::VlanMode::kNativeUntagged)}).Port("p0").vlans.mode,
            state::VlanMode::kNativeUntagged);
  const state::Port tunnel = Bridge({Asked(10, {}, state::VlanMode::kDot1qTunnel, {7})}).Port("p0");
  EXPECT_EQ(tunnel.vlans.mode, state::VlanMode::kDot1qTunnel);
  EXPECT_EQ(tunnel.vni, Segment(10));
  EXPECT_THAT(tunnel.vlans.customer, ElementsAre(7));
  EXPECT_EQ(Bridge({Asked({}, {}, state::VlanMode::kAccess)}).Port("p0").vni, Segment(0));
}

TEST(LocalSwitchingTest, RatesAndMtuAreThePortsOwn) {
  Bridge bridge({Asked(10)});
  bridge.interface("p0").policer.rate_kbps = 40000;
  bridge.interface("p0").shaper = {.min_kbps = 0, .max_kbps = 1000, .burst_kb = 100};
  bridge.interface("p0").mtu_request = 9000;
  const state::Port port = bridge.Port("p0");
  EXPECT_EQ(port.ingress_policer.rate_kbps, 40000u);
  EXPECT_EQ(port.shaper.max_kbps, 1000u);
  EXPECT_EQ(port.mtu_request, 9000u);
}

TEST(LocalSwitchingTest, BridgesDoNotMeet) {
  EXPECT_NE(LocalSegmentOf(0, 10), LocalSegmentOf(1, 10));
  EXPECT_NE(LocalSegmentOf(0, 4095), LocalSegmentOf(1, 0));
  EXPECT_TRUE(LocalSegmentOf(kMaxBridgeNumber, 4095).IsLocal());
}

}  // namespace
}  // namespace outrider::agent
