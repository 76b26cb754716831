// Numbered frames at full speed for a guest that moves in the middle of them: each arrives once and
// in order, whatever the frames' way to the source and the underlay's family.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <tuple>

#include "tests/datapath/ebpf/move_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr uint32_t kFrames = 20000;
// Fewer than a guest's socket holds.
constexpr uint32_t kWindow = 128;
// Delivered frames that are sent after the guest.
constexpr uint64_t kReplayed = 40;

struct Case {
  std::string name;
  bool ipv6;
  int sender;
};

void PrintTo(const Case& test, std::ostream* out) { *out << test.name; }

class MoveOrder : public ::testing::TestWithParam<Case> {
 protected:
  MoveOrder() : hosts_(GetParam().ipv6) { hosts_.Arm(); }

  Guest& sender() {
    return GetParam().sender == 2 ? hosts_.neighbor_of_old() : hosts_.neighbor_of_new();
  }

  // What both guests have got since; true when it was something.
  bool Drain() {
    for (const tests::Bytes& frame : hosts_.old_guest().Drain()) old_.push_back(NumberOf(frame));
    for (const tests::Bytes& frame : hosts_.new_guest().Drain()) new_.push_back(NumberOf(frame));
    const auto got = static_cast<uint32_t>(old_.size() + new_.size());
    return got_.exchange(got) != got;
  }

  // Or until nothing has come for 2 s.
  void DrainUntil(const std::function<bool()>& done) {
    auto last = std::chrono::steady_clock::now();
    while (!done()) {
      const auto now = std::chrono::steady_clock::now();
      if (Drain()) last = now;
      if (now - last > std::chrono::seconds(2)) return;
      std::this_thread::yield();
    }
  }

  MoveHosts hosts_;
  std::vector<uint32_t> old_;
  std::vector<uint32_t> new_;
  std::atomic<uint32_t> got_ = 0;
};

TEST_P(MoveOrder, EachFrameArrivesOnceAndInOrder) {
  std::atomic<bool> stop = false;
  std::thread traffic([&] {
    for (uint32_t n = 0; n < kFrames && !stop; ++n) {
      while (n > got_ + kWindow && !stop) std::this_thread::yield();
      sender().Send(NumberedFrame(GetParam().sender, n));
    }
  });
  DrainUntil([&] { return got_ >= kFrames / 2; });
  const uint64_t first = hosts_.Delivered().total - kReplayed;
  EXPECT_EQ(hosts_.Redirect(first), absl::OkStatus());
  // Replayed ones come twice, for they were not in a queue here: how many they are does not tell.
  DrainUntil([&] { return !new_.empty() && new_.back() == kFrames - 1; });
  stop = true;
  traffic.join();
  Drain();

  EXPECT_EQ(old_, Numbers(0, static_cast<uint32_t>(old_.size())));
  EXPECT_EQ(new_, Numbers(static_cast<uint32_t>(first), kFrames));
  const MoveCounts sent = hosts_.CountsOfA();
  EXPECT_EQ(sent.mode, MoveMode::kRedirected);
  EXPECT_EQ(sent.replayed + sent.redirected, kFrames - first);
  EXPECT_GE(sent.replayed, kReplayed);
  EXPECT_EQ(sent.lost, 0u);
  EXPECT_EQ(hosts_.CountsOfB().arrived, kFrames - first);
  EXPECT_EQ(hosts_.CountsOfB().refused, 0u);
  EXPECT_EQ(hosts_.Delivered().total, old_.size());
  // Over both hosts each counts once.
  EXPECT_EQ(hosts_.CountersOf(&hosts_.a()).tx_packets, old_.size());
  EXPECT_EQ(hosts_.CountersOf(&hosts_.b()).tx_packets, kFrames - old_.size());
}

INSTANTIATE_TEST_SUITE_P(Ways, MoveOrder,
                         ::testing::Values(Case{"FromTheSourcesNeighbor", false, 2},
                                           Case{"FromTheDestination", false, 3},
                                           Case{"OverIpv6", true, 3}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace outrider::datapath::ebpf
