#include "vswitch/agent/controller_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/agent/session_fixture.h"
#include "vswitch/agent/messages.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

TEST_F(SessionTest, SaysHelloWithWhatItHolds) {
  reconciler_->Attach(kPort, SampleAttachment(1));
  ASSERT_TRUE(reconciler_
                  ->TakeSnapshot(
                      {.store_id = "store-1", .generation = Generation{5}, .state = SampleState()})
                  .ok());
  Connect();
  ASSERT_EQ(streams_.written.size(), 1u);
  const v1::Hello& hello = streams_.written[0].hello();
  EXPECT_EQ(hello.host_id(), "h1");
  ASSERT_EQ(hello.uplinks_size(), 1);
  EXPECT_EQ(hello.uplinks(0), "net");
  EXPECT_EQ(hello.instance_id(), store_->instance_id());
  EXPECT_EQ(hello.store_id(), "store-1");
  EXPECT_EQ(hello.generation(), 5u);
  EXPECT_EQ(hello.state_digest(), convert::StateDigest(SampleState()));
  EXPECT_EQ(hello.underlay_mtu(), 1500u);
  EXPECT_EQ(hello.peer_port(), 7444u);
  ASSERT_EQ(hello.attachments_size(), 1);
  EXPECT_EQ(hello.attachments(0).device(), "tap1");
  EXPECT_FALSE(hello.attachments(0).claim()) << "the controller has the port here";
}

TEST_F(SessionTest, SaysHelloWithClaimsNobodyHasAnswered) {
  reconciler_->Attach(MakePortId(2), SampleAttachment(2));
  Connect();
  ASSERT_EQ(streams_.written[0].hello().attachments_size(), 1);
  EXPECT_TRUE(streams_.written[0].hello().attachments(0).claim());
}

TEST_F(SessionTest, ASnapshotIsAppliedAndAcknowledged) {
  reconciler_->Attach(kPort, SampleAttachment(1));
  Establish();
  const auto acks = Written(v1::AgentMessage::kAck);
  ASSERT_FALSE(acks.empty());
  EXPECT_EQ(acks.back().ack().generation(), 5u);
  const auto receipts = Written(v1::AgentMessage::kReceipt);
  ASSERT_FALSE(receipts.empty());
  EXPECT_EQ(receipts.back().receipt().host(), "h1");
  EXPECT_EQ(receipts.back().receipt().phase(), v1::PORT_PHASE_ACTIVE);
  EXPECT_EQ(Written(v1::AgentMessage::kCounters).size(), 1u);
  EXPECT_EQ(session_->status().snapshots, 1u);
  EXPECT_EQ(session_->status().resumed, 0u);
}

TEST_F(SessionTest, AResumedSessionReportsWhatIsInForce) {
  Establish();
  Break(absl::UnavailableError("gone"));
  executor_.Advance(1s);
  Welcome(true);
  EXPECT_TRUE(session_->status().connected);
  EXPECT_EQ(session_->status().resumed, 1u);
  EXPECT_EQ(Written(v1::AgentMessage::kAck).size(), 1u);
  EXPECT_EQ(Written(v1::AgentMessage::kReceipt).size(), 1u);
}

// Neither is the controller's.
TEST_F(SessionTest, WhatIsLocalIsNotTold) {
  const Vni local = tests::MakeLocalVni(10);
  LocalState state;
  state.segments[local] = MakeLocalSegment(1500);
  state.ports[MakePortId(9)] = MakeLocalPort("vnet9", std::nullopt);
  state.ports[MakePortId(9)].vni = local;
  reconciler_->SetLocal(state);
  Establish();
  ASSERT_EQ(Written(v1::AgentMessage::kCounters).size(), 1u);
  const auto counters = Written(v1::AgentMessage::kCounters)[0].counters();
  ASSERT_EQ(counters.ports_size(), 1);
  EXPECT_EQ(counters.ports(0).port_id(), MakePortId(1).ToString());
  const IpAddress group = *IpAddress::Parse("239.1.2.3");
  session_->OnMulticastGroups({{local, group}, {MakeVni(7), group}});
  executor_.Advance(ControllerSession::kMembershipDelay);
  const auto said = Written(v1::AgentMessage::kMulticast).back().multicast();
  ASSERT_EQ(said.memberships_size(), 1);
  EXPECT_EQ(said.memberships(0).vni(), 7u);
}

