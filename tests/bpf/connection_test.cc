// Stateful ports beyond TCP: UDP, ICMP and its errors, shares of the table, time, zones. When rules
// change: edit_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/connection_fixture.h"

namespace outrider::tests {
namespace {

using ::testing::SizeIs;

constexpr uint8_t kUdpProtocol = 17;

// The layer-3 packet of a frame.
Bytes PacketOf(const Bytes& frame) { return {frame.begin() + 14, frame.end()}; }

Bytes EchoFromA(uint8_t type, uint16_t id, bool v6 = false) {
  PacketBuilder frame(kMacB, kMacA);
  if (v6) return frame.Ipv6({.src = kIp6A, .dst = kIp6B}).Icmpv6(type, 0, id).Payload(16).Build();
  return frame.Ipv4({.src = kIpA, .dst = kIpB}).Icmp(type, 0, id).Payload(16).Build();
}
Bytes EchoToA(uint8_t type, uint16_t id, bool v6 = false) {
  PacketBuilder frame(kMacA, kMacB);
  if (v6) return frame.Ipv6({.src = kIp6B, .dst = kIp6A}).Icmpv6(type, 0, id).Payload(16).Build();
  return frame.Ipv4({.src = kIpB, .dst = kIpA}).Icmp(type, 0, id).Payload(16).Build();
}

// From a router in between, to `to`, about a packet.
Bytes ErrorToA(const Bytes& quoted, uint8_t type = 3, const std::string& to = kIpA) {
  return PacketBuilder(kMacA, kMacB)
      .Ipv4({.src = "10.0.0.254", .dst = to})
      .Icmp(type, type == 3 ? 4 : 0)
      .Payload(quoted)
      .Build();
}
Bytes Error6ToA(const Bytes& quoted, uint8_t type) {
  return PacketBuilder(kMacA, kMacB)
      .Ipv6({.src = "fd00::fe", .dst = kIp6A})
      .Icmpv6(type)
      .Payload(quoted)
      .Build();
}

TEST_F(ConnectionTest, UdpAnswersPassAndNothingElse) {
  SetProfile(OutboundOnly());
  EXPECT_FALSE(ToA(UdpToA(53, 2000))) << "before a question";
  EXPECT_TRUE(FromA(UdpFromA(2000, 53)));
  EXPECT_EQ(State(), abi::OR_CONNECTION_NEW);
  EXPECT_EQ(SecondsLeft(), 30u);
  EXPECT_FALSE(ToA(UdpToA(53, 2001)));
  EXPECT_FALSE(ToA(UdpToA(54, 2000)));
  EXPECT_TRUE(ToA(UdpToA(53, 2000)));
  EXPECT_EQ(State(), abi::OR_CONNECTION_REPLIED);
  EXPECT_EQ(SecondsLeft(), 30u);
  EXPECT_EQ(Dropped(OR_DROP_ACL_EGRESS), 3u);
  EXPECT_EQ(Count(), 1u);
}

// What goes both ways for longer than a question and its answer takes.
TEST_F(ConnectionTest, AStreamOfUdpIsKeptLonger) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_TRUE(ToA(UdpToA(53, 2000)));
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  EXPECT_EQ(SecondsLeft(), 30u);
  auto [key, entry] = Entries()[0];
  entry.replied_s -= 3;
  ASSERT_EQ((switch_->Map<abi::or_connection_key, abi::or_connection>("or_connections")
                 .Update(key, entry)),
            absl::OkStatus());
  ASSERT_TRUE(ToA(UdpToA(53, 2000)));
  EXPECT_EQ(SecondsLeft(), 120u);
}

TEST_F(ConnectionTest, AServerAnswersWhomItsRuleLetsIn) {
  SetProfile(
      {.ingress = {}, .egress = {RuleFor(state::AclAction::kAllowRelated, kUdpProtocol, 53)}});
  EXPECT_FALSE(FromA(UdpFromA(53, 2000))) << "before a question";
  EXPECT_FALSE(ToA(UdpToA(2000, 54)));
  EXPECT_TRUE(ToA(UdpToA(2000, 53)));
  EXPECT_TRUE(FromA(UdpFromA(53, 2000)));
  ASSERT_THAT(Entries(), SizeIs(1));
  EXPECT_EQ(Entries()[0].second.flags, 0u) << "not begun by the guest";
}

// An allow rule is for frames, not for connections: the answer needs a rule of its own.
TEST_F(ConnectionTest, PlainAllowRemembersNothing) {
  SetProfile({.ingress = {RuleFor(state::AclAction::kAllow)}, .egress = {}});
  EXPECT_TRUE(FromA(UdpFromA(2000, 53)));
  EXPECT_FALSE(ToA(UdpToA(53, 2000)));
  EXPECT_THAT(Entries(), SizeIs(0));
}

TEST_F(ConnectionTest, WhatHasNoConnectionPassesByTheRule) {
  SetProfile(OutboundOnly());
  const auto copied = [&](const Bytes& frame) {
    return switch_->Run("or_from_port", frame)->verdict == kStolen;
  };
  EXPECT_TRUE(copied(
      PacketBuilder(kBroadcast, kMacA).Arp({.sender_mac = Mac(kMacA), .sender_ip = kIpA}).Build()));
  EXPECT_TRUE(copied(PacketBuilder("01:00:5e:00:00:fb", kMacA)
                         .Ipv4({.src = kIpA, .dst = "224.0.0.251"})
                         .Udp(5353, 5353)
                         .Build()));
  EXPECT_TRUE(FromA(PacketBuilder(kMacB, kMacA).EtherType(0x88b5).Payload(50).Build()));
  EXPECT_THAT(Entries(), SizeIs(0));
  // Other protocols have a connection by their addresses.
  EXPECT_TRUE(FromA(PacketBuilder(kMacB, kMacA)
                        .Ipv4({.src = kIpA, .dst = kIpB, .protocol = 47})
                        .Payload(40)
                        .Build()));
  EXPECT_TRUE(ToA(PacketBuilder(kMacA, kMacB)
                      .Ipv4({.src = kIpB, .dst = kIpA, .protocol = 47})
                      .Payload(40)
                      .Build()));
  EXPECT_EQ(SecondsLeft(), 600u);
}

TEST_F(ConnectionTest, EchoIsAnsweredById) {
  for (const bool v6 : {false, true}) {
    SCOPED_TRACE(v6);
    SetUp();
    SetProfile(OutboundOnly());
    const uint8_t request = v6 ? 128 : 8;
    const uint8_t reply = v6 ? 129 : 0;
    EXPECT_FALSE(ToA(EchoToA(reply, 7, v6)));
    EXPECT_TRUE(FromA(EchoFromA(request, 7, v6)));
    EXPECT_TRUE(ToA(EchoToA(reply, 7, v6)));
    EXPECT_EQ(SecondsLeft(), 30u);
    EXPECT_FALSE(ToA(EchoToA(reply, 8, v6)));
    EXPECT_FALSE(ToA(EchoToA(request, 7, v6))) << "the id is the asker's";
    EXPECT_FALSE(FromA(EchoFromA(reply, 9, v6))) << "nobody asked";
    EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), 1u);
    EXPECT_EQ(Count(), 1u);
  }
}

