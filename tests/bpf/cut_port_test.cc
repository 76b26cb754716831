// Every kind of packet a guest may send, cut at every length up to 128 bytes and whole, at ports of
// every kind: each frame has one fate, which is counted once, and the verdict says the same.
#include <gtest/gtest.h>

#include <map>

#include "tests/bpf/frame_account.h"
#include "tests/bpf/packet_cuts.h"
#include "tests/bpf/port_setups.h"
#include "tests/bpf/seed_packets.h"

namespace outrider::tests {
namespace {

// What a tap takes at least.
constexpr size_t kShortest = 14;
// The kernel takes tags off before any program runs, and drops what ends in one.
constexpr size_t kShortestTagged = 20;
// What BPF_PROG_TEST_RUN takes at least, whatever is in it.
constexpr size_t kShortestRun = 64;

bool IsTagged(const Bytes& frame) {
  const int type = frame[12] << 8 | frame[13];
  return type == 0x8100 || type == 0x88a8;
}

bool KernelDrops(const Bytes& frame) {
  return frame.size() < kShortest || (frame.size() < kShortestTagged && IsTagged(frame));
}

class CutPortTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
    // C's is an uplink in some.
    for (uint32_t index = 1; index <= 2; ++index) {
      ASSERT_EQ(switch_->Attach(switch_->tap(index).ifindex(), "or_from_port", "or_port_guard"),
                absl::OkStatus());
    }
  }
  static void TearDownTestSuite() { switch_.reset(); }

  static void Drain() {
    for (uint32_t index = 1; index <= 3; ++index) {
      while (switch_->tap(index).Discard()) {
      }
    }
  }

  // By A's tap, as a guest sends them.
  static void SendByTap(const std::vector<Bytes>& frames, const Expected& expected) {
    uint64_t reached = 0;
    const Account account = AccountOf(*switch_, [&] {
      for (const Bytes& frame : frames) {
        EXPECT_EQ(switch_->tap(1).Send(frame).ok(), frame.size() >= kShortest) << frame.size();
        if (!KernelDrops(frame)) ++reached;
        Drain();
      }
    });
    ASSERT_TRUE(HaveOneFateEachFromPort(account, frames.back(), reached, expected));
  }

  // By hand, where a verdict is seen.
  static void SendByHand(const std::vector<Bytes>& frames, const Expected& expected) {
    std::map<uint32_t, uint64_t> verdicts;
    uint64_t sent = 0;
    const Account account = AccountOf(*switch_, [&] {
      for (const Bytes& frame : frames) {
        if (frame.size() < kShortestRun) continue;
        const auto result = switch_->Run("or_from_port", frame);
        ASSERT_TRUE(result.ok()) << result.status();
        ++verdicts[result->verdict];
        ++sent;
        Drain();
      }
    });
    ASSERT_TRUE(HaveOneFateEachFromPort(account, frames.back(), sent, expected));
    ASSERT_EQ(verdicts[kDropped] + verdicts[kRedirected] + verdicts[kStolen], sent);
    ASSERT_LE(verdicts[kDropped], account.Drops());
  }

  // Where the segment snoops, multicast is for some.
  static Expected CopiesOf(const PortSetup& setup) {
    if (setup.snoops) return {};
    return {.copies = {2, 3}};
  }

  // All cuts of all seeds.
  static void SendAll(const Station& to, const Expected& expected) {
    for (const SeedPacket& seed : AllSeeds(kStationA, to)) {
      SCOPED_TRACE(seed.name);
      const std::vector<Bytes> frames = AllCuts(seed.frame);
      ASSERT_NO_FATAL_FAILURE(SendByTap(frames, expected));
      ASSERT_NO_FATAL_FAILURE(SendByHand(frames, expected));
    }
  }

  static std::unique_ptr<BpfSwitch> switch_;
};

std::unique_ptr<BpfSwitch> CutPortTest::switch_;

TEST_F(CutPortTest, WhateverItsPortIs) {
  for (const PortSetup& setup : PortSetups(1)) {
    SCOPED_TRACE(setup.name);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(setup.rows(*switch_), absl::OkStatus());
    ASSERT_NO_FATAL_FAILURE(SendAll(kStationB, CopiesOf(setup)));
    EXPECT_GT(switch_->Stats(1).rx_packets, 0u) << "nothing passed: what was tested?";
    EXPECT_GT(switch_->DroppedPackets(1), 0u);
  }
}

