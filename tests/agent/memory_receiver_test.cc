// What the destination of a move takes, and from whom.
#include "vswitch/agent/memory_receiver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/manual_executor.h"
#include "tests/agent/sample_states.h"
#include "tests/fakes/fake_port_memory.h"

namespace outrider::agent {
namespace {

using state::PortPhase;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;

const PortId kPort = MakePortId(1);
constexpr uint64_t kTenSeconds = 10'000'000'000;

class MemoryReceiverTest : public ::testing::Test {
 protected:
  MemoryReceiverTest() { memory_.AddPort(kPort); }

  static state::HostState Arriving(PortPhase phase = PortPhase::kArmed) {
    state::HostState state = SampleState(phase, 2);
    state::Port& port = state.ports.at(kPort);
    port.migration_id = "m-1";
    port.arrival = {.vtep = *IpAddress::Parse("192.0.2.1"), .label = 5, .host = "h1"};
    return state;
  }
  void Follow(const state::HostState& wanted, const state::HostState& in_force) {
    receiver_.Follow(wanted, in_force);
    executor_.RunReady();
  }
  void Follow(const state::HostState& both) { Follow(both, both); }
  static v1::PutPortMemoryRequest Request(uint64_t sequence = 1) {
    v1::PutPortMemoryRequest request;
    request.set_port_id(kPort.ToString());
    request.set_migration_id("m-1");
    request.set_epoch(2);
    request.set_sequence(sequence);
    request.set_abi_version(1);
    v1::PortConnection* connection = request.add_connections();
    connection->set_key("a");
    connection->set_entry("a" + std::to_string(sequence));
    return request;
  }
  absl::StatusCode CodeOf(const std::string& host, const v1::PutPortMemoryRequest& request) {
    return receiver_.Put(host, request).status().code();
  }