TEST_F(SessionTest, DeltasLeadOn) {
  Establish();
  state::StateDelta delta;
  delta.segments.upserts[MakeVni(8)].mtu = 1400;
  Delta(5, 9, delta);
  EXPECT_TRUE(datapath_.ReadState()->segments.contains(MakeVni(8)));
  EXPECT_EQ(Written(v1::AgentMessage::kAck).back().ack().generation(), 9u);
  EXPECT_EQ(streams_.reads, 1) << "ready for the next";
}

TEST_F(SessionTest, ADeltaFromElsewhereStartsANewSession) {
  Establish();
  Delta(7, 9, {});
  EXPECT_FALSE(streams_.open);
  EXPECT_FALSE(session_->status().connected);
  executor_.Advance(1s);
  EXPECT_EQ(streams_.opened, 2);
  EXPECT_EQ(streams_.written[0].hello().generation(), 5u);
}

TEST_F(SessionTest, AnOlderSnapshotIsRefused) {
  Establish();
  Break(absl::UnavailableError("gone"));
  executor_.Advance(1s);
  Welcome(false);
  Snapshot(4, {});
  EXPECT_FALSE(streams_.open);
  EXPECT_THAT(session_->status().detail, HasSubstr("older than 5"));
  EXPECT_TRUE(datapath_.ReadState()->ports.contains(kPort));
}

TEST_F(SessionTest, ABadMessageEndsTheSessionAndChangesNothing) {
  Establish();
  v1::ControllerMessage message;
  message.mutable_snapshot()->set_generation(6);
  message.mutable_snapshot()->mutable_state()->add_segments()->set_vni(1 << 24);
  Say(message);
  EXPECT_FALSE(streams_.open);
  EXPECT_THAT(session_->status().detail, HasSubstr("16777216"));
  EXPECT_TRUE(datapath_.ReadState()->segments.contains(MakeVni(7)));
}

TEST_F(SessionTest, MessagesOutOfOrderEndTheSession) {
  Connect();
  Snapshot(5, SampleState());
  EXPECT_FALSE(streams_.open) << "before the welcome";
  executor_.Advance(1s);
  Welcome(false);
  Delta(0, 5, {});
  EXPECT_FALSE(streams_.open) << "before the snapshot";
}

TEST_F(SessionTest, AMessageOfANewerControllerIsPassedOver) {
  Establish();
  Say(v1::ControllerMessage());
  EXPECT_TRUE(streams_.open);
  EXPECT_EQ(streams_.reads, 1);
}

TEST_F(SessionTest, ARefusalReachesThePort) {
  reconciler_->Attach(MakePortId(2), SampleAttachment(2));
  Establish();
  v1::ControllerMessage message;
  message.mutable_refused()->set_port_id(MakePortId(2).ToString());
  message.mutable_refused()->set_reason("located at host \"h2\"");
  Say(message);
  EXPECT_EQ(reconciler_->ListPorts().at(1).problem, "located at host \"h2\"");
}

TEST_F(SessionTest, EventsOfALiveSessionAreSent) {
  Establish();
  reconciler_->Attach(MakePortId(2), SampleAttachment(2));
  executor_.RunReady();
  const auto events = Written(v1::AgentMessage::kPortEvent);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].port_event().kind(), v1::PortEvent::KIND_ATTACHED);
  EXPECT_EQ(events[0].port_event().attachment().device(), "tap2");
  EXPECT_TRUE(events[0].port_event().attachment().claim());
}

// Between the hello and the state nothing is lost, though nothing is sent.
TEST_F(SessionTest, EventsBeforeTheStateWaitForIt) {
  Connect();
  Welcome(false);
  reconciler_->Attach(MakePortId(2), SampleAttachment(2));
  executor_.RunReady();
  EXPECT_TRUE(Written(v1::AgentMessage::kPortEvent).empty());
  Snapshot(5, SampleState());
  EXPECT_EQ(Written(v1::AgentMessage::kPortEvent).size(), 1u);
}

TEST_F(SessionTest, OneMessageIsUnderWayAndReceiptsCoalesce) {
  reconciler_->Attach(kPort, SampleAttachment(1));
  Establish();
  streams_.finish_writes = false;
  const size_t before = streams_.written.size();
  for (uint64_t epoch = 2; epoch < 50; ++epoch) {
    Snapshot(4 + epoch, SampleState(PortPhase::kActive, epoch));
  }
  EXPECT_EQ(streams_.written.size(), before + 1);
  streams_.finish_writes = true;
  streams_.FinishWrite();
  executor_.RunReady();
  EXPECT_EQ(Written(v1::AgentMessage::kReceipt).back().receipt().epoch(), 49u);
  EXPECT_EQ(Written(v1::AgentMessage::kAck).back().ack().generation(), 53u);
  EXPECT_LE(streams_.written.size(), before + 4) << "the newest counts";
}

