#include "vswitch/datapath/ebpf/port_codec.h"

#include <gtest/gtest.h>

#include "tests/support/state_generator.h"

namespace outrider::datapath::ebpf {
namespace {

using tests::MakeDigest;
using tests::MakeMac;
using tests::MakePortId;

// Ids as a table would give them: the digest's own number.
std::map<uint32_t, Digest> RuleSets() {
  std::map<uint32_t, Digest> rule_sets;
  for (uint8_t n = 1; n <= 8; ++n) rule_sets[n] = MakeDigest(n);
  return rule_sets;
}

PortReferences References(const state::Port& port) {
  PortReferences references{.ifindex = 4, .mtu = 1400};
  if (port.ingress_rule_set) references.ingress_rule_set = port.ingress_rule_set->bytes()[0];
  if (port.egress_rule_set) references.egress_rule_set = port.egress_rule_set->bytes()[0];
  return references;
}

TEST(PortCodecTest, IsLosslessForAnyPort) {
  tests::StateGenerator generator(6, {"tap0", "fifteen-bytes-x"});
  int checked = 0;
  for (int i = 0; i < 50; ++i) {
    for (const auto& [id, port] : generator.Next().ports) {
      const VlanMap map = EncodeVlans(port);
      PortReferences references = References(port);
      if (!map.empty()) references.vlan_map = 9;
      const abi::or_port row = EncodePort(port, references);
      const abi::or_port_info info = EncodePortInfo(id, port);
      EXPECT_EQ(DecodePortId(info), id);
      EXPECT_EQ(DecodePort(row, info, RuleSets(), {{9, map}}), port);
      // Without its map it is not whole.
      EXPECT_EQ(DecodePort(row, info, RuleSets()).has_value(), map.empty());
      ++checked;
    }
  }
  EXPECT_GT(checked, 50);
}

TEST(PortCodecTest, WritesWhatTheProgramsRead) {
  state::Port port;
  port.mac = MakeMac(1);
  port.vni = tests::MakeVni(7);
  port.phase = state::PortPhase::kArmed;
  port.ingress_policer = {.rate_kbps = 8, .burst_kb = 16};
  port.epoch = Epoch{3};
  port.report_first_frame = true;
  const abi::or_port row = EncodePort(port, {.ifindex = 4, .mtu = 1400, .ingress_rule_set = 2});
  EXPECT_EQ(row.ifindex, 4u);
  EXPECT_EQ(row.vni, 7u);
  EXPECT_EQ(row.mac[5], 1);
  EXPECT_EQ(row.phase, abi::OR_PORT_ARMED);
  EXPECT_EQ(row.flags, OR_PORT_ANTI_SPOOF | OR_PORT_REPORT_FIRST_FRAME);
  EXPECT_EQ(row.ingress_rule_set, 2u);
  EXPECT_EQ(row.egress_rule_set, 0u);
  EXPECT_EQ(row.mtu, 1400u);
  EXPECT_EQ(row.police_bytes_per_s, 1000u);
  EXPECT_EQ(row.police_burst, 2000u);
  EXPECT_EQ(row.epoch, 3u);
}

TEST(PortCodecTest, ARateBeyondBytesPerSecondIsKeptAsAskedFor) {
  state::Port port;
  port.ingress_policer = {.rate_kbps = UINT64_MAX, .burst_kb = UINT64_MAX / 2};
  const abi::or_port row = EncodePort(port, {});
  EXPECT_EQ(row.police_bytes_per_s, UINT64_MAX);
  EXPECT_EQ(DecodePort(row, EncodePortInfo(MakePortId(1), port), {}), port);
}

TEST(PortCodecTest, TellsAnInterruptedWrite) {
  state::Port port;
  port.ingress_policer = {.rate_kbps = 8, .burst_kb = 16};
  abi::or_port row = EncodePort(port, {});
  const abi::or_port_info info = EncodePortInfo(MakePortId(1), port);
  row.police_bytes_per_s = 2000;
  EXPECT_EQ(DecodePort(row, info, {}), std::nullopt);
  row.police_bytes_per_s = 1000;
  EXPECT_TRUE(DecodePort(row, info, {}).has_value());
  row.egress_rule_set = 5;
  EXPECT_EQ(DecodePort(row, info, {}), std::nullopt);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