  ManualExecutor executor_;
  datapath::FakePortMemory memory_;
  uint64_t random_ = 40;
  std::vector<Membership> joined_;
  ArrivalCounts arrivals_;
  MemoryReceiver receiver_{
      {.executor = &executor_,
       .memory = &memory_,
       .random = [this] { return ++random_; },
       .memberships = [this](const PortId&,
                             const std::vector<Membership>& joined) { joined_ = joined; },
       .arrivals = &arrivals_}};
};

TEST_F(MemoryReceiverTest, TakesAllOfIt) {
  Follow(Arriving());
  v1::PutPortMemoryRequest request = Request();
  v1::PortLevel* level = request.add_levels();
  level->set_kind(1);
  level->set_bytes(500);
  level->set_packets(1024);
  request.mutable_counters()->set_rx_packets(7);
  (*request.mutable_counters()->mutable_drops())["acl_ingress"] = 3;
  v1::RuleCounter* rule = request.mutable_counters()->add_rules();
  rule->set_direction(v1::RuleCounter::DIRECTION_EGRESS);
  rule->set_number(4);
  rule->set_packets(9);
  request.mutable_counters()->add_rules()->set_packets(1);
  const auto response = receiver_.Put("h1", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->incarnation(), 41u);
  EXPECT_EQ(response->taken(), 1u);
  EXPECT_EQ(response->refused(), 0u);
  const auto held = memory_.Look(kPort);
  EXPECT_EQ(held.connections.at("a").entry, "a1");
  ASSERT_EQ(held.levels.size(), 1u);
  EXPECT_EQ(held.levels[0].bytes, 500u);
  ASSERT_TRUE(held.base.has_value());
  EXPECT_EQ(held.base->rx_packets, 7u);
  EXPECT_THAT(held.base->drops, ElementsAre(std::pair("acl_ingress", 3)));
  ASSERT_EQ(held.base->rules.size(), 1u) << "a rule of no direction is none";
  EXPECT_EQ(held.base->rules.begin()->second.packets, 9u);
}

TEST_F(MemoryReceiverTest, MembershipsArePassedOnAsFarAsTheyMakeSense) {
  Follow(Arriving());
  v1::PutPortMemoryRequest request = Request();
  const auto add = [&](uint32_t vni, const std::string& group, int64_t left_us) {
    v1::PortMembership* membership = request.add_memberships();
    membership->set_vni(vni);
    membership->set_group(group);
    membership->set_left_us(left_us);
  };
  add(7, "239.1.1.1", 5);
  add(0, "239.1.1.1", 5);
  add(1 << 24, "239.1.1.1", 5);
  add(7, "x", 5);
  add(7, "239.1.1.2", 0);
  add(7, "::", 6);
  ASSERT_TRUE(receiver_.Put("h1", request).ok());
  EXPECT_THAT(joined_, ElementsAre(Membership{{MakeVni(7), *IpAddress::Parse("239.1.1.1")}, 5},
                                   Membership{{MakeVni(7), IpAddress()}, 6}));
}

TEST_F(MemoryReceiverTest, WhatIsLeftOutStays) {
  Follow(Arriving());
  v1::PutPortMemoryRequest request = Request(1);
  request.mutable_counters()->set_rx_packets(7);
  ASSERT_TRUE(receiver_.Put("h1", request).ok());
  ASSERT_TRUE(receiver_.Put("h1", Request(2)).ok());
  EXPECT_EQ(memory_.Look(kPort).base->rx_packets, 7u);
  EXPECT_EQ(memory_.Look(kPort).connections.at("a").entry, "a2");
}

TEST_F(MemoryReceiverTest, WhatHasEndedGoesAndMakesRoom) {
  Follow(Arriving());
  ASSERT_TRUE(receiver_.Put("h1", Request(1)).ok());
  memory_.SetRoom(kPort, 1);
  v1::PutPortMemoryRequest request = Request(2);
  request.mutable_connections(0)->set_key("b");
  request.add_ended("a");
  request.add_ended("x");
  const auto response = receiver_.Put("h1", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->taken(), 1u);
  EXPECT_EQ(response->refused(), 0u);
  EXPECT_THAT(memory_.Look(kPort).connections, ElementsAre(Key("b")));
}

TEST_F(MemoryReceiverTest, KeysOfAnotherVersionEndNothing) {
  Follow(Arriving());
  ASSERT_TRUE(receiver_.Put("h1", Request(1)).ok());
  v1::PutPortMemoryRequest request = Request(2);
  request.clear_connections();
  request.set_abi_version(2);
  request.add_ended("a");
  ASSERT_TRUE(receiver_.Put("h1", request).ok());
  EXPECT_THAT(memory_.Look(kPort).connections, ElementsAre(Key("a")));
}

TEST_F(MemoryReceiverTest, OnlyTheHostItComesFromMaySpeak) {
  Follow(Arriving());
  EXPECT_EQ(CodeOf("h3", Request()), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeOf("", Request()), absl::StatusCode::kPermissionDenied);
  v1::PutPortMemoryRequest other = Request();
  other.set_port_id(MakePortId(2).ToString());
  EXPECT_EQ(CodeOf("h1", other), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(memory_.Look(kPort).connections, IsEmpty());
  ASSERT_TRUE(receiver_.Put("h1", Request()).ok()) << "a refusal uses up no sequence";
}

TEST_F(MemoryReceiverTest, NobodyMayForAPortThatDoesNotArrive) {
  Follow(SampleState());
  EXPECT_EQ(CodeOf("h1", Request()), absl::StatusCode::kPermissionDenied);
  state::HostState nameless = Arriving();
  nameless.ports.at(kPort).arrival->host = "";
  Follow(nameless);
  EXPECT_EQ(CodeOf("", Request()), absl::StatusCode::kPermissionDenied);
  Follow(Arriving());
  ASSERT_TRUE(receiver_.Put("h1", Request()).ok());
  Follow(SampleState());
  EXPECT_EQ(CodeOf("h1", Request(2)), absl::StatusCode::kPermissionDenied) << "it is over";
}

TEST_F(MemoryReceiverTest, AnotherMigrationOrEpochIsNotMeant) {
  Follow(Arriving());
  v1::PutPortMemoryRequest request = Request();
  request.set_migration_id("m-2");
  EXPECT_EQ(CodeOf("h1", request), absl::StatusCode::kFailedPrecondition);
  request = Request();
  request.set_epoch(3);
  EXPECT_EQ(CodeOf("h1", request), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(memory_.Look(kPort).connections, IsEmpty());
}

TEST_F(MemoryReceiverTest, WhatComesLateIsNotTheLastWord) {
  Follow(Arriving());
  ASSERT_TRUE(receiver_.Put("h1", Request(5)).ok());
  EXPECT_EQ(CodeOf("h1", Request(4)), absl::StatusCode::kAborted);
  EXPECT_EQ(CodeOf("h1", Request(5)), absl::StatusCode::kAborted);
  EXPECT_EQ(memory_.Look(kPort).connections.at("a").entry, "a5");
}

TEST_F(MemoryReceiverTest, ASecondArrivalIsAnotherIncarnation) {
  Follow(Arriving());
  EXPECT_EQ(receiver_.Put("h1", Request(5))->incarnation(), 41u);
  Follow(Arriving(PortPhase::kActive));
  EXPECT_EQ(receiver_.Put("h1", Request(6))->incarnation(), 41u);
  state::HostState again = Arriving();
  again.ports.at(kPort).migration_id = "m-2";
  Follow(again);
  v1::PutPortMemoryRequest request = Request(1);
  request.set_migration_id("m-2");
  EXPECT_EQ(receiver_.Put("h1", request)->incarnation(), 42u);
}

TEST_F(MemoryReceiverTest, RecordsOfAnotherVersionAreRefusedAndTheRestTaken) {
  Follow(Arriving());
  memory_.SetAbiVersion(2);
  v1::PutPortMemoryRequest request = Request();
  request.mutable_counters()->set_rx_packets(7);
  const auto response = receiver_.Put("h1", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->taken(), 0u);
  EXPECT_EQ(response->refused(), 1u);
  EXPECT_THAT(response->reason(), HasSubstr("version 1"));
  EXPECT_THAT(memory_.Look(kPort).connections, IsEmpty());
  EXPECT_EQ(memory_.Look(kPort).base->rx_packets, 7u);
}

TEST_F(MemoryReceiverTest, WhatHasNoRoomIsSaid) {
  Follow(Arriving());
  memory_.SetRoom(kPort, 0);
  const auto response = receiver_.Put("h1", Request());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->refused(), 1u);
  EXPECT_THAT(response->reason(), HasSubstr("all the connections it may"));
}

TEST_F(MemoryReceiverTest, NonsenseIsRefused) {
  Follow(Arriving());
  v1::PutPortMemoryRequest request = Request();
  request.set_port_id("x");
  EXPECT_EQ(CodeOf("h1", request), absl::StatusCode::kInvalidArgument);
  request = Request();
  for (int i = 0; i < 1000; ++i) request.add_connections();
  EXPECT_EQ(CodeOf("h1", request), absl::StatusCode::kInvalidArgument);
  request = Request();
  for (int i = 0; i < 1001; ++i) request.add_ended("x");
  EXPECT_EQ(CodeOf("h1", request), absl::StatusCode::kInvalidArgument);
  request = Request();
  for (int i = 0; i < 65; ++i) request.add_levels();
  EXPECT_EQ(CodeOf("h1", request), absl::StatusCode::kInvalidArgument);
  request = Request();
  for (int i = 0; i < 2049; ++i) request.add_memberships();
  EXPECT_EQ(CodeOf("h1", request), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(memory_.Look(kPort).connections, IsEmpty());
}

TEST_F(MemoryReceiverTest, APortTheDatapathDoesNotHaveYetIsToWaitFor) {
  datapath::FakePortMemory empty;
  MemoryReceiver receiver({.executor = &executor_, .memory = &empty, .random = [] { return 1; }});
  receiver.Follow(Arriving(), Arriving());
  EXPECT_EQ(receiver.Put("h1", Request()).status().code(), absl::StatusCode::kNotFound);
  executor_.RunReady();
}

TEST_F(MemoryReceiverTest, NobodyMaySpeakBeforeThePortIsInForce) {
  Follow(Arriving(), {});
  EXPECT_EQ(CodeOf("h1", Request()), absl::StatusCode::kPermissionDenied);
}

TEST_F(MemoryReceiverTest, CountsWhatWasPutIn) {
  Follow(Arriving());
  arrivals_.Follow(Arriving(), Arriving());
  v1::PutPortMemoryRequest request = Request(1);
  request.add_connections()->set_key("b");
  ASSERT_TRUE(receiver_.Put("h1", request).ok());
  ASSERT_TRUE(receiver_.Put("h1", Request(2)).ok());
  EXPECT_EQ(CodeOf("h2", Request(3)), absl::StatusCode::kPermissionDenied);
  request = Request(4);
  request.set_abi_version(2);
  request.add_connections()->set_key("c");
  ASSERT_TRUE(receiver_.Put("h1", request).ok());
  EXPECT_EQ(arrivals_.Of(kPort, "m-1").connections, 2u);
}

TEST_F(MemoryReceiverTest, AdoptionIsAllowedAndBeginsWithTheGuest) {
  Follow(Arriving());
  EXPECT_THAT(memory_.Look(kPort).adoptions, ElementsAre(kTenSeconds));
  Follow(Arriving());
  EXPECT_THAT(memory_.Look(kPort).adoptions, ElementsAre(kTenSeconds)) << "once";
  // The controller has not heard of it yet.
  Follow(Arriving(), Arriving(PortPhase::kActive));
  EXPECT_THAT(memory_.Look(kPort).adoptions, ElementsAre(kTenSeconds, kTenSeconds));
  Follow(Arriving(PortPhase::kActive));
  EXPECT_THAT(memory_.Look(kPort).adoptions, ElementsAre(kTenSeconds, kTenSeconds));
}

TEST_F(MemoryReceiverTest, ARestartDoesNotBeginTheTimeAnew) {
  Follow(Arriving(PortPhase::kActive));
  EXPECT_THAT(memory_.Look(kPort).adoptions, IsEmpty());
}

}  // namespace
}  // namespace outrider::agent
