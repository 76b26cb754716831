// Real TCP through stateful ports, on one host and over the tunnel: the guests are network
// namespaces with kernels that know nothing of us.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

#include "tests/datapath/ebpf/tcp_guest.h"
#include "tests/datapath/ebpf/traffic_fixture.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::MakeDigest;
using tests::MakePortId;

constexpr char kVtepA[] = "10.99.0.1";
constexpr char kVtepB[] = "10.99.0.2";
constexpr size_t kBulk = 1 << 20;

// True: the guests are on two hosts.
class ConnectionTraffic : public ::testing::TestWithParam<bool> {
 protected:
  ConnectionTraffic() : one_(&a_, "port1", 1), two_(GetParam() ? &b_ : &a_, "port2", 2) {
    if (GetParam()) {
      tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                        {.netns = &b_.netns(), .name = "underlay"});
      tests::AddAddress(a_.netns(), "underlay", std::string(kVtepA) + "/24");
      tests::AddAddress(b_.netns(), "underlay", std::string(kVtepB) + "/24");
      b_.Start();
    }
    a_.Start();
  }

  static state::Port PortOf(int n, const TcpGuest& guest) {
    state::Port port = ActivePort(n, "port" + std::to_string(n));
    port.mac = guest.mac();
    return port;
  }
  void Add(int n, const TcpGuest& guest, HostState* state) {
    const PortId id = MakePortId(static_cast<uint8_t>(n));
    state->ports[id] = PortOf(n, guest);
    state->fdb.insert_or_assign({kSegment, guest.mac()}, state::FdbEntry{id, Epoch{1}});
  }

  // Guest 1's port is stateful: it may open TCP connections, and nobody may to it.
  HostState StateOfA() {
    HostState state =
        EmptySegment(GetParam() ? std::set<IpAddress>{tests::Ip(kVtepB)} : std::set<IpAddress>{});
    Add(1, one_, &state);
    if (GetParam()) {
      state.fdb.insert_or_assign({kSegment, two_.mac()},
                                 state::FdbEntry{tests::Ip(kVtepB), Epoch{1}});
    } else {
      Add(2, two_, &state);
    }
    state::AclRule tcp;
    tcp.protocol = IPPROTO_TCP;
    tcp.action = state::AclAction::kAllowRelated;
    state.rule_sets[MakeDigest(1)] = {.rules = {tcp}, .default_action = state::AclAction::kDrop};
    state.rule_sets[MakeDigest(2)] = {.rules = {}, .default_action = state::AclAction::kDrop};
    state::Port& port = state.ports[kPort];
    port.ingress_rule_set = MakeDigest(1);
    port.egress_rule_set = MakeDigest(2);
    port.max_connections = 100;
    return state;
  }
  void Become() {
    a_.Become(StateOfA());
    if (!GetParam()) return;
    HostState b = EmptySegment({tests::Ip(kVtepA)});
    Add(2, two_, &b);
    b.fdb.insert_or_assign({kSegment, one_.mac()}, state::FdbEntry{tests::Ip(kVtepA), Epoch{1}});
    b_.Become(b);
  }

  // A connection that guest 1 opened to guest 2 and has spoken over.
  Session Open() {
    Session session{.listener = two_.Listen(), .client = one_.Connect(two_), .server = {}};
    session.server = Accept(session.listener);
    EXPECT_EQ(Transfer(session.client, session.server, 1000), 1000u);
    return session;
  }

  ConnectionList List() { return a_.datapath().ListConnections(kPort, 100).value(); }
  uint32_t Counted() { return a_.datapath().ReadPorts().value().at(kPort).connections; }
  // The state of the only connection once it is `wanted`, or after 5 s.
  std::string AwaitState(const std::string& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    std::string state;
    while (state != wanted && std::chrono::steady_clock::now() < deadline) {
      const ConnectionList list = List();
      state = list.connections.size() == 1 ? list.connections[0].state : "";
      std::this_thread::yield();
    }
    return state;
  }

  const PortId kPort = MakePortId(1);
  EbpfHost a_{kVtepA};
  EbpfHost b_{kVtepB};
  TcpGuest one_;
  TcpGuest two_;
};

TEST_P(ConnectionTraffic, TheGuestOpensAndBothSpeak) {
  Become();
  const UniqueFd listener = two_.Listen();
  UniqueFd client = one_.Connect(two_);
  UniqueFd server = Accept(listener);
  EXPECT_EQ(Transfer(client, server, kBulk), kBulk);
  EXPECT_EQ(Transfer(server, client, kBulk), kBulk);
  EXPECT_EQ(a_.PortDrops(kPort, "connection_invalid"), 0u);
  EXPECT_EQ(AwaitState("established"), "established");
  const ConnectionList list = List();
  ASSERT_THAT(list.connections, SizeIs(1));
  EXPECT_EQ(list.total, 1u);
  EXPECT_EQ(list.connections[0].src, tests::Ip(one_.ip()));
  EXPECT_EQ(list.connections[0].dst, tests::Ip(two_.ip()));
  EXPECT_EQ(list.connections[0].dst_port, kServerPort);
  EXPECT_EQ(list.connections[0].vni, kSegment);
  EXPECT_TRUE(list.connections[0].from_guest);
  EXPECT_EQ(Counted(), 1u);

  shutdown(client.get(), SHUT_WR);
  EXPECT_TRUE(Await(server.get(), POLLIN));
  EXPECT_EQ(AwaitState("close-wait"), "close-wait");
  EXPECT_EQ(Transfer(server, client, 1000), 1000u) << "its half is open";
  server = UniqueFd();
  EXPECT_EQ(AwaitState("time-wait"), "time-wait");
}

