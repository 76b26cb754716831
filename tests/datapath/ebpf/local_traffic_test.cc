// Frames between guests of one host: what a HostState says is what happens to them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using state::PortPhase;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::Bytes;
using tests::MakeDigest;
using tests::MakePortId;

class EventRecorder final : public EventSink {
 public:
  void OnFirstFrame(const FirstFrameEvent& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    arrived_.notify_all();
  }
  // Waits until so many were reported, at most 5 s.
  bool Await(size_t count) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(5),
                             [&] { return events_.size() >= count; });
  }
  std::vector<FirstFrameEvent> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<FirstFrameEvent> events_;
};

class LocalTraffic : public ::testing::TestWithParam<GuestKind> {
 protected:
  LocalTraffic()
      : one_(MakeGuest(GetParam(), &host_, "port1")), two_(MakeGuest(GetParam(), &host_, "port2")) {
    host_.Start();
  }

  static HostState TwoPorts() {
    HostState state = EmptySegment();
    AddPort(1, "port1", &state);
    AddPort(2, "port2", &state);
    return state;
  }

  // `frame` of guest 1 is dropped for `reason` at port `at`, and nothing reaches guest 2.
  void ExpectDropped(const Bytes& frame, const std::string& reason, int at = 1) {
    const PortId port = MakePortId(static_cast<uint8_t>(at));
    const uint64_t before = host_.PortDrops(port, reason);
    one_->Send(frame);
    EXPECT_EQ(host_.AwaitPortDrops(port, reason, before + 1), before + 1) << reason;
    EXPECT_THAT(two_->Drain(), IsEmpty());
  }

  void ExpectDelivered(const Bytes& frame) {
    one_->Send(frame);
    EXPECT_EQ(two_->Receive(), frame);
  }

  EbpfHost host_;
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
};

TEST_P(LocalTraffic, IsSwitchedBothWaysAndCounted) {
  host_.Become(TwoPorts());
  const Bytes frame = UdpFrame(1, 2);
  ExpectDelivered(frame);
  two_->Send(UdpFrame(2, 1));
  EXPECT_EQ(one_->Receive(), UdpFrame(2, 1));

  const auto counters = host_.datapath().ReadPorts().value();
  ASSERT_THAT(counters, SizeIs(2));
  const PortCounters& one = counters.at(MakePortId(1));
  EXPECT_EQ(one.rx_packets, 1u);
  EXPECT_EQ(one.rx_bytes, frame.size());
  EXPECT_EQ(one.tx_packets, 1u);
  EXPECT_EQ(one.tx_bytes, frame.size());
  EXPECT_THAT(one.drops, IsEmpty());
}

TEST_P(LocalTraffic, IsBlockedUntilThePortIsActive) {
  HostState state = TwoPorts();
  state.ports[MakePortId(1)].phase = PortPhase::kBlocked;
  host_.Become(state);
  ExpectDropped(UdpFrame(1, 2), "port_blocked");

  state.ports[MakePortId(1)].phase = PortPhase::kActive;
  state.ports[MakePortId(2)].phase = PortPhase::kArmed;
  host_.Become(state);
  ExpectDropped(UdpFrame(1, 2), "port_armed", 2);

  state.ports[MakePortId(2)].phase = PortPhase::kActive;
  host_.Become(state);
  ExpectDelivered(UdpFrame(1, 2));
}

TEST_P(LocalTraffic, OfAnotherMacIsDropped) {
  HostState state = TwoPorts();
  host_.Become(state);
  ExpectDropped(UdpFrame(9, 2), "spoofed_mac");

  state.ports[MakePortId(1)].mac_anti_spoof = false;
  host_.Become(state);
  ExpectDelivered(UdpFrame(9, 2));
}

