// A probe from its row's coming to its going: what is sent, and what is said of it.
#include "vswitch/agent/move_prober.h"

#include <gtest/gtest.h>

#include <deque>

#include "tests/agent/manual_executor.h"
#include "tests/agent/sample_states.h"

namespace outrider::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const PortId kMoving = MakePortId(9);
const PortId kAsker = MakePortId(1);
constexpr size_t kTypeOffset = 34;

// A guest at the other end that answers at once, if it does.
struct Wire {
  bool answers = true;
  absl::Status status;
  std::vector<std::vector<uint8_t>> sent;
  std::deque<std::vector<uint8_t>> replies;
  int open = 0;
};

class FakeEchoSocket final : public sys::EchoSocket {
 public:
  FakeEchoSocket(Wire* wire, const ManualExecutor* executor) : wire_(wire), executor_(executor) {
    ++wire_->open;
  }
  ~FakeEchoSocket() override { --wire_->open; }
  absl::Status Send(const std::vector<uint8_t>& frame) override {
    RETURN_IF_ERROR(wire_->status);
    wire_->sent.push_back(frame);
    if (!wire_->answers) return absl::OkStatus();
    wire_->replies.push_back(frame);
    wire_->replies.back()[kTypeOffset] = 0;
    return absl::OkStatus();
  }
  std::optional<sys::SeenFrame> Take() override {
    if (wire_->replies.empty()) return std::nullopt;
    sys::SeenFrame seen{.bytes = wire_->replies.front(), .time_us = executor_->now().count()};
    wire_->replies.pop_front();
    return seen;
  }

 private:
  Wire* const wire_;
  const ManualExecutor* const executor_;
};

class FakeInjection final : public datapath::FrameInjection {
 public:
  absl::StatusOr<datapath::InjectionPoint> InjectionPointOf(const PortId& id) override {
    RETURN_IF_ERROR(status);
    asked = id;
    return datapath::InjectionPoint{.ifindex = 7, .mark = 77, .vlan = 0};
  }
  absl::Status status;
  PortId asked;
};

class MoveProberTest : public ::testing::Test {
 protected:
  MoveProberTest() { Make(&injection_); }

  void Make(datapath::FrameInjection* injection) {
    prober_ = std::make_unique<MoveProber>(MoveProber::Dependencies{
        .executor = &executor_,
        .injection = injection,
        .open = [this](const datapath::InjectionPoint& point,
                       uint16_t identifier) -> absl::StatusOr<std::unique_ptr<sys::EchoSocket>> {
          EXPECT_EQ(point.ifindex, 7u);
          EXPECT_EQ(point.mark, 77u);
          identifiers_.push_back(identifier);
          return std::make_unique<FakeEchoSocket>(&wire_, &executor_);
        },
        .clock = [this] { return executor_.now().count(); },
        .random = [this] { return ++random_; },
        .tell = [this](const ProbeReport& report) { reports_.push_back(report); }});
  }
  static state::MoveProbe Row(const std::string& migration = "m-1") {
    return {.migration_id = migration,
            .from = kAsker,
            .from_ip = *IpAddress::Parse("10.0.0.1"),
            .mac = MakeMac(9),
            .ip = *IpAddress::Parse("10.0.0.9"),
            .rate_pps = 200};
  }
  // A pass of the reconciler, with these probes; the port that asks is in `in_force`.
  void Follow(const std::map<PortId, state::MoveProbe>& probes,
              const state::HostState& in_force = SampleState()) {
    state::HostState wanted = SampleState();
    wanted.probes = probes;
    prober_->Follow(wanted, in_force);
    executor_.RunReady();
  }
  // As after the start, when nothing is probed; then a probe that has just come.
  void Begin() {
    Follow({});
    Follow({{kMoving, Row()}});
  }
  void EndAndSettle() {
    Follow({});
    executor_.Advance(seconds(3));
  }
  void ExpectFailure(const std::string& failure) {
    ASSERT_EQ(reports_.size(), 1u);
    EXPECT_EQ(reports_[0].failure, failure);
    EXPECT_EQ(reports_[0].port, kMoving);
    EXPECT_EQ(reports_[0].migration_id, "m-1");
    EXPECT_EQ(wire_.open, 0);
  }

  ManualExecutor executor_;
  FakeInjection injection_;
  Wire wire_;
  uint64_t random_ = 0;
  std::vector<uint16_t> identifiers_;
  std::vector<ProbeReport> reports_;
  std::unique_ptr<MoveProber> prober_;
};

TEST_F(MoveProberTest, AsksAtItsRateUntilTheRowGoesAndSaysWhatItSaw) {
  Begin();
  EXPECT_EQ(injection_.asked, kAsker);
  executor_.Advance(milliseconds(995));
  Follow({});
  EXPECT_EQ(wire_.sent.size(), 200u);
  EXPECT_TRUE(reports_.empty()) << "the last answers have time";
  executor_.Advance(seconds(3));
  EXPECT_EQ(wire_.sent.size(), 200u);
  ASSERT_EQ(reports_.size(), 1u);
  const ProbeReport& report = reports_[0];
  EXPECT_EQ(report.port, kMoving);
  EXPECT_EQ(report.migration_id, "m-1");
  EXPECT_EQ(report.from, kAsker);
  EXPECT_EQ(report.failure, "");
  EXPECT_EQ(report.counts.sent, 200u);
  EXPECT_EQ(report.counts.answered, 200u);
  EXPECT_EQ(report.counts.lost, 0u);
  EXPECT_EQ(report.counts.longest_gap_us, 5000);
  EXPECT_EQ(wire_.open, 0);
}

