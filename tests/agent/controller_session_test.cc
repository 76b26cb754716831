#include "vswitch/agent/controller_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "tests/agent/manual_executor.h"
#include "tests/agent/sample_states.h"
#include "tests/agent/scripted_stream.h"
#include "tests/agent/temp_dir.h"
#include "tests/fakes/fake_datapath.h"
#include "vswitch/agent/messages.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

const PortId kPort = MakePortId(1);

class SessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto store = LocalStore::Open(directory_ / "agent.db");
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
    reconciler_ = std::make_unique<Reconciler>(Reconciler::Dependencies{
        .executor = &executor_, .datapath = &datapath_, .store = store_.get(), .clock = [this] {
          return executor_.Wall();
        }});
    ASSERT_TRUE(reconciler_->Start().ok());
    session_ = std::make_unique<ControllerSession>(
        ControllerSession::Self{.host_id = "h1",
                                .agent_version = "1",
                                .datapath = "fake",
                                .vteps = {"10.0.1.1"},
                                .underlay_mtu = 1500,
                                .uplinks = {"net"},
                                .instance_id = store_->instance_id(),
                                .peer_port = 7444},
        ControllerSession::Dependencies{.executor = &executor_,
                                        .reconciler_executor = &executor_,
                                        .reconciler = reconciler_.get(),
                                        .streams = &streams_,
                                        .counters = &datapath_,
                                        .random = [this] { return random_; },
                                        .clock = [this] { return executor_.Wall(); }});
    reconciler_->SetObserver(session_.get());
  }
  void TearDown() override { datapath_.SetEventSink(nullptr); }

  void Connect() {
    session_->Start();
    executor_.RunReady();
    ASSERT_TRUE(streams_.open);
  }
  void Say(const v1::ControllerMessage& message) {
    streams_.Say(message);
    executor_.RunReady();
  }
  void Welcome(bool resume) {
    v1::ControllerMessage message;
    message.mutable_welcome()->set_store_id("store-1");
    message.mutable_welcome()->set_resume(resume);
    message.mutable_welcome()->set_counters_interval_s(10);
    Say(message);
  }
  void Snapshot(uint64_t generation, const state::HostState& state) {
    v1::ControllerMessage message;
    message.mutable_snapshot()->set_generation(generation);
    *message.mutable_snapshot()->mutable_state() = convert::ToProto(state);
    Say(message);
  }
  void Delta(uint64_t from, uint64_t to, const state::StateDelta& delta) {
    v1::ControllerMessage message;
    message.mutable_delta()->set_from_generation(from);
    message.mutable_delta()->set_to_generation(to);
    *message.mutable_delta()->mutable_delta() = convert::ToProto(delta);
    Say(message);
  }
  void Break(absl::Status status) {
    streams_.Break(std::move(status));
    executor_.RunReady();
  }
  void Establish() {
    Connect();
    Welcome(false);
    Snapshot(5, SampleState());
    ASSERT_TRUE(session_->status().connected);
  }
  // What was written of one kind on the present stream.
  std::vector<v1::AgentMessage> Written(v1::AgentMessage::BodyCase kind) const {
    std::vector<v1::AgentMessage> found;
    for (const auto& message : streams_.written) {
      if (message.body_case() == kind) found.push_back(message);
    }
    return found;
  }

  TempDir directory_;
  ManualExecutor executor_;
  double random_ = 0.999;
  datapath::FakeDatapath datapath_;
  std::unique_ptr<LocalStore> store_;
  std::unique_ptr<Reconciler> reconciler_;
  ScriptedStreams streams_;
  std::unique_ptr<ControllerSession> session_;
};

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
TEST_F(SessionTest, CarriesTheReportsOfMoves) {
  Establish();
  const MoveReport report{.port = kPort,
                          .migration_id = "m-1",
                          .counts = {.mode = datapath::MoveMode::kRedirected,
                                     .replayed = 3,
                                     .redirected = 40,
                                     .lost = 1,
                                     .arrived = 5,
                                     .refused = 2},
                          .redirect_delay_us = 700,
                          .connections = 8,
                          .adopted = 9};
  session_->OnMoveReport(report);
  executor_.RunReady();
  const auto written = Written(v1::AgentMessage::kMove);
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].move().port_id(), kPort.ToString());
  EXPECT_EQ(written[0].move().migration_id(), "m-1");
  const v1::MoveCounters& counters = written[0].move().counters();
  EXPECT_EQ(counters.replayed(), 3u);
  EXPECT_EQ(counters.redirected(), 40u);
  EXPECT_EQ(counters.lost(), 1u);
  EXPECT_EQ(counters.arrived(), 5u);
  EXPECT_EQ(counters.refused(), 2u);
  EXPECT_EQ(counters.redirect_delay_us(), 700);
  EXPECT_EQ(counters.connections(), 8u);
  EXPECT_EQ(counters.adopted(), 9u);
}

