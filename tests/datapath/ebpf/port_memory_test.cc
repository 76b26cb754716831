// What a port remembers goes from one host's datapath to another's: real TCP whose guest moves, the
// level of limits, counters that go on.
#include "vswitch/datapath/port_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>

#include "tests/datapath/ebpf/tcp_guest.h"
#include "tests/datapath/ebpf/traffic_fixture.h"
#include "vswitch/abi/or_abi.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using state::PortPhase;
using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::SizeIs;
using tests::MakeDigest;
using tests::MakePortId;

constexpr char kVtepA[] = "10.99.0.1";
constexpr char kVtepB[] = "10.99.0.2";
constexpr uint64_t kTenSeconds = 10'000'000'000;

PortCounters Counters(uint64_t rx_packets) {
  PortCounters counters;
  counters.rx_packets = rx_packets;
  return counters;
}

class Adoptions final : public EventSink {
 public:
  void OnFirstFrame(const FirstFrameEvent&) override {}
  void OnAdoption(const AdoptionEvent& event) override {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  // Once there is one, or after 5 s.
  std::vector<AdoptionEvent> Await() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(5), [this] { return !events_.empty(); });
    return events_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<AdoptionEvent> events_;
};

// Guest 1 moves from host A to B, where guest 2 is. Its port is stateful: it may open TCP
// connections, and nobody may to it.
class PortMemoryTest : public ::testing::Test {
 protected:
  PortMemoryTest() : one_(&a_, "port1", 1), two_(&b_, "port2", 2) {
    tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                      {.netns = &b_.netns(), .name = "underlay"});
    tests::AddAddress(a_.netns(), "underlay", std::string(kVtepA) + "/24");
    tests::AddAddress(b_.netns(), "underlay", std::string(kVtepB) + "/24");
    a_.Start();
    b_.Start();
    a_.Become(WithOne(PortPhase::kActive, EmptySegment({tests::Ip(kVtepB)})));
    b_.Become(StateOfB());
  }
  ~PortMemoryTest() override { b_.datapath().SetEventSink(nullptr); }

  // With port 1, and where guest 2 is.
  HostState WithOne(PortPhase phase, HostState state) {
    state::AclRule tcp;
    tcp.protocol = IPPROTO_TCP;
    tcp.action = state::AclAction::kAllowRelated;
    tcp.number = 1;
    state.rule_sets[MakeDigest(1)] = {.rules = {tcp}, .default_action = state::AclAction::kDrop};
    state.rule_sets[MakeDigest(2)] = {.rules = {}, .default_action = state::AclAction::kDrop};
    state::Port& port = state.ports[kPort];
    port = ActivePort(1, "port1");
    port.mac = one_.mac();
    port.ingress_rule_set = MakeDigest(1);
    port.egress_rule_set = MakeDigest(2);
    port.max_connections = 100;
    port.phase = phase;
    port.ingress_policer = {.rate_kbps = 80'000, .burst_kb = 8'000'000};
    state.fdb.insert_or_assign({kSegment, one_.mac()}, state::FdbEntry{kPort, Epoch{1}});
    if (!state.ports.contains(MakePortId(2))) {
      state.fdb.insert_or_assign({kSegment, two_.mac()},
                                 state::FdbEntry{tests::Ip(kVtepB), Epoch{1}});
    }
    return state;
  }
  HostState StateOfB() {
    HostState state = EmptySegment({tests::Ip(kVtepA)});
    state::Port& port = state.ports[MakePortId(2)];
    port = ActivePort(2, "port2");
    port.mac = two_.mac();
    state.fdb.insert_or_assign({kSegment, two_.mac()}, state::FdbEntry{MakePortId(2), Epoch{1}});
    state.fdb.insert_or_assign({kSegment, one_.mac()},
                               state::FdbEntry{tests::Ip(kVtepA), Epoch{1}});
    return state;
  }
  // The port waits at B. Its device comes with the guest.
  void Arm() {
    HostState state = WithOne(PortPhase::kArmed, StateOfB());
    state.ports.at(kPort).device.reset();
    state.fdb.insert_or_assign({kSegment, one_.mac()},
                               state::FdbEntry{tests::Ip(kVtepA), Epoch{1}});
    b_.Become(state);
  }
  void Move() {
    one_.MoveTo(&b_, "port1");
    b_.Become(WithOne(PortPhase::kActive, StateOfB()));
  }
  Session Open() {
    Session session{.listener = two_.Listen(), .client = one_.Connect(two_), .server = {}};
    session.server = Accept(session.listener);
    EXPECT_EQ(Transfer(session.client, session.server, 1000), 1000u);
    return session;
  }
  uint32_t CountAt(EbpfHost* host) {
    return host->datapath().ReadPorts().value().at(kPort).connections;
  }

  const PortId kPort = MakePortId(1);
  EbpfHost a_{kVtepA};
  EbpfHost b_{kVtepB};
  TcpGuest one_;
  TcpGuest two_;
};

