// What the source of a move sends, and when: over a fake link, with time moved by hand.
#include "vswitch/agent/memory_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/fake_peer_links.h"
#include "tests/agent/manual_executor.h"
#include "tests/agent/sample_states.h"
#include "tests/fakes/fake_datapath.h"
#include "tests/fakes/fake_port_memory.h"

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

const PortId kPort = MakePortId(1);

datapath::PortCounters Counters(uint64_t rx_packets) {
  datapath::PortCounters counters;
  counters.rx_packets = rx_packets;
  return counters;
}

class MemorySenderTest : public ::testing::Test {
 protected:
  MemorySenderTest() {
    memory_.Touch(kPort, "a", "a0");
    memory_.Touch(kPort, "b", "b0");
    memory_.SetLevels(kPort, {{.kind = 1, .bytes = 500, .packets = 1024}});
    datapath_.Apply(state::ComputeDelta({}, SampleState()));
    datapath_.SetCounters(kPort, Counters(7));
  }

  static state::HostState Leaving(const std::string& peer = "192.0.2.2:7444",
                                  const std::string& migration = "m-1") {
    state::HostState state = SampleState();
    state.departures[kPort] = {.migration_id = migration,
                               .vtep = *IpAddress::Parse("192.0.2.2"),
                               .epoch = Epoch{2},
                               .label = 5,
                               .host = "h2",
                               .peer = peer};
    return state;
  }
  void Follow(const state::HostState& wanted) {
    sender_.Follow(wanted, SampleState());
    executor_.RunReady();
  }
  // Keys of the connections in the request that waits now.
  std::vector<std::string> Sent() {
    request_ = links_.Take();
    EXPECT_TRUE(request_.has_value());
    std::vector<std::string> keys;
    if (!request_) return keys;
    for (const auto& connection : request_->connections()) keys.push_back(connection.key());
    return keys;
  }
  // In the request that Sent() looked at.
  std::vector<std::string> Ended() const {
    return {request_->ended().begin(), request_->ended().end()};
  }
  void Answer(uint64_t incarnation = 1) {
    links_.Answer(incarnation);
    executor_.RunReady();
  }
  void Fail(const absl::Status& status) {
    links_.Fail(status);
    executor_.RunReady();
  }
  static std::vector<Membership> Joined() {
    return {{.group = {MakeVni(7), *IpAddress::Parse("239.1.1.1")}, .left_us = 5'000'000}};
  }
  bool IsWhole() const { return request_->has_counters() && request_->levels_size() == 1; }

  ManualExecutor executor_;
  datapath::FakePortMemory memory_;
  datapath::FakeDatapath datapath_;
  FakePeerLinks links_;
  MemorySender sender_{{.executor = &executor_,
                        .memory = &memory_,
                        .counters = &datapath_,
                        .links = &links_,
                        .clock = [this] { return executor_.Wall(); },
                        .memberships = [](const PortId&) { return Joined(); }}};
  std::optional<v1::PutPortMemoryRequest> request_;
};

TEST_F(MemorySenderTest, EverythingGoesAsSoonAsThereIsAPeer) {
  Follow(Leaving(""));
  EXPECT_THAT(links_.opened, IsEmpty()) << "it does not listen";
  Follow(Leaving());
  EXPECT_THAT(links_.opened, ElementsAre("h2 at 192.0.2.2:7444"));
  EXPECT_THAT(Sent(), UnorderedElementsAre("a", "b"));
  EXPECT_TRUE(IsWhole());
  EXPECT_EQ(request_->port_id(), kPort.ToString());
  EXPECT_EQ(request_->migration_id(), "m-1");
  EXPECT_EQ(request_->epoch(), 2u);
  EXPECT_EQ(request_->abi_version(), 1u);
  EXPECT_EQ(request_->counters().rx_packets(), 7u);
  EXPECT_EQ(request_->levels(0).bytes(), 500u);
  ASSERT_EQ(request_->memberships_size(), 1);
  EXPECT_EQ(request_->memberships(0).vni(), 7u);
  EXPECT_EQ(request_->memberships(0).group(), "239.1.1.1");
  EXPECT_EQ(request_->memberships(0).left_us(), 5'000'000);
}

