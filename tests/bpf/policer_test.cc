// The policer against the clock: what passed must be what rate and burst allow in the time that was
// measured, whatever the machine's speed.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <thread>

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
  uint64_t rate;   // kilobits, or frames, per second
  uint64_t burst;  // kilobits, or frames
  size_t payload;  // TCP
  uint32_t gso_size;
  // Test runs per system call: 1, or many for packet rates that no system call reaches.
  uint32_t repeat;
  double seconds;
  bool frames = false;

  // In bytes, or frames.
  double unit() const { return frames ? 1 : 125; }
  abi::or_limit limit() const {
    return frames ? abi::or_limit{0, 0, rate, burst} : abi::or_limit{rate, burst, 0, 0};
  }
};

class PolicerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  void Police(const abi::or_limit& limit, abi::or_limit_kind kind = abi::OR_LIMIT_INGRESS,
              uint32_t port = 1) {
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(switch_->SetLimit(port, kind, limit), absl::OkStatus());
  }
  // The same, with full buckets for which time stands still: what passes is what the burst holds.
  void Freeze(const abi::or_limit& limit, abi::or_limit_kind kind = abi::OR_LIMIT_INGRESS,
              uint32_t port = 1) {
    Police(limit, kind, port);
    SetFrozen(limit, kind, port);
  }
  void SetFrozen(const abi::or_limit& limit, abi::or_limit_kind kind, uint32_t port = 1) {
    ASSERT_EQ(switch_->SetLimit(port, kind, limit), absl::OkStatus());
    constexpr uint64_t kUnit = 1'000'000'000;
    constexpr uint64_t kNever = uint64_t{1} << 62;
    abi::or_policer policer = {};
    policer.bytes = {limit.burst_kb * 125 * kUnit, kNever};
    policer.packets = {limit.burst_packets * kUnit, kNever};
    auto policers = switch_->Map<uint32_t, abi::or_policer>("or_policers");
    ASSERT_EQ(policers.Update(OR_POLICER(port, kind), policer), absl::OkStatus());
  }
  // How many of `count` runs are not dropped.
  int Passed(const Bytes& packet, int count, const RunContext& context = {}) {
    int passed = 0;
    for (int i = 0; i < count; ++i) {
      passed += switch_->Run("or_from_port", packet, context)->verdict == kDropped ? 0 : 1;
    }
    return passed;
  }

  std::unique_ptr<BpfSwitch> switch_;
};

// Bytes, or frames, of one packet on a wire.
uint64_t WireAmount(const PolicerCase& test) {
  constexpr uint64_t kHeaders = 54;
  const uint64_t segments =
      test.gso_size == 0 ? 1 : (test.payload + test.gso_size - 1) / test.gso_size;
  return test.frames ? segments : segments * kHeaders + test.payload;
}

