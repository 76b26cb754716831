// The flow cache: frames go the way of those before them, until anything says otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "tests/datapath/ebpf/underlay_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::AclAction;
using state::HostState;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::MakeDigest;
using tests::MakePortId;

const PortId kOne = MakePortId(1);
const PortId kTwo = MakePortId(2);
constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kAck = 0x10;

class FlowCache : public ::testing::TestWithParam<bool>, public UnderlayHosts {
 protected:
  FlowCache() : UnderlayHosts(GetParam(), GuestKind::kVeth) {
    // Each CPU remembers for itself, and what is sent here is dealt with here.
    cpu_set_t cpu;
    CPU_ZERO(&cpu);
    CPU_SET(0, &cpu);
    EXPECT_EQ(sched_setaffinity(0, sizeof(cpu), &cpu), 0);
  }

  void Pass(const Bytes& frame) {
    ++passed_;
    one_->Send(frame);
    ASSERT_EQ(two_->Receive(), frame);
  }
  void PassBack(const Bytes& frame) {
    two_->Send(frame);
    ASSERT_EQ(one_->Receive(), frame);
  }
  // Of guest 1's to guest 2, until it is remembered on both hosts.
  void Warm(const Bytes& frame) {
    UntilHits([&] { Pass(frame); });
  }
  // Lets frames of a flow pass until one goes by the cache of both hosts. What is remembered is so
  // for a second.
  void UntilHits(const std::function<void()>& pass) {
    for (int i = 0; i < 100; ++i) {
      const uint64_t a = CountersOf(&a_).cache_hits;
      const uint64_t b = CountersOf(&b_).cache_hits;
      pass();
      if (CountersOf(&a_).cache_hits == a + 1 && CountersOf(&b_).cache_hits == b + 1) return;
    }
    FAIL() << "the flow is not remembered";
  }
  void ChangeA(const std::function<void(HostState*)>& change) { Change(&a_, change); }
  void ChangeB(const std::function<void(HostState*)>& change) { Change(&b_, change); }
  static void Change(EbpfHost* host, const std::function<void(HostState*)>& change) {
    HostState state = host->Read();
    change(&state);
    host->Become(state);
  }
  // Guest 1 may begin connections, and nobody else to it.
  void MakeStateful() {
    ChangeA([](HostState* state) {
      state->rule_sets[MakeDigest(1)].default_action = AclAction::kAllowRelated;
      state->rule_sets[MakeDigest(2)].default_action = AclAction::kDrop;
      state::Port& port = state->ports.at(kOne);
      port.ingress_rule_set = MakeDigest(1);
      port.egress_rule_set = MakeDigest(2);
      port.max_connections = 10;
    });
  }
  // To UdpFrame(1, 2).
  static Bytes Answer() {
    return tests::PacketBuilder(MacOf(1), MacOf(2))
        .Ipv4({.src = IpOf(2), .dst = IpOf(1)})
        .Udp(4000, 1234)
        .Payload(64)
        .Build();
  }
  uint64_t passed_ = 0;  // from guest 1 to guest 2
  static Bytes Tcp(bool back, uint8_t flags, uint32_t seq, uint32_t ack, size_t payload = 0) {
    const int from = back ? 2 : 1;
    const int to = back ? 1 : 2;
    tests::PacketBuilder builder(MacOf(to), MacOf(from));
    builder.Ipv4({.src = IpOf(from), .dst = IpOf(to)})
        .Tcp({.src_port = static_cast<uint16_t>(back ? 80 : 4000),
              .dst_port = static_cast<uint16_t>(back ? 4000 : 80),
              .flags = flags,
              .seq = seq,
              .ack = ack});
    if (payload != 0) builder.Payload(payload);
    return builder.Build();
  }
};

TEST_P(FlowCache, CountsWhatPassesAsBefore) {
  const Bytes frame = UdpFrame(1, 2);
  Warm(frame);
  Pass(frame);
  const auto sent = a_.datapath().ReadPorts().value().at(kOne);
  const auto received = b_.datapath().ReadPorts().value().at(kTwo);
  EXPECT_EQ(sent.rx_packets, passed_);
  EXPECT_EQ(sent.rx_bytes, passed_ * frame.size());
  EXPECT_EQ(received.tx_packets, passed_);
  EXPECT_EQ(received.tx_bytes, passed_ * frame.size());
  EXPECT_GE(CountersOf(&a_).cache_fills, 1u);
}

