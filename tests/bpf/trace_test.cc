// The programs that explain themselves: each way through the pipeline says its stages and what
// becomes of the frame, no map has changed afterwards, and no device has sent anything. That each
// drop is told by its reason is in drop_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/bpf/connection_fixture.h"
#include "tests/bpf/overlay_cases.h"
#include "tests/bpf/traced_switch.h"
#include "vswitch/abi/or_capture.h"
#include "vswitch/sys/bpf/ring_reader.h"

namespace outrider::tests {
namespace {

using datapath::ebpf::RawTrace;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr uint32_t kFirstSet = 5;

Bytes UdpTo(const std::string& mac, const std::string& src = kMacA) {
  return PacketBuilder(mac, src)
      .Ipv4({.src = kIpA, .dst = kIpB})
      .Udp(1000, 2000)
      .Payload(64)
      .Build();
}

Bytes TcpTo(const std::string& mac, uint8_t flags) {
  return PacketBuilder(mac, kMacA).Ipv4({.src = kIpA, .dst = kIpB}).Tcp(1000, 80, flags).Build();
}

struct Way {
  std::string name;
  Bytes frame;
  std::function<absl::Status(BpfSwitch&)> rows;
  std::vector<uint32_t> stages;
  uint32_t verdict;
};

absl::Status Nothing(BpfSwitch&) { return absl::OkStatus(); }

std::function<absl::Status(BpfSwitch&)> WithPort(uint32_t index,
                                                 std::function<void(abi::or_port*)> change) {
  return [=](BpfSwitch& s) {
    abi::or_port port = s.StandardPort(index);
    change(&port);
    return s.SetPort(index, port);
  };
}

// Port A has these rules for what its guest sends, and remembers connections.
std::function<absl::Status(BpfSwitch&)> Stateful(state::AclAction action) {
  return [=](BpfSwitch& s) {
    abi::or_port port = s.StandardPort(1);
    port.ingress_rule_set = kFirstSet;
    port.flags |= OR_PORT_STATEFUL;
    port.max_connections = 10;
    port.ingress_content = 1;
    RETURN_IF_ERROR(s.SetRuleSet(kFirstSet, {RuleFor(action)}, abi::OR_ACL_DROP));
    RETURN_IF_ERROR((s.Map<uint32_t, uint32_t>("or_connection_counts").Update(1, 0)));
    RETURN_IF_ERROR((s.Map<uint32_t, abi::or_fragments>("or_fragments").Update(1, {})));
    return s.SetPort(1, port);
  };
}

std::vector<Way> Ways() {
  const std::vector<uint32_t> in = {abi::OR_TRACE_PORT, abi::OR_TRACE_PARSE,
                                    abi::OR_TRACE_SECURITY};
  const auto then = [&in](std::vector<uint32_t> more) {
    std::vector<uint32_t> all = in;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  using abi::OR_TRACE_ACL, abi::OR_TRACE_MARK, abi::OR_TRACE_FDB, abi::OR_TRACE_DELIVER,
      abi::OR_TRACE_OUTPUT, abi::OR_TRACE_ENCAP, abi::OR_TRACE_LIMIT, abi::OR_TRACE_DROP,
      abi::OR_TRACE_REPLICATE, abi::OR_TRACE_CONNECTION, abi::OR_TRACE_ANSWER;
  const std::vector<uint32_t> copy = {OR_TRACE_DELIVER, OR_TRACE_ACL, OR_TRACE_OUTPUT};
  const Bytes arp =
      PacketBuilder(kBroadcast, kMacA)
          .Arp({.sender_mac = Mac(kMacA), .sender_ip = kIpA, .target_mac = {}, .target_ip = kIpB})
          .Build();
  Bytes target(16);
  target[0] = 0xfd;
  target[15] = 2;
  const Bytes solicitation =
      PacketBuilder("33:33:ff:00:00:02", kMacA)
          .Ipv6({.src = "fd00::1", .dst = "ff02::1:ff00:2", .hop_limit = 255})
          .Icmpv6(135)
          .Payload(target)
          .Build();
  return {
      {"local", UdpTo(kMacB), Nothing,
       then({OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_FDB, OR_TRACE_DELIVER, OR_TRACE_ACL,
             OR_TRACE_OUTPUT}),
       kRedirected},
      {"remote", UdpTo(kMacRemote), Nothing,
       then({OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_FDB, OR_TRACE_ENCAP}), kRedirected},
      {"broadcast", UdpTo(kBroadcast), Nothing,
       then({OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_REPLICATE, OR_TRACE_DELIVER, OR_TRACE_ACL,
             OR_TRACE_OUTPUT, OR_TRACE_DELIVER, OR_TRACE_ACL, OR_TRACE_OUTPUT, OR_TRACE_ENCAP}),
       kStolen},
      {"arp_answered", arp, [](BpfSwitch& s) { return s.SetNeighbor(kVni, kIpB, kMacB); },
       then({OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_ANSWER, OR_TRACE_DELIVER, OR_TRACE_ACL,
             OR_TRACE_OUTPUT}),
       kRedirected},
      {"solicitation_answered", solicitation,
       [](BpfSwitch& s) {
         RETURN_IF_ERROR(s.SetSegment(kVni, OR_SEGMENT_SUPPRESS_ND));
         return s.SetNeighbor(kVni, "fd00::2", kMacB);
       },
       then({OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_ANSWER, OR_TRACE_DELIVER, OR_TRACE_ACL,
             OR_TRACE_OUTPUT}),
       kRedirected},
      {"told_of_the_mtu",
       PacketBuilder(kMacB, kMacA)
           .Ipv4({.src = kIpA, .dst = kIpB, .dont_fragment = true})
           .Udp(1000, 2000)
           .Payload(kMtu)
           .Build(),
       Nothing,
       {abi::OR_TRACE_PORT, abi::OR_TRACE_PARSE, OR_TRACE_DROP, abi::OR_TRACE_REJECT,
        OR_TRACE_OUTPUT},
       kRedirected},
      {"limited", UdpTo(kMacRemote),
       [](BpfSwitch& s) {
         return s.SetLimit(1, abi::OR_LIMIT_INGRESS, {800, 8, 100, 5});
       },
       then({OR_TRACE_ACL, OR_TRACE_LIMIT, OR_TRACE_MARK, OR_TRACE_FDB, OR_TRACE_ENCAP}),
       kRedirected},
      {"new_connection", TcpTo(kMacRemote, kSyn), Stateful(state::AclAction::kAllowRelated),
       then({OR_TRACE_CONNECTION, OR_TRACE_ACL, OR_TRACE_CONNECTION, OR_TRACE_MARK, OR_TRACE_FDB,
             OR_TRACE_ENCAP}),
       kRedirected},
      {"first_fragment",
       PacketBuilder(kMacRemote, kMacA)
           .Ipv4({.src = kIpA, .dst = kIpB, .more_fragments = true, .options = {}, .protocol = 17})
           .Udp(1000, 2000)
           .Payload(64)
           .Build(),
       Stateful(state::AclAction::kAllowRelated),
       then({OR_TRACE_CONNECTION, OR_TRACE_ACL, OR_TRACE_CONNECTION, OR_TRACE_MARK, OR_TRACE_FDB,
             OR_TRACE_ENCAP}),
       kRedirected},
      {"new_source_mac", UdpTo(kMacRemote, "52:54:00:00:07:07"),
       [](BpfSwitch& s) {
         abi::or_port port = s.StandardPort(1);
         port.flags = 0;
         port.max_macs = 4;
         RETURN_IF_ERROR(
             (s.Map<uint32_t, abi::or_mac_window>("or_mac_windows").Update(1, {0, 0, 0})));
         return s.SetPort(1, port);
       },
       then({OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_FDB, OR_TRACE_ENCAP}), kRedirected},
      {"armed",
       UdpTo(kMacB),
       WithPort(1, [](abi::or_port* p) { p->phase = abi::OR_PORT_ARMED; }),
       {abi::OR_TRACE_PORT, abi::OR_TRACE_PARSE, abi::OR_TRACE_FIRST_FRAME, abi::OR_TRACE_SECURITY,
        OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_FDB, OR_TRACE_DELIVER, OR_TRACE_ACL, OR_TRACE_OUTPUT},
       kRedirected},
      {"redirected", UdpTo(kMacB),
       [](BpfSwitch& s) {
         abi::or_port port = s.StandardPort(2);
         port.flags |= OR_PORT_MOVING;
         RETURN_IF_ERROR(s.SetPort(2, port));
         RETURN_IF_ERROR((s.Map<uint32_t, abi::or_departure>("or_departures").Update(2, {1, 77})));
         abi::or_move move{};
         move.mode = abi::OR_MOVE_QUEUED;
         return s.Map<uint32_t, abi::or_move>("or_moves").Update(2, move);
       },
       then({OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_FDB, OR_TRACE_DELIVER, OR_TRACE_ACL,
             OR_TRACE_ENCAP}),
       kRedirected},
      {"rejected_and_logged", UdpTo(kMacB),
       [](BpfSwitch& s) {
         state::AclRule rule = RuleFor(state::AclAction::kReject);
         rule.log_rate = 10;
         abi::or_port port = s.StandardPort(1);
         port.ingress_rule_set = kFirstSet;
         RETURN_IF_ERROR(s.SetRuleSet(kFirstSet, {rule}, abi::OR_ACL_DROP));
         return s.SetPort(1, port);
       },
       then({OR_TRACE_ACL, OR_TRACE_DROP, abi::OR_TRACE_REJECT, OR_TRACE_OUTPUT}), kRedirected},
      {"membership_report",
       PacketBuilder("01:00:5e:01:02:03", kMacA)
           .Ipv4({.src = kIpA, .dst = "239.1.2.3", .ttl = 1, .options = {}, .protocol = 2})
           .Payload({0x16, 0, 0, 0, 239, 1, 2, 3})
           .Build(),
       [](BpfSwitch& s) { return s.SetSegment(kVni, OR_SEGMENT_SNOOP_MULTICAST); },
       then({OR_TRACE_ACL, OR_TRACE_MARK, OR_TRACE_REPLICATE}), kStolen},
  };
}

class TraceTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
    auto traced = TracedSwitch::Create(switch_.get());
    ASSERT_TRUE(traced.ok()) << traced.status();
    traced_ = *std::move(traced);
  }
  static void TearDownTestSuite() {
    traced_.reset();
    switch_.reset();
  }
  void SetUp() override {
    ASSERT_NE(traced_, nullptr);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    // What the test before has sent.
    for (uint32_t port = 1; port <= 3; ++port) {
      while (switch_->tap(port).Receive().has_value()) {
      }
    }
  }

