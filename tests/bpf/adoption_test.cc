// A port that has just arrived: connections that were lost on the way, or of which its former host
// has seen more.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <ctime>

#include "tests/bpf/import_fixture.h"

namespace outrider::tests {
namespace {

// ---- What the former host saw last has not come yet ----

class LatecomerTest : public ImportTest {
 protected:
  // A connection as the former host had it; what was sent since, this one has not seen.
  void Follow() {
    SetProfile(OutboundOnly());
    Establish();
    const abi::or_connection_row row = Take();
    Forget();
    ASSERT_EQ(Import({row}), 1u);
  }
  void Arrive() {
    ASSERT_EQ((switch_->Map<uint32_t, abi::or_adoption>("or_adoptions")
                   .Update(1, {.duration_ns = 60 * kNsPerS, .begun_ns = 0})),
              absl::OkStatus());
  }
  uint32_t EndOf(int side) { return Take().entry.sides[side].end; }
};

TEST_F(LatecomerTest, WhatWasSentOnTheFormerHostIsAcknowledged) {
  Follow();
  EXPECT_FALSE(ToA(TcpFrame({false, kAck, 5001, 9001}))) << "the port has not just arrived";
  Arrive();
  EXPECT_TRUE(ToA(TcpFrame({false, kAck, 5001, 9001})));
  EXPECT_EQ(EndOf(OR_GUEST), 9001u);
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 9001, 5001, 100})));
  EXPECT_TRUE(ToA(TcpFrame({false, kAck, 5001, 9101})));
}

TEST_F(LatecomerTest, TheGuestGoesOnBehindWhatItSentThere) {
  Follow();
  Arrive();
  const uint32_t far = Take().entry.sides[OR_GUEST].max_end + 100'000;
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, far, 5001, 100})));
  EXPECT_EQ(EndOf(OR_GUEST), far + 100);
  EXPECT_LT(Take().entry.sides[OR_REMOTE].max_window, 100'000u) << "windows are what they were";
}

TEST_F(LatecomerTest, NotIfItIsTooFarAway) {
  Follow();
  Arrive();
  EXPECT_FALSE(ToA(TcpFrame({false, kAck, 5001, 1001 + (1u << 26)})));
  EXPECT_FALSE(ToA(TcpFrame({false, kAck, 5001 + (1u << 26), 1001})));
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), 2u);
}

TEST_F(LatecomerTest, NotIfItBeganHere) {
  SetProfile(OutboundOnly());
  Establish();
  Arrive();
  EXPECT_FALSE(ToA(TcpFrame({false, kAck, 5001, 9001})));
}

TEST_F(LatecomerTest, AHandshakeThatEndedThereIsOver) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(TcpFrame({true, kSyn, 1000, 0})));
  const abi::or_connection_row row = Take();
  Forget();
  ASSERT_EQ(Import({row}), 1u);
  EXPECT_FALSE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  Arrive();
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  EXPECT_EQ(State(), uint32_t{abi::OR_CONNECTION_ESTABLISHED});
  EXPECT_TRUE(ToA(TcpFrame({false, kAck, 5001, 1001})));
}

// ---- Adoption: a connection that was lost on the way ----

class AdoptionTest : public ConnectionTest {
 protected:
  void Allow(uint64_t seconds, bool begun = false) {
    ASSERT_EQ((switch_->Map<uint32_t, abi::or_adoption>("or_adoptions")
                   .Update(1, {.duration_ns = seconds * kNsPerS, .begun_ns = begun ? 1ull : 0})),
              absl::OkStatus());
  }
  static uint64_t BegunNs() {
    return switch_->Map<uint32_t, abi::or_adoption>("or_adoptions").Lookup(1).value().begun_ns;
  }
};

TEST_F(AdoptionTest, WithoutLeaveTheMiddleIsInvalid) {
  SetProfile(OutboundOnly());
  EXPECT_FALSE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10})));
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), 1u);
  EXPECT_EQ(Count(), 0u);
}

