// Answers to frames as real devices deliver them: padded, as super-packets, and by more than one
// CPU; and what the asker's own list says of an answer. What answers are is in reject_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kAck = 0x10;
constexpr size_t kLeastFrame = 60;
constexpr size_t kAcknowledgement = 42;
constexpr size_t kChecksum = 50;
constexpr size_t kResetSize = 54;

uint16_t At16(const Bytes& packet, size_t at) {
  return static_cast<uint16_t>(packet[at] << 8 | packet[at + 1]);
}
uint32_t At32(const Bytes& packet, size_t at) {
  return static_cast<uint32_t>(At16(packet, at)) << 16 | At16(packet, at + 2);
}

// From A to B; with `mss`, as the SYNs of most stacks that have no other option.
Bytes Tcp(uint8_t flags, bool mss, size_t payload = 0) {
  return PacketBuilder(kMacB, kMacA)
      .Ipv4({.src = kIpA, .dst = kIpB})
      .Tcp({.src_port = 1000,
            .dst_port = 80,
            .flags = flags,
            .seq = 7000,
            .options = mss ? Bytes{2, 4, 5, 0xb4} : Bytes{}})
      .Payload(payload)
      .Build();
}

// Sum of the pseudo header of TCP from A to B, or back, folded.
uint16_t PseudoSum(size_t length) {
  uint32_t sum = 0x0a00 + 1 + 0x0a00 + 2 + 6 + static_cast<uint32_t>(length);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

void SetChecksum(uint16_t sum, Bytes* packet) {
  (*packet)[kChecksum] = static_cast<uint8_t>(sum >> 8);
  (*packet)[kChecksum + 1] = static_cast<uint8_t>(sum);
}

class AnswerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  void RejectAll() {
    ASSERT_EQ(switch_->SetRuleSet(1, {.rules = {}, .default_action = state::AclAction::kReject}),
              absl::OkStatus());
    abi::or_port port = switch_->StandardPort(1);
    port.ingress_rule_set = 1;
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  }
  RunResult Run(const Bytes& packet, const RunContext& context = {}) {
    return switch_->Run("or_from_port", packet, context).value();
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(AnswerTest, PaddingIsNotAcknowledged) {
  RejectAll();
  Bytes syn = Tcp(kSyn, /*mss=*/true);
  ASSERT_EQ(syn.size(), 58u);
  syn.resize(kLeastFrame);
  const RunResult result = Run(syn);
  ASSERT_EQ(result.verdict, kRedirected);
  EXPECT_EQ(At32(result.packet, kAcknowledgement), 7001u);
}

TEST_F(AnswerTest, PaddingDoesNotHideAnUnfinishedChecksum) {
  RejectAll();
  Bytes syn = Tcp(kSyn, /*mss=*/true);
  SetChecksum(PseudoSum(24), &syn);
  syn.resize(kLeastFrame);
  EXPECT_EQ(At16(Run(syn).packet, kChecksum), PseudoSum(20));
}

TEST_F(AnswerTest, ASuperPacketsChecksumIsTheDevices) {
  RejectAll();
  Bytes data = Tcp(kAck, /*mss=*/false, 3000);
  SetChecksum(0x1234, &data);
  const RunResult result = Run(data, {.gso_size = 1000});
  ASSERT_EQ(result.verdict, kRedirected);
  ASSERT_EQ(result.packet.size(), kResetSize);
  EXPECT_EQ(At16(result.packet, kChecksum), PseudoSum(20));
}

// All that was said in this second counts, also when another CPU's second began later than now.
TEST_F(AnswerTest, AWindowThatBeginsLaterIsTheSame) {
  RejectAll();
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const abi::or_rule_count_key key = {1, 0, 0, 0};
  abi::or_quota quota = {};
  quota.count = 100;
  quota.window_ns = static_cast<uint64_t>(now.tv_sec + 1000) * 1'000'000'000;
  auto quotas = switch_->Map<abi::or_rule_count_key, abi::or_quota>("or_quotas");
  ASSERT_EQ(quotas.Update(key, quota), absl::OkStatus());
  EXPECT_EQ(Run(Tcp(kSyn, false)).verdict, kDropped);
  quota.count = 99;
  ASSERT_EQ(quotas.Update(key, quota), absl::OkStatus());
  EXPECT_EQ(Run(Tcp(kSyn, false)).verdict, kRedirected);
  EXPECT_EQ(Run(Tcp(kSyn, false)).verdict, kDropped);
}

Bytes AskForB() {
  return PacketBuilder(kBroadcast, kMacA)
      .Arp({.sender_mac = Mac(kMacA), .sender_ip = kIpA, .target_mac = {}, .target_ip = kIpB})
      .Build();
}

// The asker's list sees the answer, as it would if B had sent it.
TEST_F(AnswerTest, AnArpAnswerIsJudgedAsWhatItIs) {
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpB, kMacB), absl::OkStatus());
  state::AclRule from_b;
  // ARP passes unless a rule names it.
  from_b.ether = state::EtherMatch::kArp;
  from_b.src_mac = Mac(kMacB);
  from_b.dst_mac = Mac(kMacA);
  from_b.action = state::AclAction::kDrop;
  abi::or_port port = switch_->StandardPort(1);
  port.egress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  ASSERT_EQ(switch_->SetRuleSet(1, {from_b}, abi::OR_ACL_ALLOW), absl::OkStatus());
  EXPECT_EQ(Run(AskForB()).verdict, kDropped);
  EXPECT_THAT(switch_->Drops(), ElementsAre(Pair(Pair(1, OR_DROP_ACL_EGRESS), 1)));

  ASSERT_EQ(switch_->Reset(), absl::OkStatus());
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpB, kMacB), absl::OkStatus());
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  state::AclRule of_a = from_b;
  of_a.src_mac = Mac(kMacA);
  of_a.dst_mac.reset();
  ASSERT_EQ(switch_->SetRuleSet(1, {of_a}, abi::OR_ACL_ALLOW), absl::OkStatus());
  EXPECT_EQ(Run(AskForB()).verdict, kRedirected);
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

}  // namespace
}  // namespace outrider::tests