TEST_F(MoveProberTest, RequestsAreThePortsOwnAndNumbered) {
  Begin();
  executor_.Advance(milliseconds(5));
  const EchoPair pair{.from_mac = MakeMac(1),
                      .from_ip = *IpAddress::Parse("10.0.0.1"),
                      .to_mac = MakeMac(9),
                      .to_ip = *IpAddress::Parse("10.0.0.9")};
  const EchoName name{.identifier = 1, .token = 2};
  EXPECT_EQ(identifiers_, std::vector<uint16_t>{1});
  EXPECT_EQ(wire_.sent, (std::vector<std::vector<uint8_t>>{EchoRequest(pair, name, 0),
                                                           EchoRequest(pair, name, 1)}));
}

TEST_F(MoveProberTest, AGuestThatDoesNotAnswerIsLoss) {
  Begin();
  executor_.Advance(milliseconds(500));
  wire_.answers = false;
  executor_.Advance(milliseconds(500));
  EndAndSettle();
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(reports_[0].counts.sent, 201u);
  EXPECT_EQ(reports_[0].counts.answered, 101u);
  EXPECT_EQ(reports_[0].counts.lost, 100u);
}

TEST_F(MoveProberTest, WhatWasUnderWayWhenTheAgentDiedIsNotTakenUp) {
  Follow({{kMoving, Row()}});
  ExpectFailure("the agent of this host was restarted meanwhile");
  executor_.Advance(seconds(1));
  state::HostState changed = SampleState();
  changed.ports[kAsker].phase = state::PortPhase::kBlocked;
  Follow({{kMoving, Row()}}, changed);
  Follow({{kMoving, Row()}});
  EXPECT_EQ(reports_.size(), 1u);
  EXPECT_TRUE(wire_.sent.empty());
  Follow({{kMoving, Row("m-2")}});
  EXPECT_EQ(wire_.sent.size(), 1u) << "the next migration is another matter";
}

TEST_F(MoveProberTest, TheNextMigrationOfAPortIsProbedWhileTheLastAnswersComeIn) {
  Begin();
  executor_.Advance(milliseconds(100));
  Follow({{kMoving, Row("m-2")}});
  EXPECT_EQ(wire_.open, 2);
  executor_.Advance(seconds(2));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(reports_[0].migration_id, "m-1");
  EXPECT_EQ(wire_.open, 1);
}

TEST_F(MoveProberTest, ADatapathThatCannotSaysSo) {
  Make(nullptr);
  Begin();
  ExpectFailure("the datapath of this host sends nothing in a guest's name");
}

TEST_F(MoveProberTest, APortThatIsNotActiveAsksNothing) {
  Follow({});
  Follow({{kMoving, Row()}}, SampleState(state::PortPhase::kBlocked));
  ExpectFailure("the port that asks is not active on this host");
}

TEST_F(MoveProberTest, ADatapathThatRefusesIsTheReason) {
  injection_.status = absl::NotFoundError("it has no segment without a VLAN");
  Begin();
  ExpectFailure("it has no segment without a VLAN");
}

// Whether or not its row goes with it: what came later was not seen.
TEST_F(MoveProberTest, APortThatLeavesEndsItsProbes) {
  for (const bool with_row : {false, true}) {
    reports_.clear();
    Follow({});
    Follow({{kMoving, Row()}});
    executor_.Advance(milliseconds(100));
    state::HostState left = SampleState();
    left.ports.clear();
    with_row ? Follow({}, left) : Follow({{kMoving, Row()}}, left);
    ExpectFailure("the port that asks is not active on this host");
    EXPECT_EQ(reports_[0].counts.sent, 21u) << "what was seen is said all the same";
  }
}

TEST_F(MoveProberTest, AnAddressThatChangesEndsIt) {
  Begin();
  state::MoveProbe row = Row();
  row.mac = MakeMac(8);
  Follow({{kMoving, row}});
  ExpectFailure("an address has changed meanwhile");
  EndAndSettle();
  EXPECT_EQ(reports_.size(), 1u);
}

TEST_F(MoveProberTest, ADeviceThatIsFullIsAskedAgainAndOneThatIsDownEndsIt) {
  Begin();
  wire_.status = absl::UnavailableError("full");
  executor_.Advance(milliseconds(100));
  EXPECT_EQ(wire_.sent.size(), 1u);
  wire_.status = absl::OkStatus();
  executor_.Advance(milliseconds(10));
  EXPECT_EQ(wire_.sent.size(), 3u);
  wire_.status = absl::FailedPreconditionError("the device is down");
  executor_.Advance(milliseconds(5));
  ExpectFailure("the device of the port that asks: the device is down");
}

TEST_F(MoveProberTest, OneThatCouldNotSendSaysSo) {
  wire_.status = absl::UnavailableError("full");
  Begin();
  EndAndSettle();
  ExpectFailure("nothing could be sent");
}

TEST_F(MoveProberTest, NoControllerKeepsItForEver) {
  Follow({});
  state::MoveProbe slow = Row();
  slow.rate_pps = 1;
  Follow({{kMoving, slow}});
  executor_.Advance(MoveProber::kLongest + seconds(3));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(reports_[0].failure, "");
  EXPECT_EQ(reports_[0].counts.sent, 24u * 3600);
}

TEST_F(MoveProberTest, ThereIsAnEndToHowManyThereAre) {
  Follow({});
  std::map<PortId, state::MoveProbe> probes;
  for (size_t n = 0; n <= MoveProber::kMaxProbes; ++n) {
    probes[MakePortId(static_cast<uint8_t>(100 + n))] = Row();
  }
  Follow(probes);
  EXPECT_EQ(wire_.open, static_cast<int>(MoveProber::kMaxProbes));
  ASSERT_EQ(reports_.size(), 1u);
  EXPECT_EQ(reports_[0].failure, "this host probes 64 ports already");
}

}  // namespace
}  // namespace outrider::agent
