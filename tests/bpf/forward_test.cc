// What is forwarded, by BPF_PROG_TEST_RUN: where to (the mark names the port), what the packet
// looks like then, what is counted, what the agent is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

#include "tests/bpf/bpf_switch.h"
#include "vswitch/sys/bpf/ring_reader.h"

namespace outrider::tests {
namespace {

using ::testing::IsEmpty;

class ForwardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
  }

  RunResult Run(const Bytes& packet, const RunContext& context = {}) {
    auto result = switch_->Run("or_from_port", packet, context);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(RunResult{});
  }

  std::unique_ptr<BpfSwitch> switch_;
};

Bytes UdpTo(const std::string& mac, size_t payload = 100) {
  return PacketBuilder(mac, kMacA)
      .Ipv4({.src = kIpA, .dst = kIpB})
      .Udp(1, 2)
      .Payload(payload)
      .Build();
}

Bytes ArpRequest(const std::string& sender_ip, const std::string& target_ip) {
  return PacketBuilder(kBroadcast, kMacA)
      .Arp({.operation = 1,
            .sender_mac = Mac(kMacA),
            .sender_ip = sender_ip,
            .target_mac = {},
            .target_ip = target_ip})
      .Payload(18, 0)
      .Build();
}

// As QEMU announces a guest; `padding` makes 60 bytes of it.
Bytes Rarp(const std::string& source, const std::string& sender, size_t padding = 18) {
  return PacketBuilder(kBroadcast, source)
      .EtherType(0x8035)
      .Arp({.operation = 3, .sender_mac = Mac(sender), .target_mac = Mac(sender)})
      .Payload(padding, 0)
      .Build();
}

TEST_F(ForwardTest, LocalUnicastGoesToItsPortUnchanged) {
  const Bytes packet = UdpTo(kMacB);
  const RunResult result = Run(packet);
  EXPECT_EQ(result.verdict, kRedirected);
  EXPECT_EQ(result.mark, OR_MARK_MAGIC | 2);
  EXPECT_EQ(result.packet, packet);
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u);
  EXPECT_EQ(switch_->Stats(1).rx_bytes, packet.size());
  EXPECT_EQ(switch_->Stats(2).tx_packets, 1u);
  EXPECT_EQ(switch_->Stats(2).tx_bytes, packet.size());
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

TEST_F(ForwardTest, RemoteUnicastGoesToTheTunnel) {
  const RunResult result = Run(UdpTo(kMacRemote));
  EXPECT_EQ(result.verdict, kRedirected);
  EXPECT_EQ(result.mark, OR_MARK_TUNNEL);
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u);
}

TEST_F(ForwardTest, GuardsPassOurMarkAndClearIt) {
  auto guarded = switch_->Run("or_port_guard", UdpTo(kMacA), {.mark = OR_MARK_MAGIC | 1});
  ASSERT_TRUE(guarded.ok()) << guarded.status();
  EXPECT_EQ(guarded->verdict, kPass);
  EXPECT_EQ(guarded->mark, 0u);
  auto tunnel = switch_->Run("or_tunnel_guard", UdpTo(kMacA), {.mark = OR_MARK_TUNNEL});
  ASSERT_TRUE(tunnel.ok()) << tunnel.status();
  EXPECT_EQ(tunnel->verdict, kPass);
  EXPECT_EQ(tunnel->mark, 0u);
}

