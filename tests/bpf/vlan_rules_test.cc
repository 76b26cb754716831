// The VLAN that a port's rules see is the one its own guest sends or gets, in each mode.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/bpf/vlan_fixture.h"

namespace outrider::tests {
namespace {

struct SeenCase {
  const char* name;
  Vlans mode;
  uint32_t vni;
  // As the guest sends it, or as the frame has it in its segment.
  Tags tags;
  uint16_t seen;
};

class VlanRulesTest : public VlanFixture {
 protected:
  // Rule set 1 drops what is of VLAN `vlan`.
  void Deny(uint32_t port_index, bool from_guest, uint16_t vlan) {
    state::AclRule rule;
    rule.vlan = vlan;
    rule.action = state::AclAction::kDrop;
    ASSERT_EQ(switch_->SetRuleSet(1, {rule}, abi::OR_ACL_ALLOW), absl::OkStatus());
    const auto ports = switch_->Ports();
    abi::or_port port = ports.Lookup(port_index).value();
    (from_guest ? port.ingress_rule_set : port.egress_rule_set) = 1;
    ASSERT_EQ(ports.Update(port_index, port), absl::OkStatus());
  }
  uint64_t Dropped(uint32_t port, uint32_t reason) {
    const auto drops = Drops();
    const auto found = drops.find({port, reason});
    return found == drops.end() ? 0 : found->second;
  }
};

TEST_F(VlanRulesTest, OfWhatAGuestSends) {
  const SeenCase cases[] = {
      {"access", kAccess, 7, {}, 0},
      {"access, priority", kAccess, 7, {{0}}, 0},
      {"trunk", kTrunk, 7, {{10}}, 10},
      {"trunk, other VLAN", kTrunk, 8, {{20}}, 20},
      {"trunk, stacked", kTrunk, 7, {{10}, {30}}, 10},
      {"native, untagged", kNativeTagged, 7, {}, 0},
      {"native, tagged", kNativeTagged, 7, {{10}}, 10},
      {"tunnel", kTunnel, 7, {{30}}, 30},
      {"tunnel, untagged", kTunnel, 7, {}, 0},
      {"tunnel, below priority", kTunnel, 7, {{0}, {30}}, 30},
      {"tunnel of 30, below priority", kTunnelOf30, 7, {{0}, {30}}, 30},
      {"tunnel of 30", kTunnelOf30, 7, {{30}}, 30},
  };
  for (const SeenCase& test : cases) {
    for (const bool same : {true, false}) {
      SCOPED_TRACE(fmt::format("{}, {}", test.name, same));
      Become(test.mode, TunnelIn(7), TunnelIn(8));
      Deny(1, true, same ? test.seen : test.seen + 1);
      SendOffloaded(Frame(kBroadcast, test.tags));
      EXPECT_EQ(Dropped(1, OR_DROP_ACL_INGRESS), same ? 1u : 0u);
      EXPECT_EQ(Got(test.vni == 7 ? 2 : 3).has_value(), !same);
    }
  }
}

TEST_F(VlanRulesTest, OfWhatAGuestGets) {
  const SeenCase cases[] = {
      {"access", kAccess, 7, {}, 0},
      {"trunk", kTrunk, 7, {}, 10},
      {"trunk, other VLAN", kTrunk, 8, {}, 20},
      {"trunk, stacked", kTrunk, 7, {{30}}, 10},
      {"native-tagged", kNativeTagged, 7, {}, 10},
      {"native-untagged", kNativeUntagged, 7, {}, 0},
      {"tunnel", kTunnel, 7, {{30}}, 30},
      {"tunnel, untagged", kTunnel, 7, {}, 0},
  };
  for (const SeenCase& test : cases) {
    for (const bool same : {true, false}) {
      SCOPED_TRACE(fmt::format("{}, {}", test.name, same));
      Become(TunnelIn(test.vni), test.mode, TunnelIn(test.vni));
      Deny(2, false, same ? test.seen : test.seen + 1);
      SendOffloaded(Frame(kBroadcast, test.tags));
      EXPECT_EQ(Got(2).has_value(), !same);
      EXPECT_EQ(Dropped(2, OR_DROP_ACL_EGRESS), same ? 1u : 0u);
      EXPECT_TRUE(Got(3).has_value()) << "the next port's copy";
    }
  }
}

// What a guest is told of a rejected frame comes back in that frame's VLAN.
TEST_F(VlanRulesTest, AnAnswerHasTheTagOfTheQuestion) {
  Become(kTrunk, kAccess, TunnelIn(8));
  abi::or_port port = switch_->Ports().Lookup(1).value();
  port.ingress_rule_set = 1;
  ASSERT_EQ(switch_->SetRuleSet(1, {.rules = {}, .default_action = state::AclAction::kReject}),
            absl::OkStatus());
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  for (const uint16_t vlan : {uint16_t{10}, uint16_t{20}}) {
    SendOffloaded(Frame(kMacB, {{vlan}}));
    const std::optional<Bytes> answer = Got(1);
    ASSERT_TRUE(answer.has_value());
    ASSERT_GT(answer->size(), 18u);
    EXPECT_EQ(Bytes(answer->begin(), answer->begin() + 6), Bytes({0x52, 0x54, 0, 0, 0, 1}));
    EXPECT_EQ(Bytes(answer->begin() + 12, answer->begin() + 18),
              Bytes({0x81, 0, 0, static_cast<uint8_t>(vlan), 0x08, 0}));
  }
}

}  // namespace
}  // namespace outrider::tests