TEST_F(MemorySenderTest, ThenOnlyWhatHasChanged) {
  Follow(Leaving());
  Sent();
  const uint64_t first = request_->sequence();
  Answer();
  executor_.Advance(MemorySender::kInterval);
  EXPECT_FALSE(links_.Take().has_value()) << "nothing has";
  memory_.Touch(kPort, "b", "b1");
  memory_.Touch(kPort, "c", "c0");
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), UnorderedElementsAre("b", "c"));
  EXPECT_FALSE(request_->has_counters());
  EXPECT_EQ(request_->levels_size(), 0);
  EXPECT_EQ(request_->memberships_size(), 0);
  EXPECT_GT(request_->sequence(), first);
  Answer();
  executor_.Advance(MemorySender::kInterval);
  EXPECT_FALSE(links_.Take().has_value());
}

TEST_F(MemorySenderTest, ManyGoInParts) {
  for (int i = 0; i < 2500; ++i) memory_.Touch(kPort, "k" + std::to_string(i), "0");
  Follow(Leaving());
  size_t count = 0;
  for (const size_t part : {1000u, 1000u, 502u}) {
    EXPECT_EQ(Sent().size(), part);
    EXPECT_EQ(request_->has_counters(), count == 0) << "once";
    count += part;
    Answer();
  }
  EXPECT_FALSE(links_.Take().has_value());
}

TEST_F(MemorySenderTest, ThePauseIsToldAtOnce) {
  Follow(Leaving());
  Sent();
  Answer();
  memory_.Touch(kPort, "b", "b1");
  datapath_.SetCounters(kPort, Counters(9));
  sender_.GuestPaused(kPort);
  executor_.RunReady();
  EXPECT_THAT(Sent(), ElementsAre("b"));
  EXPECT_TRUE(IsWhole());
  EXPECT_EQ(request_->counters().rx_packets(), 9u);
  Answer();
  memory_.Touch(kPort, "a", "a1");
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), ElementsAre("a")) << "what comes for the guest still passes here";
  EXPECT_FALSE(request_->has_counters());
}

TEST_F(MemorySenderTest, APauseDuringACallIsToldAfterIt) {
  Follow(Leaving());
  Sent();
  sender_.GuestPaused(kPort);
  executor_.RunReady();
  EXPECT_FALSE(links_.Take().has_value()) << "one at a time";
  memory_.Touch(kPort, "b", "b1");
  Answer();
  EXPECT_THAT(Sent(), ElementsAre("b"));
  EXPECT_TRUE(IsWhole());
}

TEST_F(MemorySenderTest, ADepartedPortIsAPausedOne) {
  Follow(Leaving());
  Sent();
  Answer();
  state::HostState departed = Leaving();
  departed.ports.at(kPort).phase = state::PortPhase::kDeparted;
  Follow(departed);
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_TRUE(IsWhole());
  Answer();
  Follow(departed);
  EXPECT_FALSE(links_.Take().has_value()) << "once";
}

TEST_F(MemorySenderTest, WhatFailedIsSentAgainLaterAndLater) {
  Follow(Leaving());
  Sent();
  Fail(absl::UnavailableError("no way"));
  EXPECT_FALSE(links_.Take().has_value());
  executor_.Advance(MemorySender::kFirstBackoff);
  EXPECT_THAT(Sent(), UnorderedElementsAre("a", "b"));
  EXPECT_TRUE(IsWhole());
  Fail(absl::UnavailableError("no way"));
  executor_.Advance(MemorySender::kFirstBackoff);
  EXPECT_FALSE(links_.Take().has_value());
  executor_.Advance(MemorySender::kFirstBackoff);
  EXPECT_THAT(Sent(), UnorderedElementsAre("a", "b"));
  Answer();
  memory_.Touch(kPort, "a", "a1");
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), ElementsAre("a"));
}

TEST_F(MemorySenderTest, APeerThatHasForgottenGetsEverything) {
  Follow(Leaving());
  Sent();
  Answer(1);
  memory_.Touch(kPort, "c", "c0");
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), ElementsAre("c"));
  Answer(2);
  EXPECT_FALSE(links_.Take().has_value()) << "not at once";
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), UnorderedElementsAre("a", "b")) << "c it has";
  EXPECT_TRUE(IsWhole());
  Answer(2);
  executor_.Advance(MemorySender::kInterval);
  EXPECT_FALSE(links_.Take().has_value());
}

TEST_F(MemorySenderTest, TheEndOfTheDepartureIsTheEnd) {
  Follow(Leaving());
  Sent();
  Follow(SampleState());
  EXPECT_EQ(links_.open, 0);
  Answer();
  executor_.Advance(10s);
  EXPECT_FALSE(links_.Take().has_value());
  sender_.GuestPaused(kPort);
  executor_.RunReady();
  EXPECT_FALSE(links_.Take().has_value());
}