TEST_F(SessionTest, CountersComeAtTheIntervalGiven) {
  datapath_.SetHostDrops({{"not_a_member", 3}});
  Establish();
  executor_.Advance(29s);
  const auto counters = Written(v1::AgentMessage::kCounters);
  ASSERT_EQ(counters.size(), 3u);
  EXPECT_EQ(counters[0].counters().host_drops().at("not_a_member"), 3u);
  Break(absl::UnavailableError("gone"));
  executor_.Advance(1s);
  executor_.Advance(10s);
  EXPECT_TRUE(Written(v1::AgentMessage::kCounters).empty()) << "not before the welcome";
}

// As many as three thousand ports of a hundred rules have: more than the controller takes at once.
TEST(CounterMessages, ManyRulesComeInParts) {
  datapath::PortCounters counters;
  for (uint32_t rule = 1; rule <= 10'000; ++rule) {
    counters.rules[{datapath::Direction::kIngress, rule}] = {.packets = ~uint64_t{0},
                                                             .bytes = ~uint64_t{0}};
  }
  std::map<PortId, datapath::PortCounters> given;
  for (int port = 1; port <= 30; ++port) given[MakePortId(port)] = counters;
  std::set<std::string> ports;
  int host_drops = 0;
  for (const v1::Counters& message : ToMessages(given, {{"not_a_member", 3}}, 1 << 20)) {
    EXPECT_LE(message.ByteSizeLong(), (1u << 20) + 4096);
    host_drops += message.host_drops_size();
    for (const auto& port : message.ports()) {
      EXPECT_TRUE(ports.insert(port.port_id()).second);
      EXPECT_EQ(port.rules_size(), 10'000);
    }
  }
  EXPECT_EQ(ports.size(), 30u);
  EXPECT_EQ(host_drops, 1);
  EXPECT_EQ(ToMessages({}, {}, 1 << 20).size(), 1u) << "the sign of life";
}

TEST_F(SessionTest, BackoffGrowsToTenSecondsWithJitter) {
  random_ = 0;  // the shortest: half
  Connect();
  std::vector<int64_t> waits;
  for (int i = 0; i < 9; ++i) {
    const int opened = streams_.opened;
    Break(absl::UnavailableError("refused"));
    const auto begin = executor_.now();
    while (streams_.opened == opened) executor_.Advance(10ms);
    waits.push_back((executor_.now() - begin).count() / 1000);
  }
  EXPECT_EQ(waits, (std::vector<int64_t>{100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000}));
  Welcome(false);
  Snapshot(5, SampleState());
  Break(absl::UnavailableError("gone"));
  const int opened = streams_.opened;
  executor_.Advance(100ms);
  EXPECT_EQ(streams_.opened, opened + 1) << "a good session starts the backoff anew";
}

TEST_F(SessionTest, AControllerThatSaysNothingIsLeft) {
  Connect();
  executor_.Advance(ControllerSession::kAnswerTime);
  EXPECT_FALSE(streams_.open);
  executor_.Advance(1s);
  EXPECT_EQ(streams_.opened, 2);
}

TEST_F(SessionTest, ANewCertificateReconnectsAtOnce) {
  Establish();
  session_->Reconnect();
  executor_.RunReady();
  EXPECT_EQ(streams_.opened, 2);
  Welcome(true);
  EXPECT_TRUE(session_->status().connected);
}

TEST_F(SessionTest, TooManyWaitingEventsStartANewSession) {
  Establish();
  streams_.finish_writes = false;
  for (size_t i = 0; i < Outbox::kMaxEvents + 2; ++i) {
    session_->OnPortEvent({.kind = PortEvent::Kind::kDetached,
                           .port = MakePortId(3),
                           .attachment = std::nullopt,
                           .epoch = {},
                           .time_us = 0,
                           .ether_type = 0});
  }
  executor_.RunReady();
  EXPECT_THAT(session_->status().detail, HasSubstr("too many"));
}

// Once when a session is there, and again by every one that begins later.
}  // namespace
}  // namespace outrider::agent
