// The kernel's own tap: that it counts what its reader has read is what a move's decision stands
// on.
#include "vswitch/agent/tap_queue.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "tests/support/netns_fixture.h"

namespace outrider::agent {
namespace {

class TapQueueTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tap_ = tests::CreateTap(netns_, "tap0");
    const tests::NetnsScope scope(netns_);
    auto counters = sys::DeviceCounterReader::Create();
    ASSERT_TRUE(counters.ok()) << counters.status();
    counters_ = *std::move(counters);
    socket_ = std::make_unique<tests::PacketSocket>(netns_, "tap0");
    queue_ = TapQueues(counters_.get());
  }
  void TearDown() override { close(tap_); }

  // Frames for the guest, by way of the device's own queueing.
  void Send(int frames) {
    for (int n = 0; n < frames; ++n) {
      socket_->Send(tests::PacketSocket::Frame{0x52, 0x54, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 1, 0x88,
                                               0xb5, static_cast<uint8_t>(n)});
    }
  }
  // The guest's. How many there were.
  int Read(int at_most) {
    std::array<char, 2048> frame;
    int count = 0;
    pollfd ready{.fd = tap_, .events = POLLIN, .revents = 0};
    while (count < at_most && poll(&ready, 1, 1000) == 1 &&
           read(tap_, frame.data(), frame.size()) > 0) {
      ++count;
    }
    return count;
  }

  tests::NetworkNamespace netns_;
  int tap_ = -1;
  std::unique_ptr<sys::DeviceCounterReader> counters_;
  QueueReader queue_;
  std::unique_ptr<tests::PacketSocket> socket_;
};

TEST_F(TapQueueTest, WhatWasNotReadIsWhatTheQueueHolds) {
  const uint64_t begin = queue_("tap0")->read;
  QueueCalibration calibration;
  Send(10);
  ASSERT_EQ(Read(10), 10);
  EXPECT_EQ(queue_("tap0")->read, begin + 10);
  calibration.Sample(*queue_("tap0"), 10);
  Send(7);
  ASSERT_EQ(Read(3), 3);
  EXPECT_EQ(calibration.Unread(queue_("tap0")->read, 17), 4u);
}

// A veth's frames are the other end's at once: its count says nothing of the guest behind it.
TEST_F(TapQueueTest, OfOtherDevicesItSaysNothing) {
  tests::CreateVeth({&netns_, "veth0"}, {&netns_, "veth1"});
  EXPECT_TRUE(queue_("tap0"));
  EXPECT_FALSE(queue_("veth0"));
  EXPECT_FALSE(queue_("none"));
}

}  // namespace
}  // namespace outrider::agent