// A frame that differs in anything is not of the flow.
TEST_P(FlowCache, FlowsAreKeptApart) {
  Warm(UdpFrame(1, 2));
  const uint64_t hits = CountersOf(&a_).cache_hits;
  Pass(UdpFrame(1, 2, 4001));
  const auto with = [](const tests::Ipv4Fields& ip) {
    return tests::PacketBuilder(MacOf(2), MacOf(1)).Ipv4(ip).Udp(4000, 4000).Payload(64).Build();
  };
  Pass(with({.src = IpOf(1), .dst = "10.0.0.9"}));
  Pass(with({.src = "10.0.0.9", .dst = IpOf(2)}));
  Pass(with({.src = IpOf(1), .dst = IpOf(2), .tos = 0x10}));
  EXPECT_EQ(CountersOf(&a_).cache_hits, hits);
}

TEST_P(FlowCache, OnlyPlainTcpAndUdpAreRemembered) {
  const auto begin = [] { return tests::PacketBuilder(MacOf(2), MacOf(1)); };
  const tests::Ipv4Fields ip{.src = IpOf(1), .dst = IpOf(2)};
  const tests::Ipv4Fields first{.src = IpOf(1), .dst = IpOf(2), .more_fragments = true};
  const tests::Ipv4Fields options{
      .src = IpOf(1), .dst = IpOf(2), .options = {0x94, 0x04, 0x00, 0x00}};
  for (const Bytes& frame : {begin().Ipv4(ip).Icmp(8, 0, 1).Payload(64).Build(),
                             begin().Ipv4(first).Udp(4000, 4000).Payload(64).Build(),
                             begin().Ipv4(options).Udp(4000, 4000).Payload(64).Build(),
                             begin().Ipv4(ip).Sctp(4000, 4000).Payload(64).Build(),
                             begin().Ipv4(ip).Tcp(4000, 4000, kSyn).Build()}) {
    for (int i = 0; i < 10; ++i) Pass(frame);
  }
  EXPECT_EQ(CountersOf(&a_).cache_hits, 0u);
  EXPECT_EQ(CountersOf(&b_).cache_hits, 0u);
}

// What the sender's side says from then on.
TEST_P(FlowCache, AChangeAtTheSenderHoldsForTheNextFrame) {
  const std::pair<const char*, std::function<void(HostState*)>> changes[] = {
      {"port_blocked",
       [](HostState* state) { state->ports.at(kOne).phase = state::PortPhase::kBlocked; }},
      {"acl_ingress",
       [](HostState* state) {
         state->rule_sets[MakeDigest(1)].default_action = AclAction::kDrop;
         state->ports.at(kOne).ingress_rule_set = MakeDigest(1);
       }},
      {"policer",
       [](HostState* state) {
         state->ports.at(kOne).ingress_policer = {.rate_kbps = 1, .burst_kb = 0};
       }},
      {"spoofed_mac",
       [](HostState* state) {
         state->ports.at(kOne).mac = tests::MakeMac(77);
         state->ports.at(kOne).mac_anti_spoof = true;
       }},
      {"unknown_unicast",
       [](HostState* state) {
         state->fdb.erase({kSegment, tests::MakeMac(2)});
       }},
  };
  for (const auto& [reason, change] : changes) {
    SCOPED_TRACE(reason);
    a_.Become(StateOf(1));
    Warm(UdpFrame(1, 2));
    ChangeA(change);
    // A bucket that is new is full.
    if (std::string(reason) == "policer") one_->Send(UdpFrame(1, 2));
    one_->Send(UdpFrame(1, 2));
    EXPECT_GE(a_.AwaitPortDrops(kOne, reason, 1), 1u);
    two_->Drain();
  }
}

TEST_P(FlowCache, AChangeAtTheReceiverHoldsForTheNextFrame) {
  const std::pair<const char*, std::function<void(HostState*)>> changes[] = {
      {"port_blocked",
       [](HostState* state) { state->ports.at(kTwo).phase = state::PortPhase::kBlocked; }},
      {"acl_egress",
       [](HostState* state) {
         state->rule_sets[MakeDigest(1)].default_action = AclAction::kDrop;
         state->ports.at(kTwo).egress_rule_set = MakeDigest(1);
       }},
      {"policer_egress",
       [](HostState* state) {
         state->ports.at(kTwo).egress_policer = {.rate_kbps = 1, .burst_kb = 0};
       }},
  };
  for (const auto& [reason, change] : changes) {
    SCOPED_TRACE(reason);
    b_.Become(StateOf(2));
    Warm(UdpFrame(1, 2));
    ChangeB(change);
    if (std::string(reason) == "policer_egress") one_->Send(UdpFrame(1, 2));
    one_->Send(UdpFrame(1, 2));
    EXPECT_GE(b_.AwaitPortDrops(kTwo, reason, 1), 1u);
    two_->Drain();
  }
}