TEST_F(ConnectionTest, ErrorsOfAConnectionPass) {
  SetProfile(OutboundOnly());
  const Bytes udp = UdpFromA(2000, 53);
  const Bytes echo = EchoFromA(8, 7);
  const Bytes syn = TcpFrame({true, kSyn, 1000, 0});
  for (const uint8_t type : {3, 11, 12}) {
    EXPECT_FALSE(ToA(ErrorToA(PacketOf(udp), type)));
  }
  ASSERT_TRUE(FromA(udp) && FromA(echo) && FromA(syn));
  for (const uint8_t type : {3, 11, 12}) {
    SCOPED_TRACE(static_cast<int>(type));
    for (const Bytes& sent : {udp, echo, syn}) {
      // All that a router must quote: the IP header and 8 bytes.
      Bytes quoted = PacketOf(sent);
      quoted.resize(28);
      EXPECT_TRUE(ToA(ErrorToA(quoted, type)));
      quoted.resize(27);
      EXPECT_FALSE(ToA(ErrorToA(quoted, type)));
    }
  }
  EXPECT_FALSE(ToA(ErrorToA(PacketOf(UdpFromA(2001, 53))))) << "another connection";
  EXPECT_FALSE(ToA(ErrorToA(PacketOf(UdpToA(53, 2000))))) << "A did not send it";
  EXPECT_FALSE(ToA(ErrorToA(PacketOf(udp), 3, "10.0.0.77"))) << "not to who sent it";
  EXPECT_FALSE(ToA(ErrorToA(PacketOf(udp), 5))) << "a redirect is no error";
  EXPECT_EQ(Count(), 3u);
}