TEST_F(ForwardTest, TheGuardTurnsRoundWhatIsSentInTheGuestsName) {
  const Bytes packet = UdpTo(kMacRemote);
  const auto turned = switch_->Run("or_port_guard", packet, {.mark = OR_MARK_FROM_GUEST | 1});
  ASSERT_TRUE(turned.ok()) << turned.status();
  EXPECT_EQ(turned->verdict, kRedirected);
  EXPECT_EQ(turned->mark, 0u) << "from here on it is a frame like any other";
  EXPECT_EQ(turned->packet, packet);
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

TEST_F(ForwardTest, BroadcastReachesEveryLocalPortButItsSource) {
  const Bytes packet = UdpTo(kBroadcast);
  EXPECT_EQ(Run(packet).verdict, kStolen);
  EXPECT_EQ(switch_->tap(2).Receive(1000), packet);
  EXPECT_EQ(switch_->tap(3).Receive(1000), packet);
  EXPECT_EQ(switch_->tap(1).Receive(), std::nullopt);
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u);
  EXPECT_EQ(switch_->Stats(1).tx_packets, 0u);
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

TEST_F(ForwardTest, UnknownUnicastFloodsWhereTheSegmentSaysSo) {
  ASSERT_EQ(switch_->SetSegment(kVni, OR_SEGMENT_FLOOD_UNKNOWN), absl::OkStatus());
  const Bytes packet = UdpTo(kMacUnknown);
  EXPECT_EQ(Run(packet).verdict, kStolen);
  EXPECT_EQ(switch_->tap(2).Receive(1000), packet);
}

TEST_F(ForwardTest, LargestFrameOfTheMtuPasses) {
  EXPECT_EQ(Run(UdpTo(kMacB, kMtu - 28)).verdict, kRedirected);
}

TEST_F(ForwardTest, GsoPacketCountsAsItsSegments) {
  const Bytes packet =
      PacketBuilder(kMacB, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1, 2).Payload(3000).Build();
  EXPECT_EQ(Run(packet, {.gso_size = 1000}).verdict, kRedirected);
  EXPECT_EQ(switch_->Stats(1).rx_packets, 3u);
  EXPECT_EQ(switch_->Stats(1).rx_bytes, 3 * (54u + 1000));
  EXPECT_EQ(switch_->Stats(2).tx_packets, 3u);
}

TEST_F(ForwardTest, ADroppedGsoPacketCountsAsItsSegments) {
  const Bytes packet = PacketBuilder(kMacUnknown, kMacA)
                           .Ipv4({.src = kIpA, .dst = kIpB})
                           .Tcp(1, 2)
                           .Payload(3000)
                           .Build();
  for (uint64_t sent = 1; sent <= 2; ++sent) {
    EXPECT_EQ(Run(packet, {.gso_size = 1000}).verdict, kDropped);
    EXPECT_EQ(switch_->Drops().at({1, OR_DROP_UNKNOWN_UNICAST}), 3 * sent);
  }
}

TEST_F(ForwardTest, ForeignSourceMacPassesWithoutAntiSpoof) {
  abi::or_port port = switch_->StandardPort(1);
  port.flags = 0;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  EXPECT_EQ(Run(PacketBuilder(kMacB, kMacUnknown).EtherType(0x1234).Payload(46).Build()).verdict,
            kRedirected);
}

TEST_F(ForwardTest, ArpForAKnownAddressIsAnsweredHere) {
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpB, kMacB), absl::OkStatus());
  const RunResult result = Run(ArpRequest(kIpA, kIpB));
  EXPECT_EQ(result.verdict, kRedirected);
  EXPECT_EQ(result.mark, OR_MARK_MAGIC | 1);
  EXPECT_EQ(result.packet, PacketBuilder(kMacA, kMacB)
                               .Arp({.operation = 2,
                                     .sender_mac = Mac(kMacB),
                                     .sender_ip = kIpB,
                                     .target_mac = Mac(kMacA),
                                     .target_ip = kIpA})
                               .Payload(18, 0)
                               .Build());
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u);
  EXPECT_EQ(switch_->Stats(1).tx_packets, 1u);
}

TEST_F(ForwardTest, ArpThatOthersMustSeeIsReplicated) {
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpA, kMacA), absl::OkStatus());
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpB, kMacB), absl::OkStatus());
  ASSERT_EQ(switch_->SetNeighbor(kOtherVni, "10.0.0.77", kMacB), absl::OkStatus());
  Bytes reply = ArpRequest(kIpA, kIpB);
  reply[21] = 2;
  struct {
    const char* name;
    Bytes packet;
  } const cases[] = {
      {"unknown address", ArpRequest(kIpA, "10.0.0.77")},
      {"gratuitous", ArpRequest(kIpA, kIpA)},
      {"probe of one's own address", ArpRequest("0.0.0.0", kIpA)},
      {"gratuitous, for what was another's", ArpRequest(kIpB, kIpB)},
      {"a reply to all", reply},
  };
  for (const auto& test : cases) {
    SCOPED_TRACE(test.name);
    EXPECT_EQ(Run(test.packet).verdict, kStolen);
    EXPECT_EQ(switch_->tap(2).Receive(1000), test.packet);
    EXPECT_EQ(switch_->tap(3).Receive(1000), test.packet);
  }
}

TEST_F(ForwardTest, ArpIsReplicatedInASegmentWithoutSuppression) {
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpB, kMacB), absl::OkStatus());
  ASSERT_EQ(switch_->SetSegment(kVni, 0), absl::OkStatus());
  EXPECT_EQ(Run(ArpRequest(kIpA, kIpB)).verdict, kStolen);
}

// Of other hardware, protocols and lengths the fields would be elsewhere (RFC 826).
TEST_F(ForwardTest, ArpOfAnotherFormIsMalformed) {
  for (size_t at = 14; at < 20; ++at) {
    SCOPED_TRACE(at);
    Bytes packet = ArpRequest(kIpA, kIpB);
    packet[at] ^= 1;
    EXPECT_EQ(Run(packet).verdict, kDropped);
  }
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_MALFORMED}), 6u);
}

TEST_F(ForwardTest, RarpPassesADefaultDrop) {
  ASSERT_EQ(switch_->SetRuleSet(1, {}, abi::OR_ACL_DROP), absl::OkStatus());
  abi::or_port port = switch_->StandardPort(1);
  port.ingress_rule_set = 1;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  EXPECT_EQ(Run(Rarp(kMacA, kMacA)).verdict, kStolen);
}

TEST_F(ForwardTest, RarpCarriesNothingButAnAnnouncement) {
  EXPECT_EQ(Run(Rarp(kMacA, kMacA, 22)).verdict, kStolen);
  EXPECT_EQ(Run(Rarp(kMacA, kMacA, 23)).verdict, kDropped);
  EXPECT_EQ(Run(PacketBuilder(kBroadcast, kMacA).EtherType(0x8035).Payload(46).Build()).verdict,
            kDropped);
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_MALFORMED}), 2u);
  EXPECT_EQ(Run(Rarp(kMacA, kMacC)).verdict, kDropped) << "announces another MAC";
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_SPOOFED_MAC}), 1u);
}

