// What a physical network may send in a segment's VLAN, or without a tag, cut at every length: the
// host's, or dropped, or sent or dropped once at each port it is for.
#include <gtest/gtest.h>

#include <map>

#include "tests/bpf/frame_account.h"
#include "tests/bpf/packet_cuts.h"
#include "tests/bpf/port_setups.h"
#include "tests/bpf/seed_packets.h"

namespace outrider::tests {
namespace {

constexpr uint16_t kVlan = 5;
constexpr size_t kShortestRun = 64;
constexpr size_t kShortestTagged = 20;

Bytes WithTag(const Bytes& frame, uint16_t vlan) {
  const Bytes tag = {0x81, 0, static_cast<uint8_t>(vlan >> 8), static_cast<uint8_t>(vlan)};
  Bytes tagged = frame;
  if (tagged.size() >= 12) tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  return tagged;
}

class CutUplinkTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
    ASSERT_EQ(switch_->Attach(switch_->tap(3).ifindex(), "or_from_uplink", ""), absl::OkStatus());
  }
  static void TearDownTestSuite() { switch_.reset(); }

  static void Drain() {
    for (uint32_t index = 1; index <= 3; ++index) {
      while (switch_->tap(index).Discard()) {
      }
    }
  }

  // By hand: what passes to the host is counted for nobody but those that get copies.
  static void SendByHand(const std::vector<Bytes>& frames, const Bytes& whole) {
    std::map<uint32_t, uint64_t> verdicts;
    const Account account = AccountOf(*switch_, [&] {
      for (const Bytes& frame : frames) {
        if (frame.size() < kShortestRun) continue;
        const auto result = switch_->Run("or_from_uplink", frame, {.of_tap = 3});
        ASSERT_TRUE(result.ok()) << result.status();
        ++verdicts[result->verdict];
        Drain();
      }
    });
    const uint64_t kept = verdicts[kDropped] + verdicts[kRedirected] + verdicts[kStolen];
    ASSERT_TRUE(HaveOneFateEachFromOutside(account, whole, kept,
                                           kept + ((whole[0] & 1) != 0 ? verdicts[kGoOn] : 0), {}));
    ASSERT_LE(verdicts[kDropped], account.Drops());
  }

  // By the device, which has the tag beside the bytes.
  static void SendByTap(const std::vector<Bytes>& frames, const Bytes& whole) {
    uint64_t ours = 0;
    uint64_t sent = 0;
    const Account account = AccountOf(*switch_, [&] {
      for (const Bytes& frame : frames) {
        if (!switch_->tap(3).Send(frame).ok()) continue;
        ++sent;
        if (frame.size() >= kShortestTagged + 4 && !MayPass(frame)) ++ours;
        Drain();
      }
    });
    ASSERT_TRUE(HaveOneFateEachFromOutside(account, whole, ours, sent, {}));
  }

  // What the host gets, as it came: multicast, frames of other VLANs, and its own.
  static bool MayPass(const Bytes& frame) {
    const bool tagged = frame[12] == 0x81 && frame[13] == 0;
    const int vlan = tagged ? (frame[14] << 8 | frame[15]) & 0xfff : 0;
    const bool service = frame[12] == 0x88 && frame[13] == 0xa8;
    return (frame[0] & 1) != 0 || service || vlan != static_cast<int>(vlan_);
  }

  static void SendAll() {
    for (const SeedPacket& seed : AllSeeds(kStationRemote, kStationB)) {
      SCOPED_TRACE(seed.name);
      std::vector<Bytes> frames = AllCuts(seed.frame);
      if (vlan_ != 0) {
        for (Bytes& frame : frames) frame = WithTag(frame, static_cast<uint16_t>(vlan_));
      }
      ASSERT_NO_FATAL_FAILURE(SendByHand(frames, seed.frame));
      ASSERT_NO_FATAL_FAILURE(SendByTap(frames, seed.frame));
    }
  }

  static std::unique_ptr<BpfSwitch> switch_;
  // Of the segment; 0: untagged.
  static uint32_t vlan_;
};

std::unique_ptr<BpfSwitch> CutUplinkTest::switch_;
uint32_t CutUplinkTest::vlan_ = 0;

TEST_F(CutUplinkTest, WhateverThePortIsThatGetsIt) {
  for (const uint32_t vlan : {uint32_t{kVlan}, 0u}) {
    vlan_ = vlan;
    for (const PortSetup& setup : PortSetups(2)) {
      SCOPED_TRACE(setup.name + ", VLAN " + std::to_string(vlan));
      ASSERT_EQ(switch_->Reset(), absl::OkStatus());
      ASSERT_EQ(setup.rows(*switch_), absl::OkStatus());
      ASSERT_EQ(switch_->SetProvider(vlan, OR_SEGMENT_SUPPRESS_ARP), absl::OkStatus());
      ASSERT_NO_FATAL_FAILURE(SendAll());
      EXPECT_GT(switch_->Stats(2).tx_packets, 0u);
      EXPECT_GT(switch_->DroppedPackets(0), 0u);
    }
  }
}

// A cut of the tag itself is the host's: it names no VLAN.
TEST_F(CutUplinkTest, CutsOfItsTags) {
  ASSERT_EQ(switch_->Reset(), absl::OkStatus());
  vlan_ = kVlan;
  ASSERT_EQ(switch_->SetProvider(kVlan, 0), absl::OkStatus());
  const Bytes whole = WithTag(PacketBuilder(kMacB, kMacRemote).Payload(46).Build(), kVlan);
  for (size_t length = 0; length < kShortestTagged; ++length) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    const Account account = AccountOf(*switch_, [&] { (void)switch_->tap(3).Send(cut).ok(); });
    EXPECT_EQ(account.ForGuests(0), 0u) << length;
  }
}

}  // namespace
}  // namespace outrider::tests