TEST_F(ConnectionTest, ErrorsOfTheGuestPass) {
  SetProfile(
      {.ingress = {}, .egress = {RuleFor(state::AclAction::kAllowRelated, kUdpProtocol, 53)}});
  const Bytes question = UdpToA(2000, 53);
  const Bytes unreachable = PacketBuilder(kMacB, kMacA)
                                .Ipv4({.src = kIpA, .dst = kIpB})
                                .Icmp(3, 3)
                                .Payload(PacketOf(question))
                                .Build();
  EXPECT_FALSE(FromA(unreachable));
  ASSERT_TRUE(ToA(question));
  EXPECT_TRUE(FromA(unreachable));
}

TEST_F(ConnectionTest, Icmpv6ErrorsOfAConnectionPass) {
  SetProfile(OutboundOnly());
  const auto udp = [](uint16_t port) {
    return PacketBuilder(kMacB, kMacA).Ipv6({.src = kIp6A, .dst = kIp6B}).Udp(port, 53).Payload(20);
  };
  ASSERT_TRUE(FromA(udp(2000).Build()));
  const Bytes with_options = PacketBuilder(kMacB, kMacA)
                                 .Ipv6({.src = kIp6A, .dst = kIp6B})
                                 .Extension(0)
                                 .Extension(60, 2)
                                 .Udp(2000, 53)
                                 .Payload(20)
                                 .Build();
  for (const uint8_t type : {1, 2, 3, 4}) {
    EXPECT_TRUE(ToA(Error6ToA(PacketOf(udp(2000).Build()), type)));
    EXPECT_TRUE(ToA(Error6ToA(PacketOf(with_options), type)));
    EXPECT_FALSE(ToA(Error6ToA(PacketOf(udp(2001).Build()), type)));
  }
  EXPECT_FALSE(ToA(Error6ToA(PacketOf(udp(2000).Build()), 100)));
}

// A rule that admits errors as such admits those of connections only.
TEST_F(ConnectionTest, AnErrorNobodyCausedIsInvalid) {
  SetProfile({.ingress = {}, .egress = {RuleFor(state::AclAction::kAllowRelated)}});
  EXPECT_FALSE(ToA(ErrorToA(PacketOf(UdpFromA(2000, 53)))));
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), 1u);
}

TEST_F(ConnectionTest, AFullShareRefusesItsOwnNewConnectionsOnly) {
  Profile profile = OutboundOnly();
  profile.max_connections = 3;
  SetProfile(profile);
  Profile neighbor = profile;
  neighbor.egress = {RuleFor(state::AclAction::kAllow)};
  SetProfile(neighbor, 2);
  for (uint16_t port = 1; port <= 3; ++port) EXPECT_TRUE(FromA(UdpFromA(port, 99)));
  for (uint16_t port = 4; port <= 9; ++port) EXPECT_FALSE(FromA(UdpFromA(port, 99)));
  EXPECT_EQ(Dropped(OR_DROP_CONNECTIONS_FULL), 6u);
  EXPECT_EQ(Count(1), 3u);
  EXPECT_TRUE(FromA(UdpFromA(1, 99))) << "what there is goes on";
  const auto to_c = [](uint16_t port) {
    return PacketBuilder(kMacC, kMacB).Ipv4({.src = kIpB, .dst = "10.0.0.3"}).Udp(port, 99).Build();
  };
  for (uint16_t port = 1; port <= 3; ++port) EXPECT_TRUE(Passes(2, to_c(port), 3));
  EXPECT_EQ(Count(2), 3u);
  EXPECT_EQ(Dropped(OR_DROP_CONNECTIONS_FULL, 2), 0u);
  EXPECT_EQ(Sweep(abi::OR_SWEEP_PORT, 1), 3u);
  EXPECT_EQ(Count(1), 0u);
  EXPECT_EQ(Count(2), 3u);
  EXPECT_TRUE(FromA(UdpFromA(4, 99)));
}

TEST_F(ConnectionTest, ARuleThatRemembersNeedsAShare) {
  Profile profile = OutboundOnly();
  profile.max_connections = 0;
  SetProfile(profile);
  EXPECT_FALSE(FromA(UdpFromA(2000, 53)));
  EXPECT_EQ(Dropped(OR_DROP_CONNECTIONS_FULL), 1u);
}

