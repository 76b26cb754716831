// What rules decided: counters by port, direction and number, and the log with its limit.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <ctime>
#include <mutex>
#include <span>
#include <vector>

#include "tests/bpf/bpf_switch.h"
#include "vswitch/sys/bpf/ring_reader.h"

namespace outrider::tests {
namespace {

// TCP to port 80 is rule 3, denied; UDP rule 7; the rest is allowed by default.
state::RuleSet TwoRules(uint32_t log_rate) {
  state::AclRule tcp;
  tcp.protocol = 6;
  tcp.dst_port = state::PortRange{80, 80};
  tcp.number = 3;
  tcp.log_rate = log_rate;
  state::AclRule udp;
  udp.protocol = 17;
  udp.number = 7;
  udp.action = state::AclAction::kAllow;
  return {.rules = {tcp, udp}, .default_action = state::AclAction::kAllow};
}

PacketBuilder ToB() { return PacketBuilder(kMacB, kMacA).Ipv4({.src = kIpA, .dst = kIpB}); }

class AclAccountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  void UseIngress(const state::RuleSet& set) {
    abi::or_port port = switch_->StandardPort(1);
    port.ingress_rule_set = 9;
    ASSERT_EQ(switch_->SetRuleSet(9, set), absl::OkStatus());
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  }
  void Send(const PacketBuilder& packet, int times = 1) {
    for (int i = 0; i < times; ++i) {
      ASSERT_TRUE(switch_->Run("or_from_port", packet.Build()).ok());
    }
  }
  abi::or_rule_count Count(const abi::or_rule_count_key& key) {
    const auto count =
        switch_->Map<abi::or_rule_count_key, abi::or_rule_count>("or_rule_counts").LookupSum(key);
    return count.ok() ? *count : abi::or_rule_count{};
  }
  // How many counters there are.
  size_t Counted() {
    auto map = switch_->Map<abi::or_rule_count_key, abi::or_rule_count>("or_rule_counts");
    return map.Keys().value().size();
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(AclAccountTest, CountsByTheNumberOfTheRule) {
  UseIngress(TwoRules(0));
  Send(ToB().Tcp(1000, 80).Payload(46), 3);
  Send(ToB().Udp(1000, 80).Payload(50), 2);
  Send(ToB().Icmp(8).Payload(50));
  const abi::or_rule_count tcp = Count({.port = 1, .set = 9, .number = 3, .to_guest = 0});
  EXPECT_EQ(tcp.packets, 3u);
  EXPECT_EQ(tcp.bytes, 3u * (14 + 20 + 20 + 46));
  EXPECT_EQ(Count({.port = 1, .set = 9, .number = 7, .to_guest = 0}).packets, 2u);
  EXPECT_EQ(Count({.port = 1, .set = 9, .number = 0, .to_guest = 0}).packets, 1u) << "the default";
  EXPECT_EQ(Count({.port = 1, .set = 9, .number = 7, .to_guest = 1}).packets, 0u);
}

TEST_F(AclAccountTest, CountsSuperPacketsAsTheirSegments) {
  UseIngress(TwoRules(0));
  const Bytes large = ToB().Tcp(1000, 80).Payload(3000).Build();
  for (uint64_t sent = 1; sent <= 2; ++sent) {
    ASSERT_TRUE(switch_->Run("or_from_port", large, {.gso_size = 1000}).ok());
    const abi::or_rule_count tcp = Count({.port = 1, .set = 9, .number = 3, .to_guest = 0});
    EXPECT_EQ(tcp.packets, 3 * sent);
    EXPECT_EQ(tcp.bytes, 3 * (54 + 1000) * sent);
  }
}

TEST_F(AclAccountTest, CountsTheEgressListAtTheDestination) {
  abi::or_port port = switch_->StandardPort(2);
  port.egress_rule_set = 9;
  ASSERT_EQ(switch_->SetRuleSet(9, TwoRules(0)), absl::OkStatus());
  ASSERT_EQ(switch_->SetPort(2, port), absl::OkStatus());
  Send(ToB().Udp(1000, 80).Payload(50), 2);
  EXPECT_EQ(Count({.port = 2, .set = 9, .number = 7, .to_guest = 1}).packets, 2u);
  EXPECT_EQ(Counted(), 1u);
}

TEST_F(AclAccountTest, WhatNoRuleIsAskedForIsNotCounted) {
  UseIngress({.rules = {}, .default_action = state::AclAction::kDrop});
  Send(PacketBuilder(kMacB, kMacA)
           .Arp({.operation = 2, .sender_mac = Mac(kMacA), .target_mac = Mac(kMacB)}));
  EXPECT_EQ(Counted(), 0u);
}

TEST_F(AclAccountTest, LogsUpToTheRateOfTheRule) {
  state::RuleSet set = TwoRules(5);
  set.rules[0].action = state::AclAction::kAllow;
  UseIngress(set);
  std::mutex mutex;
  std::condition_variable seen;
  std::vector<abi::or_acl_event> events;
  bool ended = false;
  auto reader = sys::RingReader::Start(
      switch_->raw().Descriptor("or_events").value(), [&](std::span<const uint8_t> record) {
        const std::lock_guard lock(mutex);
        if (record.size() < sizeof(abi::or_acl_event)) {
          ended = true;  // the first frame of a port, sent last
        } else {
          events.emplace_back();
          std::memcpy(&events.back(), record.data(), sizeof(abi::or_acl_event));
        }
        seen.notify_all();
      });
  ASSERT_TRUE(reader.ok()) << reader.status();
  // Repetitions of one run: they take less than a second, so at most two windows see them.
  RunContext often;
  often.repeat = 1000;
  ASSERT_TRUE(switch_->Run("or_from_port", ToB().Tcp(1000, 80).Payload(46).Build(), often).ok());
  abi::or_port port = switch_->StandardPort(1);
  port.flags |= OR_PORT_REPORT_FIRST_FRAME;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  Send(ToB().Udp(1000, 80));
  std::unique_lock lock(mutex);
  ASSERT_TRUE(seen.wait_for(lock, std::chrono::seconds(5), [&] { return ended; }));
  ASSERT_GE(events.size(), 5u);
  EXPECT_LE(events.size(), 10u);
  const abi::or_acl_event& event = events.front();
  EXPECT_EQ(event.kind, uint32_t{abi::OR_EVENT_ACL});
  EXPECT_EQ(event.port, 1u);
  EXPECT_EQ(event.number, 3u);
  EXPECT_EQ(event.action, abi::OR_ACL_ALLOW);
  EXPECT_EQ(event.to_guest, 0);
  EXPECT_EQ(event.protocol, 6);
  EXPECT_EQ(event.src_port, 1000);
  EXPECT_EQ(event.dst_port, 80);
  EXPECT_EQ(event.length, 14u + 20 + 20 + 46);
  EXPECT_EQ(event.ip, 1);
  EXPECT_EQ(event.ether_type, 0x0800);
  const auto address = [](const uint8_t(&bytes)[16]) { return IpAddress(std::to_array(bytes)); };
  EXPECT_EQ(address(event.src), Ip(kIpA));
  EXPECT_EQ(address(event.dst), Ip(kIpB));
  EXPECT_EQ(MacAddress(std::to_array(event.eth_src)), Mac(kMacA));
  EXPECT_EQ(MacAddress(std::to_array(event.eth_dst)), Mac(kMacB));
}

// A quota that is used up is whole again when its second is over.
TEST_F(AclAccountTest, LogsAnewInTheNextSecond) {
  UseIngress(TwoRules(5));
  const abi::or_rule_count_key key = {.port = 1, .set = 9, .number = 3, .to_guest = 0};
  auto quotas = switch_->Map<abi::or_rule_count_key, abi::or_quota>("or_quotas");
  Send(ToB().Tcp(1000, 80));
  ASSERT_EQ(quotas.Lookup(key)->count, 1u);
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  constexpr uint64_t kSecond = 1'000'000'000;
  const uint64_t now_ns =
      static_cast<uint64_t>(now.tv_sec) * kSecond + static_cast<uint64_t>(now.tv_nsec);
  ASSERT_EQ(quotas.Update(key, {.lock = 0, .count = 5, .window_ns = now_ns - kSecond}),
            absl::OkStatus());
  Send(ToB().Tcp(1000, 80));
  EXPECT_EQ(quotas.Lookup(key)->count, 1u);
  EXPECT_GE(quotas.Lookup(key)->window_ns, now_ns);
}

}  // namespace
}  // namespace outrider::tests