TEST_F(CutPortTest, WhateverThePortIsThatGetsIt) {
  for (const PortSetup& setup : PortSetups(2)) {
    SCOPED_TRACE(setup.name);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(setup.rows(*switch_), absl::OkStatus());
    ASSERT_NO_FATAL_FAILURE(SendAll(kStationB, CopiesOf(setup)));
    EXPECT_GT(switch_->Stats(2).tx_packets, 0u);
  }
}

TEST_F(CutPortTest, WhatLeavesByATunnel) {
  ASSERT_EQ(switch_->Reset(), absl::OkStatus());
  ASSERT_NO_FATAL_FAILURE(SendAll(kStationRemote, {.leaves = true, .copies = {2, 3}}));
  EXPECT_GT(switch_->Stats(1).rx_packets, 0u);
}

TEST_F(CutPortTest, WhatLeavesByAnUplink) {
  for (const uint32_t vlan : {0u, 5u}) {
    SCOPED_TRACE(vlan);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(switch_->SetProvider(vlan, 0), absl::OkStatus());
    ASSERT_EQ(switch_->HearStation(kMacRemote), absl::OkStatus());
    ASSERT_NO_FATAL_FAILURE(SendAll(kStationRemote, {.leaves = true, .copies = {2}}));
    EXPECT_GT(switch_->Stats(1).rx_packets, 0u);
  }
}

// Larger than the segment's packets may be: dropped, the whole frame and once, and of what is to be
// segmented only if its segments are too large.
TEST_F(CutPortTest, LargeFrames) {
  constexpr size_t kHeaders = 54;
  ASSERT_EQ(switch_->Reset(), absl::OkStatus());
  const auto send = [](size_t size, uint16_t segment, uint64_t packets) {
    const Bytes frame = PacketBuilder(kMacB, kMacA)
                            .Ipv4({.src = kIpA, .dst = kIpB})
                            .Tcp(1000, 80)
                            .Payload(size - kHeaders)
                            .Build();
    const TapOffload offload = {.gso_size = segment, .header_length = kHeaders};
    const Account account = AccountOf(
        *switch_, [&] { ASSERT_EQ(switch_->tap(1).Send(frame, offload), absl::OkStatus()); });
    EXPECT_TRUE(HasOneFateFromPort(account, frame, {.packets = packets}))
        << size << " by " << segment;
    Drain();
    return account;
  };
  EXPECT_EQ(send(kMtu + 14, 0, 1).tx[2], 1u);
  EXPECT_EQ(send(kMtu + 15, 0, 1).dropped[1], 1u);
  EXPECT_EQ(send(9014, 0, 1).dropped[1], 1u);
  EXPECT_EQ(send(65'549, 0, 1).dropped[1], 1u);
  EXPECT_EQ(send(65'549, 1410, 47).tx[2], 47u);
  EXPECT_EQ(send(65'549, 1411, 47).dropped[1], 47u);
  EXPECT_EQ(send(65'549, 8960, 8).dropped[1], 8u);
  EXPECT_EQ(send(kHeaders + 1, 1, 1).tx[2], 1u);
}

// Super-packets that are cut: the kernel refuses some, and the rest is counted as its segments.
TEST_F(CutPortTest, SuperPacketsAreCountedAsTheirSegments) {
  constexpr size_t kHeaders = 54;
  constexpr uint16_t kSegment = 100;
  ASSERT_EQ(switch_->Reset(), absl::OkStatus());
  const Bytes whole = PacketBuilder(kMacB, kMacA)
                          .Ipv4({.src = kIpA, .dst = kIpB})
                          .Tcp(1000, 80)
                          .Payload(4000)
                          .Build();
  for (size_t length = 0; length <= whole.size(); length += length < 300 ? 1 : 37) {
    for (const bool honest : {false, true}) {
      const Bytes frame = Cut(whole, length, honest);
      absl::Status sent;
      const Account account = AccountOf(*switch_, [&] {
        sent = switch_->tap(1).Send(frame, {.gso_size = kSegment, .header_length = kHeaders});
      });
      Drain();
      if (!sent.ok()) {
        ASSERT_LT(length, kHeaders + 1);
        ASSERT_EQ(account.ForGuests(0) + account.rx[1], 0u) << length;
        continue;
      }
      const uint64_t segments =
          length <= kHeaders ? 1 : (length - kHeaders + kSegment - 1) / kSegment;
      ASSERT_TRUE(HasOneFateFromPort(account, frame, {.packets = segments})) << length;
    }
  }
}

}  // namespace
}  // namespace outrider::tests