TEST_F(PolicerTest, PassesRateTimesTimePlusBurst) {
  // Many small segments make a test run worth many wire bytes, so that a slow machine, too, offers
  // more than the rate.
  const PolicerCase cases[] = {
      {"1 MB/s of small frames", 8'000, 800, 46, 0, 20, 0.3},
      {"1 MB/s of full frames", 8'000, 800, 1400, 0, 1, 0.3},
      {"20 MB/s of super-packets", 160'000, 16'000, 3'000, 20, 10, 0.3},
      {"10 kB/s under a flood: no time is truncated away", 80, 8, 46, 0, 1000, 1.0},
      {"625 MB/s (5 Gb/s) of super-packets", 5'000'000, 500'000, 3'000, 10, 1000, 0.3},
      {"burst below a super-packet: debt instead of starvation", 40'000, 16, 3'000, 500, 10, 0.3},
      {"10,000 frames/s", 10'000, 1'000, 46, 0, 20, 0.3, true},
      {"20 frames/s under a flood", 20, 2, 46, 0, 1000, 1.0, true},
      {"1,000,000 frames/s of super-packets", 1'000'000, 100'000, 3'000, 10, 100, 0.3, true},
      {"frames: burst below a super-packet", 20'000, 10, 3'000, 100, 10, 0.3, true},
  };
  for (const PolicerCase& test : cases) {
    SCOPED_TRACE(test.name);
    Police(test.limit());
    const Bytes packet = PacketBuilder(kMacB, kMacA)
                             .Ipv4({.src = kIpA, .dst = kIpB})
                             .Tcp(1, 2)
                             .Payload(test.payload)
                             .Build();
    const auto wire = static_cast<double>(WireAmount(test));
    const auto rate = static_cast<double>(test.rate) * test.unit() / kNsPerS;
    const auto burst = static_cast<double>(test.burst) * test.unit();
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
    const auto passed = static_cast<double>(test.frames ? stats.rx_packets : stats.rx_bytes);
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
  Police({.rate_kbps = 1, .burst_kb = 80, .rate_pps = 0, .burst_packets = 0});
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

// A kilobit is a thousand bits, not 1024.
TEST_F(PolicerTest, ABurstIsExact) {
  Police({.rate_kbps = 1, .burst_kb = 8'000, .rate_pps = 0, .burst_packets = 0});
  const Bytes packet = PacketBuilder(kMacB, kMacA)
                           .Ipv4({.src = kIpA, .dst = kIpB})
                           .Udp(1, 2)
                           .Payload(1000 - 42)
                           .Build();
  ASSERT_TRUE(switch_->Run("or_from_port", packet, {.repeat = 1'100}).ok());
  EXPECT_GE(switch_->Stats(1).rx_packets, 1'000u);
  EXPECT_LE(switch_->Stats(1).rx_packets, 1'001u) << "125 bytes more a second";
}

// A bucket nothing fits in must not be one that is always full.
TEST_F(PolicerTest, NoBurstIsNoWayPastTheRate) {
  Police({.rate_kbps = 1, .burst_kb = 0, .rate_pps = 0, .burst_packets = 0});
  const Bytes packet = PacketBuilder(kMacB, kMacA)
                           .Ipv4({.src = kIpA, .dst = kIpB})
                           .Udp(1, 2)
                           .Payload(1000 - 42)
                           .Build();
  int passed = 0;
  for (int i = 0; i < 10; ++i) {
    passed += switch_->Run("or_from_port", packet)->verdict == kRedirected ? 1 : 0;
  }
  EXPECT_LE(passed, 1) << "1 kb/s";
}

TEST_F(PolicerTest, DeniedFramesCostNoTokens) {
  Police({.rate_kbps = 1, .burst_kb = 8, .rate_pps = 0, .burst_packets = 0});
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

Bytes TcpOf(size_t payload, const std::string& dst = kMacB) {
  return PacketBuilder(dst, kMacA)
      .Ipv4({.src = kIpA, .dst = kIpB})
      .Tcp(1, 2)
      .Payload(payload)
      .Build();
}

// CPUs that take from one pair of buckets at once get no more than there is, and no less.
TEST_F(PolicerTest, ABurstIsExactOnSeveralCpus) {
  constexpr uint32_t kFrames = 200'000;
  Freeze({.rate_kbps = 1, .burst_kb = 8'000'000, .rate_pps = 1, .burst_packets = kFrames * 3 / 2});
  const Bytes frame = TcpOf(10);
  const auto send = [&] {
    EXPECT_TRUE(switch_->Run("or_from_port", frame, {.repeat = kFrames}).ok());
  };
  std::thread other(send);
  send();
  other.join();
  EXPECT_EQ(switch_->Stats(1).rx_packets, kFrames * 3 / 2);
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_POLICER_PPS}), kFrames / 2);
  auto policers = switch_->Map<uint32_t, abi::or_policer>("or_policers");
  const abi::or_policer left = policers.Lookup(OR_POLICER(1, abi::OR_LIMIT_INGRESS)).value();
  EXPECT_EQ(left.packets.tokens, 0u);
  EXPECT_GT(left.bytes.tokens, 0u) << "refused frames cost none";
}

// What one limit refuses must not cost tokens of the other.
TEST_F(PolicerTest, BothBucketsOrNone) {
  Freeze({.rate_kbps = 1, .burst_kb = 160, .rate_pps = 1, .burst_packets = 2});
  EXPECT_EQ(Passed(TcpOf(946), 9), 2);
  auto policers = switch_->Map<uint32_t, abi::or_policer>("or_policers");
  EXPECT_EQ(policers.Lookup(OR_POLICER(1, abi::OR_LIMIT_INGRESS))->bytes.tokens,
            uint64_t{18'000} * 1'000'000'000);
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_POLICER_PPS}), 7u);
  Freeze({.rate_kbps = 1, .burst_kb = 16, .rate_pps = 1, .burst_packets = 20});
  EXPECT_EQ(Passed(TcpOf(946), 9), 2);
  EXPECT_EQ(policers.Lookup(OR_POLICER(1, abi::OR_LIMIT_INGRESS))->packets.tokens,
            uint64_t{18} * 1'000'000'000);
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_POLICER}), 7u);
}

// A burst in the wire's own units is exact at every size: what fits is what was asked for.
TEST_F(PolicerTest, CountsTheFramesOfASuperPacketAtEverySize) {
  for (uint32_t payload = 1; payload <= 3200; payload += 37) {
    SCOPED_TRACE(payload);
    constexpr uint32_t kSegment = 500;
    const uint64_t frames = (payload + kSegment - 1) / kSegment;
    // GSO packets have a segment at least; the kernel calls one without gso_size a plain one.
    const RunContext context = {.gso_size = payload > kSegment ? kSegment : 0};
    const uint64_t fits = 3;
    Freeze({.rate_kbps = 0, .burst_kb = 0, .rate_pps = 1, .burst_packets = frames * fits});
    EXPECT_EQ(Passed(TcpOf(payload), static_cast<int>(fits) + 1, context), static_cast<int>(fits));
    const uint64_t bytes = frames * 54 + payload;
    // Kilobits hold a little more.
    const uint64_t kilobits = (bytes * fits + 124) / 125;
    Freeze({.rate_kbps = 1, .burst_kb = kilobits, .rate_pps = 0, .burst_packets = 0});
    const auto whole = static_cast<int>(kilobits * 125 / bytes);
    EXPECT_EQ(Passed(TcpOf(payload), whole + 2, context), whole);
  }
}

TEST_F(PolicerTest, EgressIsCountedAtTheDestinationAndLimitsEachPortByItself) {
  Freeze({.rate_kbps = 0, .burst_kb = 0, .rate_pps = 1, .burst_packets = 3}, abi::OR_LIMIT_EGRESS,
         2);
  EXPECT_EQ(Passed(TcpOf(100), 5), 3);
  EXPECT_EQ(switch_->Drops().at({2, OR_DROP_POLICER_EGRESS}), 2u);
  EXPECT_EQ(switch_->Stats(1).rx_packets, 5u);
  EXPECT_EQ(switch_->Stats(2).tx_packets, 3u);
  EXPECT_EQ(Passed(TcpOf(100, kMacC), 5), 5);
}

// Each kind has a bucket of its own; what is answered or stays within the port's own rate does not
// count.
TEST_F(PolicerTest, StormLimitsCountWhatIsCopied) {
  const abi::or_limit two = {0, 0, 1, 2};
  const Bytes broadcast = TcpOf(10, kBroadcast);
  const Bytes multicast = TcpOf(10, "01:00:5e:00:00:01");
  const Bytes unknown = TcpOf(10, kMacUnknown);
  Freeze(two, abi::OR_LIMIT_BROADCAST);
  EXPECT_EQ(Passed(broadcast, 5), 2);
  EXPECT_EQ(Passed(multicast, 5), 5);
  EXPECT_EQ(Passed(TcpOf(10), 5), 5);
  SetFrozen(two, abi::OR_LIMIT_MULTICAST);
  EXPECT_EQ(Passed(multicast, 5), 2);
  SetFrozen(two, abi::OR_LIMIT_UNKNOWN_UNICAST);
  EXPECT_EQ(Passed(unknown, 3), 0) << "the segment drops it";
  ASSERT_EQ(switch_->SetSegment(kVni, OR_SEGMENT_FLOOD_UNKNOWN), absl::OkStatus());
  EXPECT_EQ(Passed(unknown, 5), 2);
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_STORM_BROADCAST}), 3u);
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_STORM_MULTICAST}), 3u);
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_STORM_UNKNOWN_UNICAST}), 3u);
}

