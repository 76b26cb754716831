// What a session tells of ports that move.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/session_fixture.h"
#include "vswitch/agent/messages.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

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
