// Copies of frames by the programs themselves: frames of every size whole, cut where that is asked
// for, and none without a capture. What real ports show is in packet_capture_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "tests/bpf/bpf_switch.h"
#include "vswitch/abi/or_capture.h"
#include "vswitch/sys/bpf/ring_reader.h"

namespace outrider::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

constexpr uint32_t kOnly = 0;
constexpr uint32_t kLargeMtu = 3500;

struct Record {
  abi::or_captured head;
  Bytes data;
};

class CaptureTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
  }
  static void TearDownTestSuite() { switch_.reset(); }
  void SetUp() override {
    ASSERT_NE(switch_, nullptr);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    Announce({});
    auto ring = sys::CreateRing("or_captured", 1 << 20);
    ASSERT_TRUE(ring.ok()) << ring.status();
    ring_ = *std::move(ring);
    ASSERT_TRUE((switch_->Map<uint32_t, uint32_t>("or_capture_ring")
                     .Update(kOnly, static_cast<uint32_t>(ring_.get())))
                    .ok());
    auto reader = sys::RingReader::Start(ring_.get(), [this](auto record) { Keep(record); });
    ASSERT_TRUE(reader.ok()) << reader.status();
    reader_ = *std::move(reader);
    abi::or_port port = switch_->StandardPort(1);
    port.mtu = kLargeMtu;
    ASSERT_TRUE(switch_->SetPort(1, port).ok());
  }

  void Announce(const abi::or_capture& capture) {
    ASSERT_TRUE(
        (switch_->Map<uint32_t, abi::or_capture>("or_capture").Update(kOnly, capture)).ok());
  }
  // What was written until `count` records were there, or for 5 s.
  std::vector<Record> Await(size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, std::chrono::seconds(5), [&] { return records_.size() >= count; });
    return std::exchange(records_, {});
  }

  static std::unique_ptr<BpfSwitch> switch_;

 private:
  void Keep(std::span<const uint8_t> bytes) {
    Record record = {.head = {}, .data = {}};
    record.head = sys::FromBytes<abi::or_captured>(bytes.first(sizeof(abi::or_captured)));
    const auto data = bytes.subspan(sizeof(abi::or_captured), record.head.kept);
    record.data.assign(data.begin(), data.end());
    const std::lock_guard lock(mutex_);
    records_.push_back(std::move(record));
    arrived_.notify_all();
  }

  UniqueFd ring_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Record> records_;
  std::unique_ptr<sys::RingReader> reader_;
};

std::unique_ptr<BpfSwitch> CaptureTest::switch_;

// Of `size` bytes.
Bytes FrameOf(size_t size) {
  constexpr size_t kHeaders = 14 + 20 + 8;
  return PacketBuilder(kMacB, kMacA)
      .Ipv4({.src = kIpA, .dst = kIpB})
      .Udp(1, 2)
      .Payload(size - kHeaders)
      .Build();
}

TEST_F(CaptureTest, KeepsFramesOfEverySizeWhole) {
  Announce({.until_ns = UINT64_MAX, .keep = OR_CAPTURE_MAX, .all = 1});
  for (const size_t size : {60, 255, 256, 257, 2047, 2048, 2049, 3400}) {
    SCOPED_TRACE(size);
    const Bytes frame = FrameOf(size);
    ASSERT_TRUE(switch_->Run("or_from_port", frame).ok());
    const std::vector<Record> records = Await(4);
    ASSERT_EQ(records.size(), 4u);
    for (uint16_t point = 1; point <= 4; ++point) {
      const Record& record = records[point - 1u];
      EXPECT_EQ(record.head.point, point);
      EXPECT_EQ(record.head.port, point <= abi::OR_CAPTURE_FROM_GUEST_OUT ? 1u : 2u);
      EXPECT_EQ(record.head.length, size);
      EXPECT_EQ(record.data, frame);
    }
  }
}