TEST_F(PortMemoryTest, AConnectionGoesOnWhereItsGuestIs) {
  const Session session = Open();
  Arm();
  const auto records = a_.datapath().ExportConnections(kPort);
  ASSERT_TRUE(records.ok()) << records.status();
  ASSERT_THAT(*records, SizeIs(1));
  const auto result = b_.datapath().ImportConnections(kPort, *records);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->taken, 1u);
  EXPECT_EQ(result->refused, 0u) << result->reason;
  EXPECT_EQ(CountAt(&b_), 1u);
  Move();
  EXPECT_EQ(Transfer(session.server, session.client, 200'000), 200'000u);
  EXPECT_EQ(Transfer(session.client, session.server, 200'000), 200'000u);
  EXPECT_EQ(b_.PortDrops(kPort, "connection_invalid"), 0u);
  EXPECT_EQ(CountAt(&b_), 1u);
}

TEST_F(PortMemoryTest, WhatIsNotSentAnewIsOfTheSameVersion) {
  const Session session = Open();
  const auto first = a_.datapath().ExportConnections(kPort).value();
  EXPECT_EQ(a_.datapath().ExportConnections(kPort).value()[0].version, first[0].version);
  ASSERT_EQ(Transfer(session.client, session.server, 1000), 1000u);
  EXPECT_NE(a_.datapath().ExportConnections(kPort).value()[0].version, first[0].version);
}

TEST_F(PortMemoryTest, AConnectionThatWasLostIsAdoptedAndTold) {
  Adoptions adoptions;
  b_.datapath().SetEventSink(&adoptions);
  const Session session = Open();
  Arm();
  ASSERT_EQ(b_.datapath().AllowAdoption(kPort, kTenSeconds), absl::OkStatus());
  Move();
  EXPECT_EQ(Transfer(session.server, session.client, 200'000), 200'000u);
  EXPECT_EQ(Transfer(session.client, session.server, 200'000), 200'000u);
  const auto events = adoptions.Await();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].port, kPort);
  EXPECT_EQ(events[0].vni, kSegment);
  EXPECT_TRUE(events[0].from_guest);
  EXPECT_EQ(events[0].src, tests::Ip(one_.ip()));
  EXPECT_EQ(events[0].dst, tests::Ip(two_.ip()));
  EXPECT_EQ(events[0].dst_port, kServerPort);
  EXPECT_EQ(CountAt(&b_), 1u);
}

TEST_F(PortMemoryTest, AdoptionCanBeTakenBack) {
  const Session session = Open();
  Arm();
  ASSERT_EQ(b_.datapath().AllowAdoption(kPort, kTenSeconds), absl::OkStatus());
  ASSERT_EQ(b_.datapath().AllowAdoption(kPort, 0), absl::OkStatus());
  ASSERT_EQ(b_.datapath().AllowAdoption(kPort, 0), absl::OkStatus());
  Move();
  ASSERT_EQ(send(session.client.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_GE(b_.AwaitPortDrops(kPort, "connection_invalid", 1), 1u);
}

TEST_F(PortMemoryTest, WhatHasEndedAtTheSourceGoesUnlessItLivesHere) {
  const Session session = Open();
  const UniqueFd second = one_.Connect(two_);
  const UniqueFd accepted = Accept(session.listener);
  Arm();
  const auto records = a_.datapath().ExportConnections(kPort).value();
  ASSERT_THAT(records, SizeIs(2));
  ASSERT_EQ(b_.datapath().ImportConnections(kPort, records)->taken, 2u);
  Move();
  // The first one's frames have come here; nobody has sent any for the second.
  ASSERT_EQ(Transfer(session.client, session.server, 1000), 1000u);
  const auto ended =
      b_.datapath().EndConnections(kPort, {"short", records[0].key, records[1].key, "short"});
  ASSERT_TRUE(ended.ok()) << ended.status();
  EXPECT_EQ(*ended, 1u);
  EXPECT_EQ(CountAt(&b_), 1u);
  EXPECT_EQ(Transfer(session.server, session.client, 1000), 1000u);
  EXPECT_EQ(b_.PortDrops(kPort, "connection_invalid"), 0u);
}

// More than the program takes at once.
TEST_F(PortMemoryTest, ManyEndTogether) {
  const Session session = Open();
  Arm();
  auto records = a_.datapath().ExportConnections(kPort).value();
  ASSERT_THAT(records, SizeIs(1));
  for (int i = 1; i < 2 * OR_IMPORT_ROWS + 1; ++i) {
    records.push_back(records[0]);
    records.back().key[offsetof(abi::or_connection_key, guest)] = static_cast<char>(i);
  }
  ASSERT_EQ(b_.datapath().ImportConnections(kPort, records)->taken, records.size());
  std::vector<std::string> keys;
  for (const ConnectionRecord& record : records) keys.push_back(record.key);
  EXPECT_EQ(b_.datapath().EndConnections(kPort, keys).value(), records.size());
  EXPECT_EQ(CountAt(&b_), 0u);
  EXPECT_EQ(b_.datapath().EndConnections(kPort, {}).value(), 0u);
}

TEST_F(PortMemoryTest, AFullShareRefusesTheRest) {
  const Session first = Open();
  const UniqueFd second = one_.Connect(two_);
  const UniqueFd accepted = Accept(first.listener);
  HostState state = WithOne(PortPhase::kArmed, StateOfB());
  state.ports.at(kPort).device.reset();
  state.ports.at(kPort).max_connections = 1;
  b_.Become(state);
  const auto records = a_.datapath().ExportConnections(kPort).value();
  ASSERT_THAT(records, SizeIs(2));
  const auto result = b_.datapath().ImportConnections(kPort, records).value();
  EXPECT_EQ(result.taken, 1u);
  EXPECT_EQ(result.refused, 1u);
  EXPECT_EQ(result.reason, "the port holds all the connections it may");
  EXPECT_EQ(CountAt(&b_), 1u);
}

TEST_F(PortMemoryTest, RecordsThatMakeNoSenseAreRefusedOneByOne) {
  const Session session = Open();
  Arm();
  auto records = a_.datapath().ExportConnections(kPort).value();
  records.push_back({.key = "short", .entry = "", .version = 0});
  const auto result = b_.datapath().ImportConnections(kPort, records).value();
  EXPECT_EQ(result.taken, 1u);
  EXPECT_EQ(result.refused, 1u);
  EXPECT_EQ(result.reason, "connection: 5 bytes, not 48");
}

TEST_F(PortMemoryTest, UnknownPortsAreNotFound) {
  EbpfDatapath& datapath = a_.datapath();
  const PortId unknown = MakePortId(9);
  EXPECT_TRUE(absl::IsNotFound(datapath.ExportConnections(unknown).status()));
  EXPECT_TRUE(absl::IsNotFound(datapath.ImportConnections(unknown, {}).status()));
  EXPECT_TRUE(absl::IsNotFound(datapath.EndConnections(unknown, {}).status()));
  EXPECT_TRUE(absl::IsNotFound(datapath.ExportLevels(unknown).status()));
  EXPECT_TRUE(absl::IsNotFound(datapath.ImportLevels(unknown, {})));
  EXPECT_TRUE(absl::IsNotFound(datapath.SetCounterBase(unknown, {})));
  EXPECT_TRUE(absl::IsNotFound(datapath.AllowAdoption(unknown, 1)));
}

TEST_F(PortMemoryTest, LevelsFillTheBucketsOfAPortThatWaits) {
  Arm();
  EbpfDatapath& datapath = b_.datapath();
  EXPECT_EQ(datapath.ExportLevels(kPort).value()[0].bytes, 1024u) << "nothing was used yet";
  ASSERT_EQ(datapath.ImportLevels(kPort, {{.kind = abi::OR_LIMIT_INGRESS, .bytes = 0}}),
            absl::OkStatus());
  const auto levels = datapath.ExportLevels(kPort).value();
  ASSERT_THAT(levels, SizeIs(1));
  EXPECT_EQ(levels[0].kind, uint32_t{abi::OR_LIMIT_INGRESS});
  // It takes 100 seconds to fill.
  EXPECT_LT(levels[0].bytes, 512u);
}

TEST_F(PortMemoryTest, LevelsOfAPortThatForwardsAreItsOwn) {
  ASSERT_EQ(a_.datapath().ImportLevels(kPort, {{.kind = abi::OR_LIMIT_INGRESS, .bytes = 0}}),
            absl::OkStatus());
  EXPECT_EQ(a_.datapath().ExportLevels(kPort).value()[0].bytes, 1024u);
}

TEST_F(PortMemoryTest, CountersGoOnFromTheirBaseOverARestart) {
  const Session session = Open();
  PortCounters base = a_.datapath().ReadPorts().value().at(kPort);
  ASSERT_GT(base.tx_packets, 0u);
  base.drops["acl_ingress"] = 5;
  base.drops["a reason of another release"] = 9;
  base.rules[{Direction::kIngress, 1}].bytes = 1'000'000;
  const RuleCount rule = base.rules.at({Direction::kIngress, 1});
  Arm();
  ASSERT_EQ(b_.datapath().SetCounterBase(kPort, Counters(1'000'000)), absl::OkStatus());
  ASSERT_EQ(b_.datapath().SetCounterBase(kPort, base), absl::OkStatus());
  const auto expect_base = [&] {
    const PortCounters counters = b_.datapath().ReadPorts().value().at(kPort);
    EXPECT_EQ(counters.rx_packets, base.rx_packets) << "set, not added";
    EXPECT_EQ(counters.tx_bytes, base.tx_bytes);
    EXPECT_EQ(counters.drops.at("acl_ingress"), 5u);
    EXPECT_EQ(b_.datapath().CarriedDrops().value().at(kPort).at("acl_ingress"), 5u);
    EXPECT_THAT(counters.drops, Not(Contains(Key("a reason of another release"))));
    EXPECT_EQ(counters.rules.at({Direction::kIngress, 1}), rule);
    EXPECT_EQ(counters.connections, 0u) << "what is held is held here";
  };
  expect_base();
  b_.Stop();
  b_.Start();
  expect_base();
  // Another rule set begins anew; the port's own go on.
  HostState state = WithOne(PortPhase::kArmed, StateOfB());
  state.ports.at(kPort).device.reset();
  state.rule_sets[MakeDigest(3)] = state.rule_sets.at(MakeDigest(1));
  state.rule_sets.erase(MakeDigest(1));
  state.ports.at(kPort).ingress_rule_set = MakeDigest(3);
  b_.Become(state);
  const PortCounters counters = b_.datapath().ReadPorts().value().at(kPort);
  EXPECT_EQ(counters.rx_packets, base.rx_packets);
  EXPECT_THAT(counters.rules, Not(Contains(Key(std::pair(Direction::kIngress, 1u)))));
}

TEST_F(PortMemoryTest, APortThatGoesTakesItsBaseAndLeaveAlong) {
  Arm();
  PortCounters base = Counters(7);
  base.rules[{Direction::kIngress, 1}].packets = 3;
  ASSERT_EQ(b_.datapath().SetCounterBase(kPort, base), absl::OkStatus());
  ASSERT_EQ(b_.datapath().AllowAdoption(kPort, kTenSeconds), absl::OkStatus());
  b_.Become(StateOfB());
  const auto raw = sys::KernelBpfMaps::OpenPinned(
                       b_.options().bpffs + "/v" + std::to_string(OR_ABI_VERSION) + "/maps",
                       DatapathMaps::Names())
                       .value();
  const DatapathMaps maps(raw.get());
  EXPECT_THAT(maps.counter_bases.Keys().value(), SizeIs(0));
  EXPECT_THAT(maps.rule_bases.Keys().value(), SizeIs(0));
  EXPECT_THAT(maps.adoptions.Keys().value(), SizeIs(0));
}

}  // namespace
}  // namespace outrider::datapath::ebpf