TEST_P(ConnectionTraffic, NobodyOpensToTheGuest) {
  Become();
  const UniqueFd listener = one_.Listen();
  const UniqueFd client = two_.Connect(one_);
  EXPECT_GE(a_.AwaitPortDrops(kPort, "acl_egress", 1), 1u);
  EXPECT_THAT(List().connections, IsEmpty());
  pollfd nothing{.fd = listener.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&nothing, 1, 0), 0);
}

TEST_P(ConnectionTraffic, ARestartForgetsNoConnection) {
  Become();
  const Session session = Open();
  a_.Stop();
  EXPECT_EQ(Transfer(session.server, session.client, 1000), 1000u);
  a_.Start();
  EXPECT_EQ(Transfer(session.server, session.client, 1000), 1000u);
  EXPECT_EQ(a_.Read(), StateOfA());
  EXPECT_EQ(List().total, 1u);
}

TEST_P(ConnectionTraffic, WhatOldMembersOfAGroupAdmittedIsJudgedAgain) {
  Become();
  HostState state = StateOfA();
  state.rule_sets[MakeDigest(3)] = state.rule_sets[MakeDigest(1)];
  state.rule_sets[MakeDigest(3)].rules[0].dst_group = "address/peers";
  state.ports[kPort].ingress_rule_set = MakeDigest(3);
  const auto host = [](const std::string& ip) {
    return state::GroupMember{.group = "address/peers",
                              .prefix = IpPrefix::Create(tests::Ip(ip), 32)};
  };
  state.group_members = {host(two_.ip()), host("192.0.2.1"), host("192.0.2.2")};
  state.rule_sets.erase(MakeDigest(1));
  a_.Become(state);
  const UniqueFd listener = two_.Listen();
  const UniqueFd client = one_.Connect(two_);
  const UniqueFd server = Accept(listener);
  ASSERT_EQ(Transfer(client, server, 1000), 1000u);
  // Of no concern to this one.
  state.group_members.erase(host("192.0.2.1"));
  a_.Become(state);
  ASSERT_EQ(Transfer(client, server, 1000), 1000u);
  ASSERT_EQ(a_.PortDrops(kPort, "acl_ingress"), 0u);
  state.group_members.erase(host(two_.ip()));
  a_.Become(state);
  ASSERT_EQ(send(client.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_GE(a_.AwaitPortDrops(kPort, "acl_ingress", 1), 1u);
}

TEST_P(ConnectionTraffic, WhatIsFlushedIsJudgedAgain) {
  Become();
  const Session session = Open();
  EXPECT_EQ(a_.datapath().FlushConnections(MakePortId(9)).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(a_.datapath().ListConnections(MakePortId(9), 1).status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(a_.datapath().FlushConnections(kPort).value(), 1u);
  EXPECT_EQ(List().total, 0u);
  EXPECT_EQ(Counted(), 0u);
  ASSERT_EQ(send(session.server.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_GE(a_.AwaitPortDrops(kPort, "acl_egress", 1), 1u);
  ASSERT_EQ(send(session.client.get(), "x", 1, MSG_NOSIGNAL), 1);
  EXPECT_GE(a_.AwaitPortDrops(kPort, "connection_invalid", 1), 1u) << "in the middle";
}

TEST_P(ConnectionTraffic, ADeletedPortTakesItsConnections) {
  Become();
  const Session session = Open();
  HostState without = StateOfA();
  without.ports.erase(kPort);
  without.fdb.erase({kSegment, one_.mac()});
  without.rule_sets.clear();
  a_.Become(without);
  const auto raw = sys::KernelBpfMaps::OpenPinned(
                       a_.options().bpffs + "/v" + std::to_string(OR_ABI_VERSION) + "/maps",
                       DatapathMaps::Names())
                       .value();
  const DatapathMaps maps(raw.get());
  EXPECT_THAT(maps.connections.Keys().value(), IsEmpty());
  EXPECT_THAT(maps.connection_counts.Keys().value(), IsEmpty());
  EXPECT_THAT(maps.fragments.Keys().value(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Hosts, ConnectionTraffic, ::testing::Bool(), [](const auto& info) {
  return info.param ? "OverTheTunnel" : "OnOneHost";
});

}  // namespace
}  // namespace outrider::datapath::ebpf