// A VTEP that is none of the segment's any more.
TEST_P(FlowCache, ASenderIsAskedForWhenMembersChange) {
  Warm(UdpFrame(1, 2));
  ChangeB([](HostState* state) {
    state->segments.at(kSegment).vteps.clear();
    state->fdb.erase({kSegment, tests::MakeMac(1)});
  });
  const uint64_t before = b_.HostDrops("not_a_member");
  one_->Send(UdpFrame(1, 2));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (b_.HostDrops("not_a_member") == before && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_EQ(b_.HostDrops("not_a_member"), before + 1);
  EXPECT_THAT(two_->Drain(), IsEmpty());
}

TEST_P(FlowCache, WhatIsTooLargeIsSoInAFlowThatIsKnown) {
  Warm(UdpFrame(1, 2));
  one_->Send(UdpFrame(1, 2, 4000, 1451 - 28));
  EXPECT_EQ(a_.AwaitPortDrops(kOne, "over_mtu", 1), 1u);
}

TEST_P(FlowCache, ALimitHoldsForFramesThatAreRemembered) {
  ChangeA([](HostState* state) {
    // For some frames, and then for none in this test's time.
    state->ports.at(kOne).ingress_policer = {.rate_kbps = 1, .burst_kb = 8};
  });
  Warm(UdpFrame(1, 2));
  for (int i = 0; i < 1000; ++i) one_->Send(UdpFrame(1, 2));
  EXPECT_GE(a_.AwaitPortDrops(kOne, "policer", 900), 900u);
}

TEST_P(FlowCache, WithoutAnAgentTheKernelsRoutesAreTaken) {
  Warm(UdpFrame(1, 2));
  a_.WriteUnderlay({.until_ns = 1});
  Pass(UdpFrame(1, 2));
  EXPECT_EQ(CountersOf(&a_).detours.at("stale"), 1u);
}

TEST_P(FlowCache, AConnectionThatIsFlushedIsForgottenAtOnce) {
  MakeStateful();
  Pass(UdpFrame(1, 2));
  UntilHits([this] { PassBack(Answer()); });
  ASSERT_EQ(a_.datapath().FlushConnections(kOne).value(), 1u);
  two_->Send(Answer());
  EXPECT_EQ(a_.AwaitPortDrops(kOne, "acl_egress", 1), 1u);
}

// A connection that is gone on with is not over: the cache asks again after a second.
TEST_P(FlowCache, AConnectionsTimeGoesOn) {
  MakeStateful();
  Pass(UdpFrame(1, 2));
  const auto expiry = [this] {
    return a_.datapath().ListConnections(kOne, 10).value().connections.at(0).expires_s;
  };
  const auto fills = CountersOf(&a_).cache_fills;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (CountersOf(&a_).cache_fills < fills + 3 && std::chrono::steady_clock::now() < deadline) {
    Pass(UdpFrame(1, 2));
  }
  EXPECT_GE(CountersOf(&a_).cache_fills, fills + 3);
  EXPECT_GE(expiry(), 28u);
}

TEST_P(FlowCache, TcpIsTrackedFrameByFrame) {
  MakeStateful();
  Pass(Tcp(false, kSyn, 100, 0));
  PassBack(Tcp(true, kSyn | kAck, 500, 101));
  uint32_t sent = 101;
  const auto send = [&] {
    Pass(Tcp(false, kAck, sent, 501, 100));
    sent += 100;
  };
  UntilHits(send);
  uint32_t answered = 501;
  UntilHits([&] {
    PassBack(Tcp(true, kAck, answered, sent, 100));
    answered += 100;
  });
  // Of the flow by all its names, and far from its window.
  two_->Send(Tcp(true, kAck, answered + 1'000'000'000, sent, 100));
  EXPECT_EQ(a_.AwaitPortDrops(kOne, "connection_invalid", 1), 1u);
  UntilHits(send);
}

TEST_P(FlowCache, ACaptureSeesFlowsThatAreKnown) {
  Warm(UdpFrame(1, 2));
  const uint64_t hits = CountersOf(&a_).cache_hits;
  const auto capture = a_.datapath().StartCapture({.port = kOne}, [](const auto&) {});
  ASSERT_TRUE(capture.ok()) << capture.status();
  Pass(UdpFrame(1, 2));
  EXPECT_EQ(CountersOf(&a_).cache_hits, hits);
}

INSTANTIATE_TEST_SUITE_P(Underlays, FlowCache, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Ipv6" : "Ipv4"; });

}  // namespace
}  // namespace outrider::datapath::ebpf
