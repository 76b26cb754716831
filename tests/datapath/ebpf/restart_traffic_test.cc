// Frames while the process ends, starts again, or brings other programs: none is lost.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using tests::MakePortId;

class RestartTraffic : public ::testing::Test {
 protected:
  RestartTraffic()
      : one_(MakeGuest(GuestKind::kVeth, &host_, "port1")),
        two_(MakeGuest(GuestKind::kVeth, &host_, "port2")) {
    host_.Start();
    state_ = EmptySegment();
    AddPort(1, "port1", &state_);
    AddPort(2, "port2", &state_);
    host_.Become(state_);
  }

  // Sends frame after frame while `work` runs, each when the one before has arrived or is given up.
  // Returns how many did not arrive.
  template <typename Work>
  uint64_t LostDuring(Work work) {
    std::atomic<bool> stop = false;
    uint64_t arrived = 0;
    uint64_t lost = 0;
    std::thread sender([&] {
      while (!stop) {
        one_->Send(UdpFrame(1, 2));
        ++(two_->Receive() ? arrived : lost);
      }
    });
    work();
    stop = true;
    sender.join();
    EXPECT_GT(arrived, 0u);
    return lost;
  }

  EbpfHost host_;
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
  state::HostState state_;
};

TEST_F(RestartTraffic, GoesOnWithoutTheProcess) {
  host_.Stop();
  for (int i = 0; i < 100; ++i) {
    one_->Send(UdpFrame(1, 2));
    ASSERT_TRUE(two_->Receive().has_value()) << "frame " << i;
  }
}

TEST_F(RestartTraffic, LosesNothingWhenTheProcessRestarts) {
  EXPECT_EQ(LostDuring([this] {
              for (int i = 0; i < 5; ++i) host_.Start();
            }),
            0u);
  EXPECT_TRUE(state::ComputeDelta(host_.Read(), state_).empty());
}

TEST_F(RestartTraffic, LosesNothingWhenProgramsAreReplaced) {
  // Another constant is another content, as another release would be.
  host_.options().vteps = VtepPair(tests::Ip("10.99.0.77"));
  EXPECT_EQ(LostDuring([this] { host_.Start(); }), 0u);
  EXPECT_EQ(host_.Read(), state_);
}

TEST_F(RestartTraffic, LosesNothingWhileOtherObjectsChange) {
  tests::StateGenerator generator(4, {}, /*local=*/true);
  EXPECT_EQ(LostDuring([&] {
              for (int i = 0; i < 10; ++i) {
                state::HostState other = generator.Next();
                // Ports 1 and 2 and their segment stay as they are.
                other.ports.erase(MakePortId(1));
                other.ports.erase(MakePortId(2));
                std::erase_if(other.fdb, [&other](const auto& entry) {
                  const auto* port = std::get_if<PortId>(&entry.second.where);
                  return port != nullptr && !other.ports.contains(*port);
                });
                other.segments.insert(state_.segments.begin(), state_.segments.end());
                other.ports.insert(state_.ports.begin(), state_.ports.end());
                other.fdb.insert(state_.fdb.begin(), state_.fdb.end());
                host_.Become(other);
              }
            }),
            0u);
}

TEST_F(RestartTraffic, KeepsCountersAcrossRestarts) {
  one_->Send(UdpFrame(1, 2));
  ASSERT_TRUE(two_->Receive().has_value());
  host_.Start();
  one_->Send(UdpFrame(1, 2));
  ASSERT_TRUE(two_->Receive().has_value());
  EXPECT_EQ(host_.datapath().ReadPorts()->at(MakePortId(1)).rx_packets, 2u);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