// What passes beyond the burst is paid in time: the bucket begins to fill that much later.
TEST_F(PolicerTest, WhatIsLargerThanTheBurstIsADebt) {
  constexpr uint64_t kWire = 3000 + 6 * 54;
  auto policers = switch_->Map<uint32_t, abi::or_policer>("or_policers");
  // 1000 bytes a second, 2000 at once; then 10 frames a second, 2 at once.
  const struct {
    abi::or_limit limit;
    double seconds;
  } cases[] = {{{8, 16, 0, 0}, (kWire - 2000) / 1000.0}, {{0, 0, 10, 2}, (6 - 2) / 10.0}};
  for (const auto& [limit, seconds] : cases) {
    SCOPED_TRACE(seconds);
    Police(limit);
    const double before = Now();
    EXPECT_EQ(Passed(TcpOf(3000), 2, {.gso_size = 500}), 1);
    const double after = Now();
    const abi::or_policer policer = policers.Lookup(OR_POLICER(1, abi::OR_LIMIT_INGRESS)).value();
    const abi::or_bucket& bucket = limit.rate_kbps != 0 ? policer.bytes : policer.packets;
    EXPECT_EQ(bucket.tokens, 0u);
    EXPECT_GE(static_cast<double>(bucket.last_ns), before + seconds * kNsPerS);
    EXPECT_LE(static_cast<double>(bucket.last_ns), after + seconds * kNsPerS);
  }
}