// Events as the agent would get them.
class EventLog {
 public:
  void Add(std::span<const uint8_t> record) {
    std::lock_guard lock(mutex_);
    events_.push_back(sys::FromBytes<abi::or_event>(record));
    changed_.notify_all();
  }
  std::vector<abi::or_event> WaitFor(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(5), [&] { return events_.size() >= count; });
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<abi::or_event> events_;
};

TEST_F(ForwardTest, FirstFrameOpensAnArmedPortAndIsReportedOnce) {
  EventLog log;
  auto reader = sys::RingReader::Start(switch_->raw().Descriptor("or_events").value(),
                                       [&](auto record) { log.Add(record); });
  ASSERT_TRUE(reader.ok()) << reader.status();
  abi::or_port armed = switch_->StandardPort(1);
  armed.phase = abi::OR_PORT_ARMED;
  ASSERT_EQ(switch_->SetPort(1, armed), absl::OkStatus());
  EXPECT_EQ(Run(UdpTo(kMacB)).verdict, kRedirected);
  EXPECT_EQ(Run(UdpTo(kMacB)).verdict, kRedirected);

  abi::or_port reporting = switch_->StandardPort(2);
  reporting.flags |= OR_PORT_REPORT_FIRST_FRAME;
  ASSERT_EQ(switch_->SetPort(2, reporting), absl::OkStatus());
  const Bytes rarp = Rarp(kMacB, kMacB);
  EXPECT_EQ(Run(rarp, {.ifindex = switch_->tap(2).ifindex()}).verdict, kStolen);

  const auto events = log.WaitFor(2);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, uint32_t{abi::OR_EVENT_FIRST_FRAME});
  EXPECT_EQ(events[0].port, 1u);
  EXPECT_EQ(events[0].ether_type, 0x0800);
  EXPECT_EQ(events[0].phase, abi::OR_PORT_ARMED);
  EXPECT_EQ(events[1].port, 2u);
  EXPECT_EQ(events[1].ether_type, 0x8035);
  EXPECT_EQ(events[1].phase, abi::OR_PORT_ACTIVE);
  auto seen = switch_->Map<uint32_t, abi::or_first_frame>("or_first_frames").Lookup(1);
  ASSERT_TRUE(seen.ok());
  EXPECT_EQ(seen->boot_ns, events[0].boot_ns);
  EXPECT_EQ(seen->ether_type, 0x0800);
  EXPECT_EQ(seen->told, 1u);
}

// The ring was full, or the agent is gone: the port is open, and the next frame tells.
TEST_F(ForwardTest, AFirstFrameThatWasNotReportedIsByTheNext) {
  EventLog log;
  auto reader = sys::RingReader::Start(switch_->raw().Descriptor("or_events").value(),
                                       [&](auto record) { log.Add(record); });
  ASSERT_TRUE(reader.ok()) << reader.status();
  abi::or_port armed = switch_->StandardPort(1);
  armed.phase = abi::OR_PORT_ARMED;
  ASSERT_EQ(switch_->SetPort(1, armed), absl::OkStatus());
  abi::or_first_frame untold{};
  untold.boot_ns = 5;
  untold.ether_type = 0x8035;
  auto first_frames = switch_->Map<uint32_t, abi::or_first_frame>("or_first_frames");
  ASSERT_EQ(first_frames.Update(1, untold), absl::OkStatus());
  EXPECT_EQ(Run(UdpTo(kMacB)).verdict, kRedirected);
  const auto events = log.WaitFor(1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].boot_ns, 5u);
  EXPECT_EQ(events[0].ether_type, 0x8035);
  EXPECT_EQ(events[0].phase, abi::OR_PORT_ARMED);
}

TEST_F(ForwardTest, ASpoofedFrameIsNoFirstFrame) {
  abi::or_port armed = switch_->StandardPort(1);
  armed.phase = abi::OR_PORT_ARMED;
  ASSERT_EQ(switch_->SetPort(1, armed), absl::OkStatus());
  Run(PacketBuilder(kMacB, kMacC).EtherType(0x1234).Payload(46).Build());
  EXPECT_TRUE(absl::IsNotFound(
      switch_->Map<uint32_t, abi::or_first_frame>("or_first_frames").Lookup(1).status()));
}

TEST_F(ForwardTest, ProgramsPassTheVerifierWithMargin) {
  constexpr uint32_t kVerifierLimit = 1'000'000;
  for (const std::string& name : switch_->object().ProgramNames()) {
    auto info = sys::GetProgramInfo(switch_->object().Program(name).value());
    ASSERT_TRUE(info.ok()) << info.status();
    RecordProperty(name, static_cast<int>(info->verified_instructions));
    EXPECT_LT(info->verified_instructions, kVerifierLimit / 4) << name;
  }
}

}  // namespace
}  // namespace outrider::tests