TEST_P(LocalTraffic, FollowsTheRuleSetsOfBothPorts) {
  HostState state = TwoPorts();
  const auto allow_port = [](uint16_t port) {
    state::AclRule rule;
    rule.ether = state::EtherMatch::kIpv4;
    rule.protocol = 17;
    rule.dst_port = state::PortRange{port, port};
    rule.action = state::AclAction::kAllow;
    return state::RuleSet{.rules = {rule}, .default_action = state::AclAction::kDrop};
  };
  state.rule_sets[MakeDigest(1)] = allow_port(80);
  state.ports[MakePortId(2)].egress_rule_set = MakeDigest(1);
  host_.Become(state);
  ExpectDelivered(UdpFrame(1, 2, 80));
  ExpectDropped(UdpFrame(1, 2, 81), "acl_egress", 2);

  // Another revision takes the place of the first in one delta.
  state.rule_sets.clear();
  state.rule_sets[MakeDigest(2)] = allow_port(81);
  state.ports[MakePortId(2)].egress_rule_set = MakeDigest(2);
  state.ports[MakePortId(1)].ingress_rule_set = MakeDigest(2);
  host_.Become(state);
  ExpectDelivered(UdpFrame(1, 2, 81));
  ExpectDropped(UdpFrame(1, 2, 80), "acl_ingress");
}

TEST_P(LocalTraffic, OverThePolicersRateIsDropped) {
  HostState state = TwoPorts();
  // 8 kb of burst hold one frame of 1000 bytes; at 1 kb/s the next kilobyte takes 8 s.
  state.ports[MakePortId(1)].ingress_policer = {.rate_kbps = 1, .burst_kb = 8};
  host_.Become(state);
  const Bytes frame = UdpFrame(1, 2, 4000, 800);
  ExpectDelivered(frame);
  ExpectDropped(frame, "policer");

  state.ports[MakePortId(1)].ingress_policer = {};
  host_.Become(state);
  ExpectDelivered(frame);
}

TEST_P(LocalTraffic, ToNobodyKnownIsDroppedOrFlooded) {
  HostState state = TwoPorts();
  host_.Become(state);
  ExpectDropped(UdpFrame(1, 9), "unknown_unicast");

  state.segments[kSegment].flood_unknown_unicast = true;
  host_.Become(state);
  ExpectDelivered(UdpFrame(1, 9));
}

TEST_P(LocalTraffic, OfAnotherSegmentIsNotHeard) {
  HostState state = TwoPorts();
  state.segments[tests::MakeVni(8)].mtu = 1450;
  state.ports[MakePortId(2)].vni = tests::MakeVni(8);
  state.fdb.erase({kSegment, tests::MakeMac(2)});
  AddPort(3, "port3", &state);
  const auto three = MakeGuest(GetParam(), &host_, "port3");
  host_.Become(state);
  one_->Send(BroadcastFrame(1));
  EXPECT_EQ(three->Receive(), BroadcastFrame(1));
  EXPECT_THAT(two_->Drain(), IsEmpty());
}

TEST_P(LocalTraffic, ForAKnownAddressIsAnsweredHere) {
  HostState state = TwoPorts();
  state.neighbors.emplace(state::NeighborKey{kSegment, tests::Ip(IpOf(2))}, tests::MakeMac(2));
  host_.Become(state);
  one_->Send(tests::PacketBuilder(tests::kBroadcast, MacOf(1))
                 .Arp({.operation = 1,
                       .sender_mac = tests::MakeMac(1),
                       .sender_ip = IpOf(1),
                       .target_ip = IpOf(2)})
                 .Build());
  const auto answer = one_->Receive();
  ASSERT_TRUE(answer.has_value());
  const Bytes expected = tests::PacketBuilder(MacOf(1), MacOf(2))
                             .Arp({.operation = 2,
                                   .sender_mac = tests::MakeMac(2),
                                   .sender_ip = IpOf(2),
                                   .target_mac = tests::MakeMac(1),
                                   .target_ip = IpOf(1)})
                             .Build();
  ASSERT_GE(answer->size(), expected.size());
  EXPECT_EQ(Bytes(answer->begin(), answer->begin() + static_cast<long>(expected.size())), expected);
  EXPECT_THAT(two_->Drain(), IsEmpty());
}

TEST_P(LocalTraffic, OfTheHostItselfDoesNotReachAGuest) {
  host_.Become(TwoPorts());
  tests::PacketSocket host_side(host_.netns(), "port2");
  // The kernel tells a sender of its own host that the frame was dropped.
  EXPECT_THROW(host_side.Send(UdpFrame(1, 2)), std::runtime_error);
  EXPECT_EQ(host_.AwaitPortDrops(MakePortId(2), "not_delivered", 1), 1u);
  EXPECT_THAT(two_->Drain(), IsEmpty());
}