  static std::unique_ptr<BpfSwitch> switch_;
  static std::unique_ptr<TracedSwitch> traced_;
};

std::unique_ptr<BpfSwitch> TraceTest::switch_;
std::unique_ptr<TracedSwitch> TraceTest::traced_;

TEST_F(TraceTest, EachWaySaysItsStagesAndChangesNothing) {
  for (const Way& way : Ways()) {
    SCOPED_TRACE(way.name);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(way.rows(*switch_), absl::OkStatus());
    const MapsContent before = traced_->Content();
    const auto trace = traced_->FromPort(way.frame);
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_EQ(trace->verdict, way.verdict);
    EXPECT_THAT(StagesOf(*trace), ElementsAreArray(way.stages));
    EXPECT_TRUE(traced_->Content() == before);
    // The programs that frames meet do change something: the comparison sees it.
    ASSERT_TRUE(switch_->Run("or_from_port", way.frame).ok());
    const MapsContent after = traced_->Content();
    EXPECT_FALSE(after == before);
    // Nor does a trace change what a frame has left behind.
    ASSERT_TRUE(traced_->FromPort(way.frame).ok());
    EXPECT_TRUE(traced_->Content() == after);
  }
}

TEST_F(TraceTest, SendsNothing) {
  ASSERT_EQ(switch_->AttachAll(), absl::OkStatus());
  for (const std::string& to : {std::string(kBroadcast), std::string(kMacB)}) {
    const auto trace = traced_->FromPort(UdpTo(to));
    ASSERT_TRUE(trace.ok()) << trace.status();
  }
  // What follows is the first that arrives.
  const Bytes real = UdpTo(kMacB);
  ASSERT_EQ(switch_->tap(1).Send(real), absl::OkStatus());
  EXPECT_EQ(switch_->tap(2).Receive(5000), real);
  EXPECT_EQ(switch_->tap(2).Receive(), std::nullopt);
  EXPECT_EQ(switch_->tap(3).Receive(), std::nullopt);
}

TEST_F(TraceTest, ExplainsWhatComesFromOtherHosts) {
  for (const OverlayCase& test : OverlayCases()) {
    // A trace is of frames as guests send them: none bears a mark.
    if (test.label != 0) continue;
    SCOPED_TRACE(test.name);
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(test.rows(*switch_), absl::OkStatus());
    const MapsContent before = traced_->Content();
    const auto trace = traced_->FromOverlay(test.inner, test.vni, test.outer_source);
    ASSERT_TRUE(trace.ok()) << trace.status();
    std::vector<uint32_t> delivered;
    for (const abi::or_trace_step& step : trace->steps) {
      if (step.stage == abi::OR_TRACE_OUTPUT) delivered.push_back(step.port);
    }
    EXPECT_THAT(delivered, ElementsAreArray(test.delivered));
    if (test.reason == 0) {
      EXPECT_THAT(DropsOf(*trace), IsEmpty());
    } else {
      EXPECT_THAT(DropsOf(*trace), ElementsAre(Pair(test.drop_port, test.reason)));
    }
    EXPECT_TRUE(traced_->Content() == before);
  }
}

TEST_F(TraceTest, AFrameWithoutTunnelMetadataIsNobodys) {
  const auto trace = traced_->FromOverlay(UdpTo(kMacB), 0, kRemoteVtep);
  ASSERT_TRUE(trace.ok()) << trace.status();
  EXPECT_THAT(DropsOf(*trace), ElementsAre(Pair(0u, uint32_t{OR_DROP_NO_TUNNEL_KEY})));
}

// What the frame would do is said of the state the maps are in, not of the one it would make.
TEST_F(TraceTest, FollowsAConnectionWithoutMovingIt) {
  ASSERT_EQ(Stateful(state::AclAction::kAllowRelated)(*switch_), absl::OkStatus());
  ASSERT_TRUE(switch_->Run("or_from_port", TcpTo(kMacRemote, kSyn)).ok());
  const MapsContent before = traced_->Content();
  const auto found = [this](const Bytes& frame) -> uint64_t {
    const RawTrace trace = traced_->FromPort(frame).value();
    for (const abi::or_trace_step& step : trace.steps) {
      if (step.stage == abi::OR_TRACE_CONNECTION) return step.a;
    }
    return 0;
  };
  // The guest may say it again, but has not yet been answered.
  EXPECT_EQ(found(TcpTo(kMacRemote, kSyn)), abi::OR_TRACE_FLOW_PASS);
  EXPECT_EQ(found(TcpTo(kMacRemote, kSyn | kFin)), abi::OR_TRACE_FLOW_INVALID);
  EXPECT_TRUE(traced_->Content() == before);
  // After a reset the same SYN begins another one.
  auto table = switch_->Map<abi::or_connection_key, abi::or_connection>("or_connections");
  auto entries = table.Dump().value();
  ASSERT_EQ(entries.size(), 1u);
  entries[0].second.state = abi::OR_CONNECTION_CLOSED;
  ASSERT_EQ(table.Update(entries[0].first, entries[0].second), absl::OkStatus());
  EXPECT_EQ(found(TcpTo(kMacRemote, kSyn)), abi::OR_TRACE_FLOW_OVER);
}

// Admitted by other rules: judged again, and then taken for a connection of the rules of now.
TEST_F(TraceTest, TakesAStaleConnectionForRenewed) {
  ASSERT_EQ(Stateful(state::AclAction::kAllowRelated)(*switch_), absl::OkStatus());
  ASSERT_TRUE(switch_->Run("or_from_port", TcpTo(kMacRemote, kSyn)).ok());
  abi::or_port port = switch_->Ports().Lookup(1).value();
  port.ingress_content = 2;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  const MapsContent before = traced_->Content();
  const RawTrace trace = traced_->FromPort(TcpTo(kMacRemote, kSyn)).value();
  std::vector<uint64_t> found;
  for (const abi::or_trace_step& step : trace.steps) {
    if (step.stage == abi::OR_TRACE_CONNECTION) found.push_back(step.a);
  }
  EXPECT_THAT(found, ElementsAre(abi::OR_TRACE_FLOW_STALE, abi::OR_TRACE_FLOW_RENEW,
                                 abi::OR_TRACE_FLOW_PASS));
  EXPECT_EQ(trace.verdict, kRedirected);
  EXPECT_TRUE(traced_->Content() == before);
}

// Its rules would end it: the next frame that is none of a trace does.
TEST_F(TraceTest, EndsNoConnection) {
  ASSERT_EQ(Stateful(state::AclAction::kAllowRelated)(*switch_), absl::OkStatus());
  ASSERT_TRUE(switch_->Run("or_from_port", TcpTo(kMacRemote, kSyn)).ok());
  abi::or_port port = switch_->Ports().Lookup(1).value();
  port.ingress_content = 2;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  ASSERT_EQ(switch_->SetRuleSet(kFirstSet, {RuleFor(state::AclAction::kDrop)}, abi::OR_ACL_ALLOW),
            absl::OkStatus());
  const MapsContent before = traced_->Content();
  const RawTrace trace = traced_->FromPort(TcpTo(kMacRemote, kSyn)).value();
  EXPECT_THAT(DropsOf(trace), ElementsAre(Pair(1u, uint32_t{OR_DROP_ACL_INGRESS})));
  EXPECT_TRUE(traced_->Content() == before);
}

// A capture shows what guests send.
TEST_F(TraceTest, IsNotCaptured) {
  constexpr uint32_t kOnly = 0;
  const auto ring = sys::CreateRing("or_captured", 4096);
  ASSERT_TRUE(ring.ok()) << ring.status();
  ASSERT_TRUE((switch_->Map<uint32_t, uint32_t>("or_capture_ring")
                   .Update(kOnly, static_cast<uint32_t>(ring->get())))
                  .ok());
  auto captures = switch_->Map<uint32_t, abi::or_capture>("or_capture");
  ASSERT_TRUE(captures.Update(kOnly, {.until_ns = UINT64_MAX, .keep = 1000, .all = 1}).ok());
  // Many more than the ring has room for.
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(traced_->FromPort(UdpTo(kMacB)).ok());
  ASSERT_TRUE(captures.Update(kOnly, {}).ok());
  EXPECT_EQ((switch_->Map<uint32_t, uint64_t>("or_capture_missed").Lookup(kOnly).value()), 0u);
}

TEST_F(TraceTest, RefusesWhatTheKernelTakesNoFrameOf) {
  EXPECT_TRUE(absl::IsInvalidArgument(traced_->FromPort(Bytes(13)).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(traced_->FromPort(Bytes(200'000)).status()));
}

}  // namespace
}  // namespace outrider::tests
