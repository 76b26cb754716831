// VLAN modes on the standing topology: two segments without remote VTEPs, every replication list
// has all three ports, each port with the mode a test gives it. Sends a frame in each form the
// programs may meet its tags in.
//
// Thread rule: one thread.
#ifndef OUTRIDER_TESTS_BPF_VLAN_FIXTURE_H_
#define OUTRIDER_TESTS_BPF_VLAN_FIXTURE_H_

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {

struct Tag {
  uint16_t vlan;
  uint16_t type = 0x8100;
};
using Tags = std::vector<Tag>;

// The VLAN side of a port.
struct Vlans {
  abi::or_vlan_mode mode = abi::OR_VLAN_ACCESS;
  uint32_t vni = kVni;
  // Rows of the port's map: VLAN -> VNI and VNI -> VLAN. Both empty: no map.
  std::map<uint32_t, uint32_t> segments = {};
  std::map<uint32_t, uint32_t> tags = {};
};

// Each mode with VLAN 10 for segment 7 and VLAN 20 for segment 8, where it has such.
inline const Vlans kAccess;
inline const Vlans kTrunk{abi::OR_VLAN_TRUNK, 0, {{10, 7}, {20, 8}}, {{7, 10}, {8, 20}}};
inline const Vlans kNativeTagged{
    abi::OR_VLAN_NATIVE_TAGGED, 7, {{0, 7}, {10, 7}, {20, 8}}, {{7, 10}, {8, 20}}};
inline const Vlans kNativeUntagged{
    abi::OR_VLAN_NATIVE_UNTAGGED, 7, {{0, 7}, {10, 7}, {20, 8}}, {{7, 0}, {8, 20}}};
inline const Vlans kTunnel{abi::OR_VLAN_DOT1Q_TUNNEL};
inline const Vlans kTunnelOf30{abi::OR_VLAN_DOT1Q_TUNNEL, 7, {{30, 7}}};

inline Vlans TunnelIn(uint32_t vni) { return {abi::OR_VLAN_DOT1Q_TUNNEL, vni}; }

class VlanFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
    ASSERT_EQ(switch_->AttachAll(), absl::OkStatus());
  }

  // The standing topology with these modes. B's MAC is that of port B in both segments.
  void Become(const Vlans& a, const Vlans& b, const Vlans& c) {
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    for (const uint32_t vni : {kVni, kOtherVni}) {
      SetMtu(vni, kMtu);
      ASSERT_EQ(switch_->SetFdb(vni, kMacB, abi::OR_FDB_LOCAL, 2), absl::OkStatus());
    }
    SetVlans(1, a);
    SetVlans(2, b);
    SetVlans(3, c);
  }
  void SetMtu(uint32_t vni, uint32_t mtu) {
    const abi::or_segment segment = {0, mtu, kReplicationList, 3, 0, 0};
    auto segments = switch_->Map<uint32_t, abi::or_segment>("or_segments");
    ASSERT_EQ(segments.Update(vni, segment), absl::OkStatus());
  }
  void SetVlans(uint32_t index, const Vlans& vlans) {
    abi::or_port port = switch_->StandardPort(index);
    port.vni = vlans.vni;
    port.vlan_mode = static_cast<uint8_t>(vlans.mode);
    port.vlan_map = vlans.segments.empty() ? 0 : index;
    for (const auto& [vlan, vni] : vlans.segments) {
      auto rows = switch_->Map<abi::or_vlan_key, uint32_t>("or_vlan_segments");
      ASSERT_EQ(rows.Update({index, vlan}, vni), absl::OkStatus());
    }
    for (const auto& [vni, vlan] : vlans.tags) {
      auto rows = switch_->Map<abi::or_vlan_tag_key, uint32_t>("or_vlan_tags");
      ASSERT_EQ(rows.Update({index, vni}, vlan), absl::OkStatus());
    }
    ASSERT_EQ(switch_->SetPort(index, port), absl::OkStatus());
  }

  // What port A's guest sends, or anybody gets of it.
  static PacketBuilder Start(const std::string& dst, const Tags& tags) {
    PacketBuilder packet(dst, kMacA);
    for (const Tag& tag : tags) packet.Vlan(tag.vlan, tag.type);
    return packet;
  }
  static Bytes Frame(const std::string& dst, const Tags& tags) {
    return Start(dst, tags).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1000, 2000).Payload(64).Build();
  }

  // By port A's tap: the kernel takes the outermost tag from the bytes before the program runs.
  void SendOffloaded(const Bytes& frame) {
    ASSERT_EQ(switch_->tap(1).Send(frame), absl::OkStatus());
  }
  // All tags among the bytes. Copies are sent to taps, a redirect only shows as the verdict.
  uint32_t RunInBand(const Bytes& frame) {
    const auto result = switch_->Run("or_from_port", frame);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->verdict : kDropped;
  }
  std::optional<Bytes> Got(uint32_t port) { return switch_->tap(port).Receive(); }
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> Drops() { return switch_->Drops(); }

  std::unique_ptr<BpfSwitch> switch_;
};

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_VLAN_FIXTURE_H_