// Time that has filled a bucket fills it no further.
TEST_F(PolicerTest, ABucketHoldsItsBurstAndNoMore) {
  const abi::or_limit limit = {0, 0, 100, 100};
  Police(limit);
  const double start = Now();
  abi::or_policer policer = {};
  policer.packets.tokens = limit.burst_packets * 1'000'000'000;
  policer.packets.last_ns = static_cast<uint64_t>(start - 0.9 * kNsPerS);
  auto policers = switch_->Map<uint32_t, abi::or_policer>("or_policers");
  ASSERT_EQ(policers.Update(OR_POLICER(1, abi::OR_LIMIT_INGRESS), policer), absl::OkStatus());
  const int passed = Passed(TcpOf(10), 180);
  EXPECT_GE(passed, 100);
  EXPECT_LE(passed, 101 + static_cast<int>((Now() - start) / kNsPerS * 100));
}

// The switch answers it alone: nobody is bothered.
TEST_F(PolicerTest, AnAnsweredArpRequestIsNoStorm) {
  Freeze({.rate_kbps = 0, .burst_kb = 0, .rate_pps = 1, .burst_packets = 1},
         abi::OR_LIMIT_BROADCAST);
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpB, kMacB), absl::OkStatus());
  const Bytes request =
      PacketBuilder(kBroadcast, kMacA)
          .Arp({.sender_mac = Mac(kMacA), .sender_ip = kIpA, .target_mac = {}, .target_ip = kIpB})
          .Build();
  EXPECT_EQ(Passed(request, 5), 5);
}

}  // namespace
}  // namespace outrider::tests