TEST_F(SessionTest, CarriesWhatAProbeSaw) {
  Establish();
  session_->OnProbeReport({.port = kPort,
                           .migration_id = "m-1",
                           .from = MakePortId(9),
                           .counts = {.sent = 8,
                                      .answered = 6,
                                      .lost = 2,
                                      .duplicated = 3,
                                      .reordered = 4,
                                      .longest_gap_us = 61240,
                                      .usual_gap_us = 5008,
                                      .round_trip_us = 812},
                           .failure = "none"});
  executor_.RunReady();
  const auto written = Written(v1::AgentMessage::kProbe);
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].probe().migration_id(), "m-1");
  const v1::ProbeResult& result = written[0].probe().result();
  EXPECT_EQ(result.port_id(), kPort.ToString());
  EXPECT_EQ(result.from_port_id(), MakePortId(9).ToString());
  EXPECT_EQ(result.host(), "") << "the controller knows who says so";
  EXPECT_EQ(result.sent(), 8u);
  EXPECT_EQ(result.answered(), 6u);
  EXPECT_EQ(result.lost(), 2u);
  EXPECT_EQ(result.duplicated(), 3u);
  EXPECT_EQ(result.reordered(), 4u);
  EXPECT_EQ(result.longest_gap_us(), 61240);
  EXPECT_EQ(result.usual_gap_us(), 5008);
  EXPECT_EQ(result.round_trip_us(), 812);
  EXPECT_EQ(result.failure(), "none");
}

// A slow stream gets the newest of a move, not one after the other.
TEST_F(SessionTest, OfAMoveTheNewestReportWaits) {
  Establish();
  streams_.finish_writes = false;
  session_->OnMoveReport({.port = MakePortId(9), .migration_id = "m-0", .counts = {}});
  executor_.RunReady();
  for (uint64_t n = 1; n <= 3; ++n) {
    session_->OnMoveReport({.port = kPort, .migration_id = "m-1", .counts = {.redirected = n}});
  }
  executor_.RunReady();
  streams_.finish_writes = true;
  streams_.FinishWrite();
  executor_.RunReady();
  const auto written = Written(v1::AgentMessage::kMove);
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(written[1].move().counters().redirected(), 3u);
}

TEST_F(SessionTest, SaysWhichMigrationAGuestPausedFor) {
  Establish();
  PortEvent event;
  event.kind = PortEvent::Kind::kPaused;
  event.port = kPort;
  event.time_us = 5;
  event.trigger = kQmpTrigger;
  event.migration_id = "m-1";
  for (const auto kind : {PortEvent::Kind::kPaused, PortEvent::Kind::kResumed,
                          PortEvent::Kind::kRedirected, PortEvent::Kind::kLoaded}) {
    event.kind = kind;
    session_->OnPortEvent(event);
  }
  executor_.RunReady();
  const auto written = Written(v1::AgentMessage::kPortEvent);
  ASSERT_EQ(written.size(), 4u);
  EXPECT_EQ(written[0].port_event().kind(), v1::PortEvent::KIND_PAUSED);
  EXPECT_EQ(written[0].port_event().trigger(), "qmp");
  EXPECT_EQ(written[0].port_event().migration_id(), "m-1");
  EXPECT_EQ(written[0].port_event().time_us(), 5);
  EXPECT_EQ(written[1].port_event().kind(), v1::PortEvent::KIND_RESUMED);
  EXPECT_EQ(written[2].port_event().kind(), v1::PortEvent::KIND_REDIRECTED);
  EXPECT_EQ(written[3].port_event().kind(), v1::PortEvent::KIND_LOADED);
}

// Where the guest's QEMU listens is nobody else's.
TEST_F(SessionTest, AQmpSocketStaysOnTheHost) {
  Establish();
  state::Attachment attachment = SampleAttachment(1);
  attachment.qmp = "/run/vm/web-1.qmp";
  reconciler_->Attach(kPort, attachment);
  executor_.RunReady();
  const auto written = Written(v1::AgentMessage::kPortEvent);
  ASSERT_EQ(written.size(), 1u);
  EXPECT_EQ(written[0].port_event().attachment().device(), "tap1");
  EXPECT_EQ(written[0].port_event().attachment().qmp(), "");
}

}  // namespace
}  // namespace outrider::agent
