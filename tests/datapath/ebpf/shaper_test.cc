// A port's shaper on the port's device: it comes with the profile, outlives the agent, goes with
// the profile, and leaves what is not ours alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>

#include "tests/datapath/ebpf/traffic_fixture.h"
#include "tests/support/foreign_qdisc.h"
#include "tests/support/test_netns.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::MakePortId;

constexpr state::Shaper kShaper = {.min_kbps = 1000, .max_kbps = 8000, .burst_kb = 80};

class ShaperTest : public ::testing::Test {
 protected:
  ShaperTest() {
    host_.AddDevice("port1");
    host_.Start();
  }

  static HostState Shaped(const state::Shaper& shaper = kShaper) {
    HostState state = EmptySegment();
    AddPort(1, "port1", &state);
    state.ports[MakePortId(1)].shaper = shaper;
    return state;
  }
  std::set<PortId> Lost() {
    return host_.In([&] { return host_.datapath().FindLostPorts().value(); });
  }
  uint32_t Root() {
    const int ifindex = host_.FindLink("port1").ifindex;
    return host_.In([&] { return tests::RootQdisc(ifindex); });
  }

  EbpfHost host_;
};

TEST_F(ShaperTest, ComesAndGoesWithTheProfile) {
  host_.Become(Shaped());
  EXPECT_NE(Root(), 0u);
  host_.Become(Shaped({.min_kbps = 0, .max_kbps = 4000, .burst_kb = 40}));
  host_.Become(Shaped({}));
  EXPECT_EQ(Root(), 0u);
  host_.Become(Shaped());
  host_.Become(EmptySegment());
  EXPECT_EQ(Root(), 0u) << "the port is no more";
}

TEST_F(ShaperTest, OutlivesTheAgent) {
  host_.Become(Shaped());
  const uint32_t root = Root();
  host_.Stop();
  EXPECT_EQ(Root(), root);
  host_.Start();
  EXPECT_EQ(host_.Read(), Shaped()) << "nothing to write";
  EXPECT_EQ(Root(), root);
}

TEST_F(ShaperTest, IsMissedWhenSomebodyRemovesIt) {
  host_.Become(Shaped());
  const int ifindex = host_.FindLink("port1").ifindex;
  EXPECT_THAT(Lost(), IsEmpty());
  host_.In([&] { tests::DeleteRootQdisc(ifindex); });
  EXPECT_EQ(host_.Read(), Shaped({}));
  EXPECT_THAT(Lost(), ElementsAre(MakePortId(1)));
  host_.Become(Shaped());
  EXPECT_NE(Root(), 0u);
  EXPECT_THAT(Lost(), IsEmpty());
}

TEST_F(ShaperTest, ADeviceSomebodyElseShapesIsReportedAndBlocked) {
  const int ifindex = host_.FindLink("port1").ifindex;
  host_.In([&] { tests::AddForeignQdisc(ifindex); });
  const ApplyResult result = host_.Apply(state::ComputeDelta({}, Shaped()));
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_TRUE(absl::IsFailedPrecondition(result.failures[0].status));
  EXPECT_THAT(Message(result.failures[0].status), HasSubstr("device port1: has a queueing"));
  EXPECT_EQ(host_.Read().ports.at(MakePortId(1)).phase, state::PortPhase::kBlocked);
  EXPECT_EQ(Root(), tests::kForeignHandle);
  EXPECT_THAT(Lost(), IsEmpty()) << "it never had one";
  // A profile without a shaper has no quarrel with it.
  host_.Become(Shaped({}));
  EXPECT_EQ(Root(), tests::kForeignHandle);
}

// Super-packets count as the frames they become: with small segments, half as much again as the
// bytes of the super-packet itself. Time is measured, not assumed.
TEST_F(ShaperTest, CountsSuperPacketsAsFrames) {
  const auto from = host_.In([] { return tests::Tap::Create("tap1").value(); });
  const auto to = host_.In([] { return tests::Tap::Create("tap2").value(); });
  HostState state = EmptySegment();
  AddPort(1, "tap1", &state);
  AddPort(2, "tap2", &state);
  state.ports[MakePortId(2)].shaper = {.min_kbps = 0, .max_kbps = 16'000, .burst_kb = 160};
  host_.Become(state);
  constexpr uint64_t kHeaders = 54;
  constexpr uint64_t kSegment = 100;
  constexpr uint64_t kPayload = 20'000;
  constexpr int kPackets = 30;
  const Bytes packet = tests::PacketBuilder(MacOf(2), MacOf(1))
                           .Ipv4({.src = IpOf(1), .dst = IpOf(2)})
                           .Tcp(1, 2)
                           .Payload(kPayload)
                           .Build();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kPackets; ++i) {
    ASSERT_EQ(from->Send(packet, {.gso_size = kSegment, .header_length = kHeaders}),
              absl::OkStatus());
  }
  uint64_t payload = 0;
  while (payload < kPackets * kPayload) {
    const auto received = to->ReceiveWithOffload(5000);
    ASSERT_TRUE(received) << "after " << payload << " bytes";
    payload += received->frame.size() - kHeaders;
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const uint64_t wire = kPayload + kPayload / kSegment * kHeaders;
  EXPECT_LE(static_cast<double>(kPackets * wire),
            elapsed.count() * 2'000'000 + 20'000 + static_cast<double>(2 * wire));
}

}  // namespace
}  // namespace outrider::datapath::ebpf