TEST_F(AdoptionTest, TheGuestGoesOnSpeaking) {
  SetProfile(OutboundOnly());
  Allow(10);
  EXPECT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10})));
  EXPECT_EQ(State(), uint32_t{abi::OR_CONNECTION_ESTABLISHED});
  EXPECT_EQ(Count(), 1u);
  EXPECT_NE(Entries()[0].second.flags & OR_CONNECTION_FROM_GUEST, 0);
  EXPECT_TRUE(ToA(TcpFrame({false, kAck | kPsh, 6000, 2010, 1400})));
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 2010, 7400})));
  EXPECT_TRUE(FromA(TcpFrame({true, kAck | kFin, 2010, 7400})));
  EXPECT_TRUE(ToA(TcpFrame({false, kAck | kFin, 7400, 2011})));
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 2011, 7401})));
  EXPECT_EQ(State(), uint32_t{abi::OR_CONNECTION_TIME_WAIT});
}

TEST_F(AdoptionTest, ItsPeerSpeaksFirst) {
  SetProfile(OutboundOnly());
  Allow(10);
  EXPECT_TRUE(ToA(TcpFrame({false, kAck | kPsh, 6000, 2000, 100})));
  EXPECT_EQ(Count(), 1u);
  EXPECT_NE(Entries()[0].second.flags & OR_CONNECTION_FROM_GUEST, 0) << "its list lets it";
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 2000, 6100})));
}

TEST_F(AdoptionTest, OnlyWhatTheRulesWouldLetBegin) {
  SetProfile({.ingress = {RuleFor(state::AclAction::kAllowRelated, IPPROTO_TCP, 443)},
              .egress = {RuleFor(state::AclAction::kAllowRelated, IPPROTO_TCP, 22)}});
  Allow(10);
  EXPECT_FALSE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10}))) << "port 80";
  EXPECT_FALSE(ToA(TcpFrame({false, kAck | kPsh, 6000, 2000, 10})));
  EXPECT_EQ(Dropped(OR_DROP_ACL_INGRESS), 1u);
  EXPECT_EQ(Dropped(OR_DROP_ACL_EGRESS), 1u);
  EXPECT_EQ(Count(), 0u);
  // Port 22 of A is B's to begin; that A speaks first of it tells nothing else.
  EXPECT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10}, 22)));
  EXPECT_EQ(Entries()[0].second.flags & OR_CONNECTION_FROM_GUEST, 0);
}

TEST_F(AdoptionTest, ARuleOfSynsIsAskedForASyn) {
  state::AclRule syns = RuleFor(state::AclAction::kAllowRelated, IPPROTO_TCP, 80);
  syns.tcp_flags_mask = kSyn | kAck;
  syns.tcp_flags_value = kSyn;
  SetProfile({.ingress = {syns}, .egress = {}});
  Allow(10);
  EXPECT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10})));
}

TEST_F(AdoptionTest, NotByWhatBeginsEndsOrIsNone) {
  SetProfile(OutboundOnly());
  Allow(10);
  EXPECT_FALSE(FromA(TcpFrame({true, kSyn | kAck, 2000, 6000})));
  EXPECT_FALSE(FromA(TcpFrame({true, kRst | kAck, 2000, 6000})));
  EXPECT_FALSE(FromA(TcpFrame({true, kAck | kSyn | kFin, 2000, 6000})));
  EXPECT_FALSE(ToA(UdpToA(53, 999)));
  EXPECT_EQ(Count(), 0u);
  EXPECT_EQ(BegunNs(), 0u) << "nobody asked";
}

TEST_F(AdoptionTest, ItsTimeBeginsWithTheFirstAndEnds) {
  SetProfile(OutboundOnly());
  Allow(10);
  ASSERT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10})));
  EXPECT_NE(BegunNs(), 0u);
  Allow(10, /*begun=*/true);
  EXPECT_FALSE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10}, 41'000)));
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 2010, 6000}))) << "what was adopted stays";
}

TEST_F(AdoptionTest, ThePortsShareIsItsLimit) {
  Profile profile = OutboundOnly();
  profile.max_connections = 1;
  SetProfile(profile);
  Allow(10);
  EXPECT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10})));
  EXPECT_FALSE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10}, 41'000)));
  EXPECT_EQ(Count(), 1u);
}

TEST_F(AdoptionTest, RulesDoNotCountItAgain) {
  SetProfile(OutboundOnly());
  Allow(10);
  ASSERT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 2000, 6000, 10})));
  ASSERT_TRUE(ToA(TcpFrame({false, kAck | kPsh, 6000, 2010, 10})));
  EXPECT_TRUE((switch_->Map<abi::or_rule_count_key, abi::or_rule_count>("or_rule_counts")
                   .Keys()
                   .value()
                   .empty()));
}

}  // namespace
}  // namespace outrider::tests