TEST_F(MemorySenderTest, AnotherMigrationBeginsAnew) {
  Follow(Leaving());
  Sent();
  const uint64_t first = request_->sequence();
  Follow(Leaving("192.0.2.3:7444", "m-2"));
  EXPECT_EQ(links_.open, 1);
  EXPECT_THAT(Sent(), UnorderedElementsAre("a", "b"));
  EXPECT_EQ(request_->migration_id(), "m-2");
  EXPECT_GT(request_->sequence(), first);
}

TEST_F(MemorySenderTest, ConnectionsThatEndedAreNamedOnce) {
  Follow(Leaving());
  Sent();
  EXPECT_THAT(Ended(), IsEmpty());
  Answer();
  // As the sweep does it; a new one of the same name is news, whatever its version.
  const datapath::ConnectionRecord b = memory_.Look(kPort).connections.at("b");
  memory_.Drop(kPort, "b");
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_THAT(Ended(), ElementsAre("b"));
  EXPECT_EQ(request_->abi_version(), 1u);
  EXPECT_FALSE(IsWhole());
  Answer();
  executor_.Advance(MemorySender::kInterval);
  EXPECT_FALSE(links_.Take().has_value());
  memory_.Put(kPort, b);
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), ElementsAre("b"));
  EXPECT_THAT(Ended(), IsEmpty());
}

TEST_F(MemorySenderTest, OneThatEndedAndBeganAnewHasNotEnded) {
  Follow(Leaving());
  Sent();
  Answer();
  memory_.Drop(kPort, "b");
  memory_.Touch(kPort, "b", "b0");
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), ElementsAre("b"));
  EXPECT_THAT(Ended(), IsEmpty());
}

TEST_F(MemorySenderTest, WhatMayHaveArrivedIsNamedToo) {
  Follow(Leaving());
  Sent();
  // The answer was lost, or the request was.
  Fail(absl::UnavailableError("no way"));
  memory_.Drop(kPort, "b");
  executor_.Advance(MemorySender::kFirstBackoff);
  EXPECT_THAT(Sent(), ElementsAre("a"));
  EXPECT_THAT(Ended(), ElementsAre("b"));
  Fail(absl::UnavailableError("no way"));
  executor_.Advance(2 * MemorySender::kFirstBackoff);
  EXPECT_THAT(Sent(), ElementsAre("a"));
  EXPECT_THAT(Ended(), ElementsAre("b")) << "until it is answered";
  Answer();
  executor_.Advance(MemorySender::kInterval);
  EXPECT_FALSE(links_.Take().has_value());
}

TEST_F(MemorySenderTest, AnotherIncarnationMayStillHaveWhatHasEnded) {
  Follow(Leaving());
  Sent();
  Answer(1);
  memory_.Touch(kPort, "c", "c0");
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), ElementsAre("c"));
  memory_.Drop(kPort, "a");
  Answer(2);
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), ElementsAre("b"));
  EXPECT_THAT(Ended(), ElementsAre("a"));
}

TEST_F(MemorySenderTest, ManyThatEndedGoInParts) {
  for (int i = 0; i < 1498; ++i) memory_.Touch(kPort, "k" + std::to_string(i), "0");
  Follow(Leaving());
  Sent();
  Answer();
  Sent();
  Answer();
  for (const auto& [key, record] : memory_.Look(kPort).connections) memory_.Drop(kPort, key);
  executor_.Advance(MemorySender::kInterval);
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_EQ(Ended().size(), 1000u);
  Answer();
  EXPECT_THAT(Sent(), IsEmpty());
  EXPECT_EQ(Ended().size(), 500u);
  Answer();
  EXPECT_FALSE(links_.Take().has_value());
}

// A table that cannot be read says nothing of what is in it.
TEST_F(MemorySenderTest, APortThatIsGoneHasNotEndedItsConnections) {
  Follow(Leaving());
  Sent();
  Answer();
  memory_.RemovePort(kPort);
  executor_.Advance(MemorySender::kInterval);
  EXPECT_FALSE(links_.Take().has_value());
}

TEST_F(MemorySenderTest, APortThatIsNotInForceHasNothingToSay) {
  sender_.Follow(Leaving(), {});
  executor_.RunReady();
  EXPECT_THAT(links_.opened, IsEmpty());
}

}  // namespace
}  // namespace outrider::agent