TEST_F(CaptureTest, CutsWhereThatIsAskedFor) {
  const Bytes frame = FrameOf(3000);
  for (const uint32_t keep : {1u, 64u, 300u, 2999u}) {
    Announce({.until_ns = UINT64_MAX, .keep = keep, .all = 1});
    ASSERT_TRUE(switch_->Run("or_from_port", frame).ok());
    const std::vector<Record> records = Await(4);
    ASSERT_FALSE(records.empty());
    EXPECT_EQ(records[0].data, Bytes(frame.begin(), frame.begin() + keep));
    EXPECT_EQ(records[0].head.length, frame.size());
  }
}

TEST_F(CaptureTest, CopiesWantedPortsOnlyAndNoneWhenItIsOver) {
  const Bytes frame = FrameOf(100);
  ASSERT_TRUE((switch_->Map<uint32_t, uint32_t>("or_capture_ports").Update(2, 1)).ok());
  Announce({.until_ns = UINT64_MAX, .keep = 100, .all = 0});
  ASSERT_TRUE(switch_->Run("or_from_port", frame).ok());
  for (const Record& record : Await(2)) EXPECT_EQ(record.head.port, 2u);
  Announce({.until_ns = 1, .keep = 100, .all = 1});
  ASSERT_TRUE(switch_->Run("or_from_port", frame).ok());
  Announce({});
  ASSERT_TRUE(switch_->Run("or_from_port", frame).ok());
  // The first record after those that must not be.
  Announce({.until_ns = UINT64_MAX, .keep = 100, .all = 1});
  ASSERT_TRUE(switch_->Run("or_from_port", FrameOf(101)).ok());
  const std::vector<Record> records = Await(4);
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].head.length, 101u);
}

// Each copy is one, at the port that gets it.
TEST_F(CaptureTest, ShowsEachCopyOfABroadcast) {
  Announce({.until_ns = UINT64_MAX, .keep = 100, .all = 1});
  const Bytes frame =
      PacketBuilder(kBroadcast, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build();
  ASSERT_TRUE(switch_->Run("or_from_port", frame).ok());
  std::vector<std::pair<uint32_t, uint16_t>> places;
  for (const Record& record : Await(6)) {
    EXPECT_EQ(record.data, frame);
    places.emplace_back(record.head.port, record.head.point);
  }
  EXPECT_THAT(
      places,
      ElementsAre(Pair(1, abi::OR_CAPTURE_FROM_GUEST), Pair(1, abi::OR_CAPTURE_FROM_GUEST_OUT),
                  Pair(2, abi::OR_CAPTURE_TO_GUEST), Pair(2, abi::OR_CAPTURE_TO_GUEST_OUT),
                  Pair(3, abi::OR_CAPTURE_TO_GUEST), Pair(3, abi::OR_CAPTURE_TO_GUEST_OUT)));
}

TEST_F(CaptureTest, ShowsWhatLeavesByAnUplink) {
  ASSERT_EQ(switch_->SetProvider(5, 0), absl::OkStatus());
  ASSERT_EQ(switch_->HearStation(kMacUnknown), absl::OkStatus());
  Announce({.until_ns = UINT64_MAX, .keep = 100, .all = 1});
  const Bytes frame =
      PacketBuilder(kMacUnknown, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build();
  ASSERT_TRUE(switch_->Run("or_from_port", frame).ok());
  const std::vector<Record> records = Await(2);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].head.point, abi::OR_CAPTURE_FROM_GUEST);
  EXPECT_EQ(records[1].head.point, abi::OR_CAPTURE_FROM_GUEST_OUT);
  EXPECT_EQ(records[1].data, frame);
}

