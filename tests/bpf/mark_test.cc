// DSCP marking and priority of what a guest sends. The tunnel's header: datapath/ebpf/dscp_test.cc.
#include <gtest/gtest.h>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

constexpr uint8_t kExpedited = 46;  // RFC 3246

class MarkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  void Mark(uint8_t dscp) {
    abi::or_port port = switch_->StandardPort(1);
    port.policy = OR_POLICY_MARK;
    port.dscp = dscp;
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  }
  RunResult Run(const Bytes& packet, uint32_t gso_size = 0) {
    auto result = switch_->Run("or_from_port", packet, {.gso_size = gso_size});
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(RunResult{});
  }

  std::unique_ptr<BpfSwitch> switch_;
};

Bytes V4(uint8_t tos, size_t payload = 100) {
  return PacketBuilder(kMacB, kMacA)
      .Ipv4({.src = kIpA, .dst = kIpB, .options = Bytes(4, 1), .tos = tos})
      .Tcp(1, 2)
      .Payload(payload)
      .Build();
}

Bytes V6(uint8_t tos) {
  return PacketBuilder(kMacB, kMacA)
      .Ipv6({.src = "fd00::1", .dst = "fd00::2", .tos = tos, .flow_label = 0xabcde})
      .Extension(60)
      .Tcp(1, 2)
      .Payload(100)
      .Build();
}

// The builder's checksum is of the frame as it should be: every byte is compared.
TEST_F(MarkTest, SetsTheCodePointAndLeavesEcnAndTheRest) {
  for (const uint8_t dscp : {0, 1, 46, 63}) {
    Mark(dscp);
    for (int tos = 0; tos < 256; tos += 5) {
      SCOPED_TRACE(tos);
      const auto wanted = static_cast<uint8_t>(dscp << 2 | (tos & 3));
      EXPECT_EQ(Run(V4(static_cast<uint8_t>(tos))).packet, V4(wanted));
      EXPECT_EQ(Run(V6(static_cast<uint8_t>(tos))).packet, V6(wanted));
    }
  }
}

TEST_F(MarkTest, TrustLeavesPacketsAlone) {
  EXPECT_EQ(Run(V4(0xb9)).packet, V4(0xb9));
  EXPECT_EQ(Run(V6(0xb9)).packet, V6(0xb9));
}

TEST_F(MarkTest, SuperPacketsAndFragmentsAreMarkedToo) {
  Mark(kExpedited);
  EXPECT_EQ(Run(V4(2, 3000), 1000).packet, V4(kExpedited << 2 | 2, 3000));
  const auto fragment = [](uint8_t tos) {
    return PacketBuilder(kMacB, kMacA)
        .Ipv4({.src = kIpA, .dst = kIpB, .fragment_offset = 9, .tos = tos})
        .Payload(50)
        .Build();
  };
  EXPECT_EQ(Run(fragment(1)).packet, fragment(kExpedited << 2 | 1));
}

TEST_F(MarkTest, WhatIsNotIpHasNoCodePoint) {
  Mark(kExpedited);
  const Bytes other = PacketBuilder(kMacB, kMacA).EtherType(0x88b5).Payload(46).Build();
  EXPECT_EQ(Run(other).packet, other);
  const Bytes arp = PacketBuilder(kMacB, kMacA)
                        .Arp({.operation = 2, .sender_mac = Mac(kMacA), .sender_ip = kIpA})
                        .Build();
  EXPECT_EQ(Run(arp).packet, arp);
}

TEST_F(MarkTest, TheTrafficClassIsThePriority) {
  for (const uint8_t traffic_class : {0, 5, 7}) {
    abi::or_port port = switch_->StandardPort(1);
    port.traffic_class = traffic_class;
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
    EXPECT_EQ(Run(V4(0)).priority, traffic_class);
    EXPECT_EQ(
        Run(PacketBuilder(kMacRemote, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2).Build())
            .priority,
        traffic_class);
  }
}

}  // namespace
}  // namespace outrider::tests
