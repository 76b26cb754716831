// A port's share of the table of connections when it gets short: what was not answered is given up
// early, what is talked to is not.
#include <gtest/gtest.h>

#include <ctime>

#include "tests/bpf/connection_fixture.h"

namespace outrider::tests {
namespace {

constexpr uint32_t kShare = 8;
constexpr uint16_t kFirst = 1000;
constexpr uint16_t kDns = 53;
constexpr uint64_t kBrief = 10;

class ShareTest : public ConnectionTest {
 protected:
  // A is a server that all may ask.
  void SetUp() override {
    ConnectionTest::SetUp();
    SetProfile({.ingress = {},
                .egress = {RuleFor(state::AclAction::kAllowRelated)},
                .max_connections = kShare});
  }

  // Seconds that A's connection with a port of B's has left, rounded up; 0: there is none.
  uint64_t Left(uint16_t remote_port) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    constexpr uint64_t kNsPerS = 1'000'000'000;
    const uint64_t now_ns =
        static_cast<uint64_t>(now.tv_sec) * kNsPerS + static_cast<uint64_t>(now.tv_nsec);
    for (const auto& [key, entry] : Entries()) {
      if (key.remote_port == remote_port) {
        return (entry.expires_ns - now_ns + kNsPerS - 1) / kNsPerS;
      }
    }
    return 0;
  }
  // So many of B's questions of UDP.
  void Ask(uint16_t count) {
    for (uint16_t i = 0; i < count; ++i) {
      ASSERT_TRUE(ToA(UdpToA(static_cast<uint16_t>(kFirst + i), kDns)));
    }
  }
};

TEST_F(ShareTest, OverThreeQuartersAQuestionIsSoonForgotten) {
  Ask(7);
  for (uint16_t i = 0; i < 6; ++i) EXPECT_EQ(Left(static_cast<uint16_t>(kFirst + i)), 30u);
  EXPECT_EQ(Left(kFirst + 6), kBrief);
  EXPECT_TRUE(ToA(UdpToA(kFirst, kDns)));
  EXPECT_EQ(Left(kFirst), kBrief) << "asked again, still without an answer";
  EXPECT_TRUE(FromA(UdpFromA(kDns, kFirst)));
  EXPECT_GT(Left(kFirst), kBrief) << "answered";
}

TEST_F(ShareTest, AHandshakeHasToBeQuickThen) {
  Ask(6);
  const auto tcp = [](bool from_a, uint8_t flags, uint32_t seq, uint32_t ack) {
    const uint16_t src = from_a ? 80 : 40'000;
    const uint16_t dst = from_a ? 40'000 : 80;
    return PacketBuilder(from_a ? kMacB : kMacA, from_a ? kMacA : kMacB)
        .Ipv4({.src = from_a ? kIpA : kIpB, .dst = from_a ? kIpB : kIpA})
        .Tcp({.src_port = src, .dst_port = dst, .flags = flags, .seq = seq, .ack = ack})
        .Build();
  };
  ASSERT_TRUE(ToA(tcp(false, kSyn, 5000, 0)));
  EXPECT_EQ(Left(40'000), kBrief);
  ASSERT_TRUE(FromA(tcp(true, kSyn | kAck, 1000, 5001)));
  EXPECT_EQ(Left(40'000), kBrief);
  ASSERT_TRUE(ToA(tcp(false, kAck, 5001, 1001)));
  EXPECT_EQ(Left(40'000), 5u * 24 * 3600);
}

}  // namespace
}  // namespace outrider::tests