TEST_F(CaptureTest, SaysWhereAFrameEnded) {
  Announce({.until_ns = UINT64_MAX, .keep = 100, .all = 1});
  const Bytes lost =
      PacketBuilder(kMacUnknown, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build();
  ASSERT_TRUE(switch_->Run("or_from_port", lost).ok());
  const std::vector<Record> records = Await(2);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].head.point, abi::OR_CAPTURE_FROM_GUEST);
  EXPECT_EQ(records[1].head.point, abi::OR_CAPTURE_DROP);
  EXPECT_EQ(records[1].head.reason, OR_DROP_UNKNOWN_UNICAST);
  EXPECT_EQ(records[1].head.cpu, records[0].head.cpu);
}

std::vector<uint32_t> PointsOf(const std::vector<Record>& records) {
  std::vector<uint32_t> points;
  points.reserve(records.size());
  for (const Record& record : records) points.push_back(record.head.point);
  return points;
}

// What the uplink does not take has not passed.
TEST_F(CaptureTest, ShowsNoWayOutOfWhatTheUplinkRefuses) {
  ASSERT_EQ(switch_->SetProvider(5, 0, 1000), absl::OkStatus());
  ASSERT_EQ(switch_->HearStation(kMacUnknown), absl::OkStatus());
  Announce({.until_ns = UINT64_MAX, .keep = 100, .all = 1});
  const Bytes large = PacketBuilder(kMacUnknown, kMacA)
                          .Ipv4({.src = kIpA, .dst = kIpB})
                          .Udp(1, 2)
                          .Payload(1000)
                          .Build();
  ASSERT_TRUE(switch_->Run("or_from_port", large).ok());
  EXPECT_THAT(PointsOf(Await(2)), ElementsAre(abi::OR_CAPTURE_FROM_GUEST, abi::OR_CAPTURE_DROP));
  ASSERT_TRUE(
      switch_
          ->Run(
              "or_from_port",
              PacketBuilder(kMacUnknown, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build())
          .ok());
  EXPECT_THAT(PointsOf(Await(2)),
              ElementsAre(abi::OR_CAPTURE_FROM_GUEST, abi::OR_CAPTURE_FROM_GUEST_OUT));
}

TEST_F(CaptureTest, ShowsNoCopyThatTheKernelRefuses) {
  abi::or_port port = switch_->StandardPort(2);
  port.ifindex = 999'999;
  ASSERT_EQ(switch_->SetPort(2, port), absl::OkStatus());
  ASSERT_TRUE((switch_->Map<uint32_t, uint32_t>("or_capture_ports").Update(2, 1)).ok());
  Announce({.until_ns = UINT64_MAX, .keep = 100, .all = 0});
  const Bytes broadcast =
      PacketBuilder(kBroadcast, kMacA).Ipv4({.src = kIpA, .dst = "10.0.0.255"}).Udp(1, 2).Build();
  ASSERT_TRUE(switch_->Run("or_from_port", broadcast).ok());
  EXPECT_THAT(PointsOf(Await(2)), ElementsAre(abi::OR_CAPTURE_TO_GUEST, abi::OR_CAPTURE_DROP));
}

TEST_F(CaptureTest, ShowsWhatTheSwitchAnswers) {
  abi::or_port port = switch_->StandardPort(1);
  port.ingress_rule_set = 1;
  ASSERT_EQ(switch_->SetRuleSet(1, {.rules = {}, .default_action = state::AclAction::kReject}),
            absl::OkStatus());
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  Announce({.until_ns = UINT64_MAX, .keep = 100, .all = 1});
  const auto result = switch_->Run(
      "or_from_port",
      PacketBuilder(kMacB, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1, 80, 0x02).Build());
  ASSERT_TRUE(result.ok()) << result.status();
  const std::vector<Record> records = Await(3);
  ASSERT_THAT(PointsOf(records), ElementsAre(abi::OR_CAPTURE_FROM_GUEST, abi::OR_CAPTURE_DROP,
                                             abi::OR_CAPTURE_TO_GUEST_OUT));
  EXPECT_EQ(records[2].head.port, 1u);
  EXPECT_EQ(records[2].data, result->packet);
}

}  // namespace
}  // namespace outrider::tests