TEST_P(LocalTraffic, OfAnArmedPortIsReportedOnceAndOpensIt) {
  EventRecorder events;
  host_.In([&] { host_.datapath().SetEventSink(&events); });
  HostState state = TwoPorts();
  state::Port& port = state.ports[MakePortId(1)];
  port.phase = PortPhase::kArmed;
  port.report_first_frame = true;
  port.migration_id = "m-1";
  host_.Become(state);
  const int64_t before_us = int64_t{time(nullptr)} * 1'000'000;
  ExpectDelivered(UdpFrame(1, 2));
  ExpectDelivered(UdpFrame(1, 2));
  ASSERT_TRUE(events.Await(1));
  const FirstFrameEvent event = events.events().front();
  EXPECT_EQ(event.port, MakePortId(1));
  EXPECT_EQ(event.ether_type, 0x0800);
  EXPECT_TRUE(event.armed);
  EXPECT_GE(event.time_us, before_us - 1'000'000);
  EXPECT_LT(event.time_us, before_us + 60'000'000);

  // Going active reports no second frame.
  port.phase = PortPhase::kActive;
  host_.Become(state);
  ExpectDelivered(UdpFrame(1, 2));
  EXPECT_THAT(events.events(), SizeIs(1));

  // The next migration does, once: armed once more by the same one, it stays open.
  port.phase = PortPhase::kArmed;
  port.epoch = Epoch{2};
  port.migration_id = "m-2";
  host_.Become(state);
  ExpectDelivered(UdpFrame(1, 2));
  EXPECT_TRUE(events.Await(2));
  host_.Apply(state::ComputeDelta({}, state));
  ExpectDelivered(UdpFrame(1, 2));
  EXPECT_THAT(events.events(), SizeIs(2));
  host_.In([&] { host_.datapath().SetEventSink(nullptr); });
}

TEST_P(LocalTraffic, FirstFramesWaitForTheNextProcess) {
  HostState state = TwoPorts();
  state.ports[MakePortId(1)].report_first_frame = true;
  host_.Become(state);
  ExpectDelivered(UdpFrame(1, 2));
  host_.Stop();

  EventRecorder events;
  host_.Start();
  host_.In([&] { host_.datapath().SetEventSink(&events); });
  ASSERT_TRUE(events.Await(1));
  EXPECT_FALSE(events.events().front().armed);
  host_.In([&] { host_.datapath().SetEventSink(nullptr); });
}

// The process that was told may have died before it opened the port.
TEST_P(LocalTraffic, FirstFramesOfArmedPortsAreToldToEachProcess) {
  HostState state = TwoPorts();
  state.ports[MakePortId(1)].phase = PortPhase::kArmed;
  host_.Become(state);
  EventRecorder first;
  host_.In([&] { host_.datapath().SetEventSink(&first); });
  ExpectDelivered(UdpFrame(1, 2));
  ASSERT_TRUE(first.Await(1));
  host_.In([&] { host_.datapath().SetEventSink(nullptr); });
  host_.Stop();

  EventRecorder next;
  host_.Start();
  host_.In([&] { host_.datapath().SetEventSink(&next); });
  ASSERT_TRUE(next.Await(1));
  EXPECT_TRUE(next.events().front().armed);
  EXPECT_EQ(next.events().front().ether_type, 0x0800);
  // Two readings of two clocks lie in between.
  EXPECT_NEAR(static_cast<double>(next.events().front().time_us),
              static_cast<double>(first.events().front().time_us), 1e6);
  host_.In([&] { host_.datapath().SetEventSink(nullptr); });
}

INSTANTIATE_TEST_SUITE_P(Devices, LocalTraffic,
                         ::testing::Values(GuestKind::kVeth, GuestKind::kTap),
                         [](const auto& info) {
                           return info.param == GuestKind::kVeth ? "Veth" : "Tap";
                         });

}  // namespace
}  // namespace outrider::datapath::ebpf
