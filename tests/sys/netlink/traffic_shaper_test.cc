#include "vswitch/sys/netlink/traffic_shaper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "tests/support/foreign_qdisc.h"
#include "tests/support/netns_fixture.h"
#include "tests/support/packet_builder.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::sys {
namespace {

using ::testing::HasSubstr;

class TrafficShaperTest : public ::testing::Test {
 protected:
  TrafficShaperTest() : scope_(netns_) {
    tests::CreateVeth({.netns = &netns_, .name = "veth0"}, {.netns = &other_, .name = "veth0"});
    shaper_ = TrafficShaper::Create().value();
    ifindex_ = NetlinkSocket::Create().value()->FindLink("veth0")->ifindex;
  }

  tests::NetworkNamespace netns_;
  tests::NetworkNamespace other_;
  tests::NetnsScope scope_;
  std::unique_ptr<TrafficShaper> shaper_;
  int ifindex_ = 0;
};

TEST_F(TrafficShaperTest, ShapesKnowsItAgainAndRemoves) {
  // Beyond 32 bits, below a kilobit, a bucket that lasts longer than the kernel can count.
  const ShapedRate rates[] = {{1'000'000, 2'000'000, 131'125},
                              {5'000'000'000, 125'000'000'000, 1'000'000'000},
                              {1, 125, 12'500'000},
                              {2'000'000, 2'000'000, 131'125}};
  EXPECT_FALSE(*shaper_->IsShaped(ifindex_, rates[0]));
  for (const ShapedRate& rate : rates) {
    ASSERT_EQ(shaper_->Shape(ifindex_, rate), absl::OkStatus());
    EXPECT_TRUE(*shaper_->IsShaped(ifindex_, rate));
    // Another process finds it and has nothing to do.
    const auto another = TrafficShaper::Create().value();
    EXPECT_TRUE(*another->IsShaped(ifindex_, rate));
    EXPECT_EQ(another->Shape(ifindex_, rate), absl::OkStatus());
  }
  EXPECT_FALSE(*shaper_->IsShaped(ifindex_, rates[0]));
  ShapedRate other = rates[3];
  other.burst *= 2;
  EXPECT_FALSE(*shaper_->IsShaped(ifindex_, other));
  EXPECT_NE(tests::RootQdisc(ifindex_), 0u);
  ASSERT_EQ(shaper_->Unshape(ifindex_), absl::OkStatus());
  EXPECT_FALSE(*shaper_->IsShaped(ifindex_, rates[3]));
  EXPECT_EQ(tests::RootQdisc(ifindex_), 0u);
  EXPECT_EQ(shaper_->Unshape(ifindex_), absl::OkStatus());
}

TEST_F(TrafficShaperTest, SomebodyElsesDisciplineStays) {
  tests::AddForeignQdisc(ifindex_);
  const absl::Status status = shaper_->Shape(ifindex_, {1000, 1000, 1000});
  EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("tc qdisc del dev DEVICE root"));
  EXPECT_EQ(shaper_->Unshape(ifindex_), absl::OkStatus());
  EXPECT_EQ(tests::RootQdisc(ifindex_), tests::kForeignHandle);
}

TEST_F(TrafficShaperTest, ADeviceThatIsGone) {
  EXPECT_TRUE(absl::IsNotFound(shaper_->Shape(4711, {1000, 1000, 1000})));
  EXPECT_EQ(shaper_->Unshape(4711), absl::OkStatus());
  EXPECT_FALSE(*shaper_->IsShaped(4711, {1000, 1000, 1000}));
}

// Frames wait and none is lost; together they take the time the rate says, whatever the machine's.
TEST_F(TrafficShaperTest, FramesWaitForTheirTurn) {
  constexpr uint64_t kRate = 1'000'000;
  constexpr uint64_t kBurst = 10'000;
  constexpr int kFrames = 300;
  constexpr size_t kPayload = 1000 - 42;
  ASSERT_EQ(shaper_->Shape(ifindex_, {kRate / 10, kRate, kBurst}), absl::OkStatus());
  tests::PacketSocket from(netns_, "veth0");
  tests::PacketSocket to(other_, "veth0");
  const tests::Bytes frame = tests::PacketBuilder("52:54:00:00:00:02", "52:54:00:00:00:01")
                                 .Ipv4({.src = "10.0.0.1", .dst = "10.0.0.2"})
                                 .Udp(1, 2)
                                 .Payload(kPayload)
                                 .Build();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kFrames; ++i) from.Send(frame);
  for (int i = 0; i < kFrames; ++i) {
    ASSERT_TRUE(to.Receive([&](const tests::Bytes& f) { return f == frame; })) << i;
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const double allowed = elapsed.count() * kRate + kBurst + 2 * frame.size();
  EXPECT_LE(kFrames * frame.size(), allowed);
}

// At a kilobyte a second nothing but the burst passes soon.
TEST_F(TrafficShaperTest, SoMuchPassesAtOnce) {
  constexpr int kBurstFrames = 20;
  const tests::Bytes frame = tests::PacketBuilder("52:54:00:00:00:02", "52:54:00:00:00:01")
                                 .Ipv4({.src = "10.0.0.1", .dst = "10.0.0.2"})
                                 .Udp(1, 2)
                                 .Payload(1000 - 42)
                                 .Build();
  ASSERT_EQ(shaper_->Shape(ifindex_, {1000, 1000, kBurstFrames * frame.size()}), absl::OkStatus());
  tests::PacketSocket from(netns_, "veth0");
  tests::PacketSocket to(other_, "veth0");
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 4 * kBurstFrames; ++i) from.Send(frame);
  int passed = 0;
  while (passed < kBurstFrames + 4 &&
         to.Receive([&](const tests::Bytes& f) { return f == frame; })) {
    ++passed;
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  EXPECT_GE(passed, kBurstFrames);
  EXPECT_LE(passed, kBurstFrames + 2 + elapsed.count());
}

}  // namespace
}  // namespace outrider::sys