TEST_F(ConnectionTest, APortThatKeepsNoneIsSwept) {
  SetProfile(OutboundOnly());
  Profile neighbor = OutboundOnly();
  neighbor.egress = {RuleFor(state::AclAction::kAllow)};
  SetProfile(neighbor, 2);
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_TRUE(Passes(
      2, PacketBuilder(kMacC, kMacB).Ipv4({.src = kIpB, .dst = "10.0.0.3"}).Udp(1, 99).Build(), 3));
  ASSERT_EQ(Entries().size(), 2u);
  Profile stateless = OutboundOnly();
  stateless.max_connections = 0;
  SetProfile(stateless);
  EXPECT_EQ(Sweep(), 1u);
  EXPECT_EQ(Count(1), 0u);
  EXPECT_EQ(Count(2), 1u);
}

TEST_F(ConnectionTest, ExpiredEntriesAreNoneAndAreSwept) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_TRUE(FromA(UdpFromA(2001, 53)));
  EXPECT_EQ(Sweep(), 0u);
  ExpireAll();
  EXPECT_FALSE(ToA(UdpToA(53, 2000)));
  EXPECT_EQ(Count(), 1u) << "the one that was looked at is gone";
  EXPECT_FALSE(ToA(ErrorToA(PacketOf(UdpFromA(2001, 53)))));
  EXPECT_TRUE(FromA(UdpFromA(2001, 53))) << "a new one";
  EXPECT_EQ(Count(), 1u);
  ExpireAll();
  EXPECT_EQ(Sweep(), 1u);
  EXPECT_EQ(Count(), 0u);
  EXPECT_THAT(Entries(), SizeIs(0));
}

TEST_F(ConnectionTest, EntriesWithoutACountAreSwept) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  ASSERT_EQ((switch_->Map<uint32_t, uint32_t>("or_connection_counts").Delete(1)), absl::OkStatus());
  EXPECT_FALSE(FromA(UdpFromA(2001, 53))) << "nor are new ones made";
  EXPECT_EQ(Sweep(), 1u);
  EXPECT_THAT(Entries(), SizeIs(0));
}

TEST_F(ConnectionTest, AFlushTakesAll) {
  SetProfile(OutboundOnly());
  for (uint16_t port = 1; port <= 50; ++port) ASSERT_TRUE(FromA(UdpFromA(port, 53)));
  EXPECT_EQ(Sweep(abi::OR_SWEEP_PORT, 2), 0u);
  EXPECT_EQ(Sweep(abi::OR_SWEEP_ALL), 50u);
  EXPECT_EQ(Count(), 0u);
  EXPECT_FALSE(ToA(UdpToA(53, 1)));
}

TEST_F(ConnectionTest, AnotherPortIsAnotherZone) {
  SetProfile(OutboundOnly());
  Profile neighbor = OutboundOnly();
  SetProfile(neighbor, 3);
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  // B answers to A's address, but at C's MAC.
  const Bytes astray =
      PacketBuilder(kMacC, kMacB).Ipv4({.src = kIpB, .dst = kIpA}).Udp(53, 2000).Build();
  EXPECT_FALSE(Passes(2, astray, 3));
  EXPECT_EQ(Dropped(OR_DROP_ACL_EGRESS, 3), 1u);
}

TEST_F(ConnectionTest, AnotherSegmentIsAnotherZone) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(2000, 53)));
  // Both ports move to the other segment, where the same addresses are somebody else's.
  for (const uint32_t index : {1u, 2u}) {
    const auto ports = switch_->Ports();
    abi::or_port port = ports.Lookup(index).value();
    port.vni = kOtherVni;
    ASSERT_EQ(ports.Update(index, port), absl::OkStatus());
  }
  ASSERT_EQ(switch_->SetFdb(kOtherVni, kMacA, abi::OR_FDB_LOCAL, 1), absl::OkStatus());
  ASSERT_EQ(switch_->SetFdb(kOtherVni, kMacB, abi::OR_FDB_LOCAL, 2), absl::OkStatus());
  EXPECT_FALSE(ToA(UdpToA(53, 2000)));
  EXPECT_TRUE(FromA(UdpFromA(2000, 53)));
  EXPECT_EQ(Count(), 2u);
  EXPECT_TRUE(ToA(UdpToA(53, 2000)));
}

}  // namespace
}  // namespace outrider::tests
