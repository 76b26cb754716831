#include "vswitch/datapath/ebpf/vlan_codec.h"

#include <gtest/gtest.h>

#include "tests/support/state_generator.h"
#include "vswitch/abi/or_abi.h"

namespace outrider::datapath::ebpf {
namespace {

using state::VlanMode;
using tests::MakeVni;
using Rows = std::map<uint32_t, uint32_t>;

state::Port Native(VlanMode mode) {
  state::Port port;
  port.vni = MakeVni(7);
  port.vlans = {.mode = mode, .trunk = {{20, MakeVni(8)}}, .native = 10, .customer = {}};
  return port;
}

TEST(VlanCodecTest, IsLosslessForAnyPort) {
  tests::StateGenerator generator(8, {}, /*local=*/true);
  std::map<VlanMode, int> checked;
  for (int i = 0; i < 100; ++i) {
    for (const auto& [id, port] : generator.Next().ports) {
      EXPECT_EQ(DecodeVlans(EncodeVlanMode(port.vlans.mode), port.vni, EncodeVlans(port)),
                port.vlans);
      ++checked[port.vlans.mode];
    }
  }
  EXPECT_EQ(checked.size(), 5u);
}

TEST(VlanCodecTest, AnAccessPortNeedsNoMap) {
  state::Port port;
  port.vni = MakeVni(7);
  EXPECT_TRUE(EncodeVlans(port).empty());
  port.vlans.mode = VlanMode::kDot1qTunnel;
  EXPECT_TRUE(EncodeVlans(port).empty()) << "all customer VLANs";
}

TEST(VlanCodecTest, WritesWhatTheProgramsRead) {
  const VlanMap tagged = EncodeVlans(Native(VlanMode::kNativeTagged));
  EXPECT_EQ(tagged.segments, (Rows{{0, 7}, {10, 7}, {20, 8}}));
  EXPECT_EQ(tagged.tags, (Rows{{7, 10}, {8, 20}}));
  const VlanMap untagged = EncodeVlans(Native(VlanMode::kNativeUntagged));
  EXPECT_EQ(untagged.segments, tagged.segments);
  EXPECT_EQ(untagged.tags, (Rows{{7, 0}, {8, 20}}));

  state::Port trunk = Native(VlanMode::kTrunk);
  trunk.vni.reset();
  trunk.vlans.native = 0;
  EXPECT_EQ(EncodeVlans(trunk).segments, (Rows{{20, 8}}));
  EXPECT_EQ(EncodeVlans(trunk).tags, (Rows{{8, 20}}));

  state::Port tunnel;
  tunnel.vni = MakeVni(7);
  tunnel.vlans = {.mode = VlanMode::kDot1qTunnel, .trunk = {}, .customer = {30, 40}};
  EXPECT_EQ(EncodeVlans(tunnel).segments, (Rows{{30, 7}, {40, 7}}));
  EXPECT_EQ(EncodeVlans(tunnel).tags, Rows());
}

TEST(VlanCodecTest, TellsAnInterruptedWrite) {
  const VlanMap whole = EncodeVlans(Native(VlanMode::kNativeTagged));
  const auto decode = [](const VlanMap& map) {
    return DecodeVlans(abi::OR_VLAN_NATIVE_TAGGED, MakeVni(7), map);
  };
  ASSERT_TRUE(decode(whole).has_value());
  for (const auto& [vlan, vni] : whole.segments) {
    VlanMap map = whole;
    map.segments.erase(vlan);
    EXPECT_EQ(decode(map), std::nullopt) << "without VLAN " << vlan;
  }
  for (const auto& [vni, vlan] : whole.tags) {
    VlanMap map = whole;
    map.tags.erase(vni);
    EXPECT_EQ(decode(map), std::nullopt) << "without segment " << vni;
  }
  EXPECT_EQ(DecodeVlans(abi::OR_VLAN_NATIVE_UNTAGGED, MakeVni(7), whole), std::nullopt);
  EXPECT_EQ(DecodeVlans(77, MakeVni(7), {}), std::nullopt);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
