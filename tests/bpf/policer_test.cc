// The policer against the clock: what passed must be what rate and burst allow in the time that was
// measured, whatever the machine's speed.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

constexpr double kNsPerS = 1e9;

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * kNsPerS + static_cast<double>(now.tv_nsec);
}

struct PolicerCase {
  const char* name;
  uint64_t bytes_per_s;
  uint64_t burst;
  size_t payload;  // TCP
  uint32_t gso_size;
  // Test runs per system call: 1, or many for packet rates that no system call reaches.
  uint32_t repeat;
  double seconds;
};

class PolicerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  void Police(const PolicerCase& test) {
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    abi::or_port port = switch_->StandardPort(1);
    port.police_bytes_per_s = test.bytes_per_s;
    port.police_burst = test.burst;
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
    auto buckets = switch_->Map<uint32_t, abi::or_policer>("or_policers");
    ASSERT_EQ(buckets.Update(1, {}), absl::OkStatus());
  }

  std::unique_ptr<BpfSwitch> switch_;
};

uint64_t WireBytes(const PolicerCase& test) {
  constexpr uint64_t kHeaders = 54;
  if (test.gso_size == 0) return kHeaders + test.payload;
  const uint64_t segments = (test.payload + test.gso_size - 1) / test.gso_size;
  return segments * kHeaders + test.payload;
}

TEST_F(PolicerTest, PassesRateTimesTimePlusBurst) {
  // Many small segments make a test run worth many wire bytes, so that a slow machine, too, offers
  // more than the rate.
  const PolicerCase cases[] = {
      {"1 MB/s of small frames", 1'000'000, 100'000, 46, 0, 20, 0.3},
      {"1 MB/s of full frames", 1'000'000, 100'000, 1400, 0, 1, 0.3},
      {"20 MB/s of super-packets", 20'000'000, 2'000'000, 3'000, 20, 10, 0.3},
      {"10 kB/s under a flood: no time is truncated away", 10'000, 1'000, 46, 0, 1000, 1.0},
      {"625 MB/s (5 Gb/s) of super-packets", 625'000'000, 62'500'000, 3'000, 10, 1000, 0.3},
      {"burst below a super-packet: debt instead of starvation", 5'000'000, 2'000, 3'000, 500, 10,
       0.3},
  };
  for (const PolicerCase& test : cases) {
    SCOPED_TRACE(test.name);
    Police(test);
    const Bytes packet = PacketBuilder(kMacB, kMacA)
                             .Ipv4({.src = kIpA, .dst = kIpB})
                             .Tcp(1, 2)
                             .Payload(test.payload)
                             .Build();
    const auto wire = static_cast<double>(WireBytes(test));
    const auto rate = static_cast<double>(test.bytes_per_s) / kNsPerS;
    const auto burst = static_cast<double>(test.burst);
    // A pause of ours longer than the bucket lasts spills tokens: the lower bound knows.
    double spilled = 0;
    double longest_pause = 0;
    const double start = Now();
    double last = start;
    while (last - start < test.seconds * kNsPerS) {
      auto result =
          switch_->Run("or_from_port", packet, {.gso_size = test.gso_size, .repeat = test.repeat});
      ASSERT_TRUE(result.ok()) << result.status();
      const double now = Now();
      spilled += std::max(0.0, (now - last) * rate + wire - burst);
      longest_pause = std::max(longest_pause, now - last);
      last = now;
    }
    const abi::or_port_stats stats = switch_->Stats(1);
    const auto passed = static_cast<double>(stats.rx_bytes);
    const double elapsed = last - start;
    EXPECT_LE(passed, elapsed * rate + burst + wire) << "elapsed " << elapsed;
    // Above the burst a frame waits for the whole bucket and for our next call.
    const double least = wire > burst ? wire * (elapsed / (wire / rate + 2 * longest_pause) - 1)
                                      : elapsed * rate - spilled - 2 * wire;
    EXPECT_GE(passed, least) << "elapsed " << elapsed << " longest pause " << longest_pause;
    EXPECT_GT(switch_->DroppedPackets(1), 0u) << "never offered more than the rate";
  }
}

TEST_F(PolicerTest, BucketStartsFull) {
  Police({"", 1, 10'000, 0, 0, 1, 0});
  const Bytes packet = PacketBuilder(kMacB, kMacA)
                           .Ipv4({.src = kIpA, .dst = kIpB})
                           .Udp(1, 2)
                           .Payload(1000 - 42)
                           .Build();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(switch_->Run("or_from_port", packet)->verdict, kRedirected) << i;
  }
  EXPECT_EQ(switch_->Run("or_from_port", packet)->verdict, kDropped);
}

// A bucket nothing fits in must not be one that is always full.
TEST_F(PolicerTest, NoBurstIsNoWayPastTheRate) {
  Police({"", 1, 0, 0, 0, 1, 0});
  const Bytes packet = PacketBuilder(kMacB, kMacA)
                           .Ipv4({.src = kIpA, .dst = kIpB})
                           .Udp(1, 2)
                           .Payload(1000 - 42)
                           .Build();
  int passed = 0;
  for (int i = 0; i < 10; ++i) {
    passed += switch_->Run("or_from_port", packet)->verdict == kRedirected ? 1 : 0;
  }
  EXPECT_LE(passed, 1) << "1 byte/s";
}

TEST_F(PolicerTest, DeniedFramesCostNoTokens) {
  Police({"", 1, 10'000, 0, 0, 1, 0});
  abi::or_port port = switch_->StandardPort(1);
  port.police_bytes_per_s = 1;
  port.police_burst = 1000;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  const Bytes spoofed =
      PacketBuilder(kMacB, kMacC).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(switch_->Run("or_from_port", spoofed).ok());
  const Bytes own = PacketBuilder(kMacB, kMacA)
                        .Ipv4({.src = kIpA, .dst = kIpB})
                        .Udp(1, 2)
                        .Payload(1000 - 42)
                        .Build();
  EXPECT_EQ(switch_->Run("or_from_port", own)->verdict, kRedirected);
}

}  // namespace
}  // namespace outrider::tests
