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

// As the tables would write what the port refers to: under id 1.
PortReferences Refer(const state::Port& port, Inventory* inventory) {
  PortReferences references = References(port);
  references.policy = {.limits = 1, .allowed = port.allowed.empty() ? 0u : 1u};
  inventory->limits[1] = EncodeLimits(port);
  uint32_t slot = 0;
  for (const auto& row : EncodeAllowed(port.allowed)) inventory->allowed[1][slot++] = row;
  if (const VlanMap map = EncodeVlans(port); !map.empty()) {
    references.vlan_map = 9;
    inventory->vlan_maps[9] = map;
  }
  return references;
}

std::optional<state::Port> Decode(const state::Port& port, const PortId& id) {
  Inventory inventory;
  const abi::or_port row = EncodePort(port, Refer(port, &inventory));
  return DecodePort(row, EncodePortInfo(id, port), RuleSets(), inventory);
}

TEST(PortCodecTest, IsLosslessForAnyPort) {
  tests::StateGenerator generator(6, {"tap0", "fifteen-bytes-x"}, /*local=*/true);
  int checked = 0;
  for (int i = 0; i < 50; ++i) {
    for (const auto& [id, port] : generator.Next().ports) {
      EXPECT_EQ(DecodePortId(EncodePortInfo(id, port)), id);
      // It has a row of its own.
      state::Port in_rows = port;
      in_rows.arrival.reset();
      EXPECT_EQ(Decode(port, id), in_rows);
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
  port.epoch = Epoch{3};
  port.report_first_frame = true;
  port.keep_established = true;
  port.max_connections = 500;
  port.ingress_rule_set = MakeDigest(0x5a);
  port.egress_policer.rate_kbps = 8;
  port.storm.broadcast.rate_pps = 9;
  const abi::or_port row = EncodePort(port, {.ifindex = 4, .mtu = 1400, .ingress_rule_set = 2});
  EXPECT_EQ(row.ifindex, 4u);
  EXPECT_EQ(row.vni, 7u);
  EXPECT_EQ(row.mac[5], 1);
  EXPECT_EQ(row.phase, abi::OR_PORT_ARMED);
  EXPECT_EQ(row.flags, OR_PORT_ANTI_SPOOF | OR_PORT_REPORT_FIRST_FRAME | OR_PORT_STATEFUL |
                           OR_PORT_KEEP_ESTABLISHED);
  EXPECT_EQ(row.max_connections, 500u);
  EXPECT_EQ(row.ingress_content, 0x5a5a'5a5a'5a5a'5a5au);
  EXPECT_EQ(row.egress_content, 0u);
  EXPECT_EQ(row.ingress_rule_set, 2u);
  EXPECT_EQ(row.egress_rule_set, 0u);
  EXPECT_EQ(row.mtu, 1400u);
  EXPECT_EQ(row.limits, 0u);
  EXPECT_EQ(row.limited, 1u << abi::OR_LIMIT_EGRESS | 1u << abi::OR_LIMIT_BROADCAST);
  EXPECT_EQ(row.allowed, 0u);
  EXPECT_EQ(row.policy, OR_POLICY_DHCP_GUARD | OR_POLICY_RA_GUARD);
  EXPECT_EQ(row.epoch, 3u);
}

TEST(PortCodecTest, ARateBeyondBytesPerSecondIsKeptAsAskedFor) {
  state::Port port;
  port.ingress_policer = {.rate_kbps = UINT64_MAX, .burst_kb = UINT64_MAX / 2};
  EXPECT_EQ(Decode(port, MakePortId(1)), port);
}

TEST(PortCodecTest, TellsAnInterruptedWrite) {
  state::Port port;
  port.ingress_policer = {.rate_kbps = 8, .burst_kb = 16};
  port.allowed = {{.mac = MakeMac(1), .prefixes = {}}};
  Inventory inventory;
  const PortReferences references = Refer(port, &inventory);
  abi::or_port row = EncodePort(port, references);
  const abi::or_port_info info = EncodePortInfo(MakePortId(1), port);
  EXPECT_TRUE(DecodePort(row, info, {}, inventory).has_value());
  row.egress_rule_set = 5;
  EXPECT_EQ(DecodePort(row, info, {}, inventory), std::nullopt);
  row.egress_rule_set = 0;
  row.limits = 7;
  EXPECT_EQ(DecodePort(row, info, {}, inventory), std::nullopt);
  row.limits = references.policy.limits;
  row.allowed = 7;
  EXPECT_EQ(DecodePort(row, info, {}, inventory), std::nullopt);
  row.allowed = references.policy.allowed;
  row.vlan_map = 7;
  EXPECT_EQ(DecodePort(row, info, {}, inventory), std::nullopt);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
