// or_import_connections: entries of another host's table, by the program that puts them in here.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <ctime>

#include "tests/bpf/connection_fixture.h"
#include "vswitch/sys/bpf/program_run.h"

namespace outrider::tests {
namespace {

constexpr uint64_t kNsPerS = 1'000'000'000;

class ImportTest : public ConnectionTest {
 protected:
  // Runs the program for port `index`; what it says.
  static uint32_t Import(const std::vector<abi::or_connection_row>& rows, uint32_t index = 1,
                         uint32_t flags = 0) {
    Bytes input(OR_IMPORT_OFFSET + rows.size() * sizeof(abi::or_connection_row));
    std::memcpy(input.data() + OR_IMPORT_OFFSET, rows.data(),
                rows.size() * sizeof(abi::or_connection_row));
    return sys::RunProgram(
               switch_->object().Program("or_import_connections").value(),
               {.mark = index, .cb0 = static_cast<uint32_t>(rows.size()) | flags, .frame = input})
        .value();
  }
  // Its former host says that these have ended; how many go.
  static uint32_t End(const std::vector<abi::or_connection_row>& rows, uint32_t index = 1) {
    return Import(rows, index, OR_IMPORT_ENDED);
  }
  // The only connection, as it stands now.
  abi::or_connection_row Take() {
    const auto entries = Entries();
    EXPECT_EQ(entries.size(), 1u);
    return {.key = entries[0].first, .entry = entries[0].second};
  }
  // Guest A has opened a connection to B, and both have spoken.
  void Establish(uint16_t a_port = 40'000) {
    ASSERT_TRUE(FromA(TcpFrame({true, kSyn, 1000, 0}, a_port)));
    ASSERT_TRUE(ToA(TcpFrame({false, kSyn | kAck, 5000, 1001}, a_port)));
    ASSERT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001}, a_port)));
  }
  // The port forgets everything, as one that has just been made.
  void Forget() { Sweep(abi::OR_SWEEP_PORT, 1); }
};

TEST_F(ImportTest, AConnectionGoesOnWhereItWas) {
  SetProfile(OutboundOnly());
  Establish();
  ASSERT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 1001, 5001, 100})));
  abi::or_connection_row row = Take();
  row.key.port = 0;
  row.entry.port = 77;
  Forget();
  ASSERT_EQ(Count(), 0u);
  EXPECT_EQ(Import({row}), 1u);
  EXPECT_EQ(Count(), 1u);
  EXPECT_EQ(State(), uint32_t{abi::OR_CONNECTION_ESTABLISHED});
  EXPECT_EQ(Take().key.port, 1u);
  EXPECT_EQ(Take().entry.port, 1u);
  EXPECT_TRUE(ToA(TcpFrame({false, kAck, 5001, 1101})));
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1101, 5001})));
  EXPECT_FALSE(ToA(TcpFrame({false, kAck, 900'000, 1101}))) << "windows came along";
  EXPECT_EQ(Dropped(OR_DROP_CONNECTION_INVALID), 1u);
}

TEST_F(ImportTest, WhatIsSaidLaterReplacesWhatNoFrameHasMet) {
  SetProfile(OutboundOnly());
  Establish();
  const abi::or_connection_row old = Take();
  ASSERT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 1001, 5001, 100})));
  const abi::or_connection_row later = Take();
  Forget();
  EXPECT_EQ(Import({old}), 1u);
  EXPECT_EQ(Import({later}), 1u);
  EXPECT_EQ(Count(), 1u);
  EXPECT_EQ(Take().entry.sides[OR_GUEST].end, 1101u);
  EXPECT_NE(Take().entry.flags & OR_CONNECTION_IMPORTED, 0);
}

TEST_F(ImportTest, WhatAFrameHasMetHereIsNotTakenBack) {
  SetProfile(OutboundOnly());
  Establish();
  const abi::or_connection_row old = Take();
  Forget();
  ASSERT_EQ(Import({old}), 1u);
  ASSERT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 1001, 5001, 100})));
  EXPECT_EQ(Take().entry.flags & OR_CONNECTION_IMPORTED, 0);
  EXPECT_EQ(Import({old}), 1u);
  EXPECT_EQ(Take().entry.sides[OR_GUEST].end, 1101u);
  EXPECT_EQ(Count(), 1u);
}

TEST_F(ImportTest, OneThatHasEndedGoesIfNoFrameHasMetIt) {
  SetProfile(OutboundOnly());
  Establish();
  abi::or_connection_row row = Take();
  EXPECT_EQ(End({row}), 0u) << "it has begun here";
  Forget();
  EXPECT_EQ(End({row}), 0u) << "it is not there";
  abi::or_connection_row other = row;
  other.key.guest_port = 41'000;
  ASSERT_EQ(Import({row, other}), 2u);
  row.entry = {};
  row.key.port = 77;
  EXPECT_EQ(End({row}, 2), 0u) << "another port's";
  EXPECT_EQ(End({row}), 1u);
  EXPECT_EQ(Take().key.guest_port, 41'000u);
  EXPECT_EQ(Count(), 1u);
  ASSERT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001}, 41'000)));
  EXPECT_EQ(End({other}), 0u) << "a frame has met it";
  EXPECT_EQ(Count(), 1u);
}

// Sent after the guest: B's data. Seen before the pause only by the former host: A's.
TEST_F(ImportTest, WhatEitherHostHasSeenIsPutTogether) {
  SetProfile(OutboundOnly());
  Establish();
  const abi::or_connection_row bulk = Take();
  ASSERT_TRUE(FromA(TcpFrame({true, kAck | kPsh, 1001, 5001, 100})));
  const abi::or_connection_row flush = Take();
  Forget();
  ASSERT_EQ(Import({bulk}), 1u);
  ASSERT_TRUE(ToA(TcpFrame({false, kAck | kPsh, 5001, 1001, 500})));
  EXPECT_FALSE(ToA(TcpFrame({false, kAck, 5501, 1101}))) << "of what A has sent nothing is known";
  ASSERT_EQ(Import({flush}), 1u);
  EXPECT_EQ(Take().entry.sides[OR_GUEST].end, 1101u);
  EXPECT_EQ(Take().entry.sides[OR_REMOTE].end, 5501u);
  EXPECT_TRUE(ToA(TcpFrame({false, kAck, 5501, 1101})));
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1101, 5501})));
  EXPECT_EQ(Count(), 1u);
}

TEST_F(ImportTest, AnotherConnectionOfTheSameAddressesIsNotMixedIn) {
  SetProfile(OutboundOnly());
  Establish();
  abi::or_connection_row row = Take();
  ASSERT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  row.entry.sides[OR_GUEST].end += 1u << 27;
  ASSERT_EQ(Import({row}), 1u);
  EXPECT_EQ(Take().entry.sides[OR_GUEST].end, 1001u);
  row = Take();
  row.entry.sides[OR_GUEST].end += 100;
  row.entry.flags ^= OR_CONNECTION_FROM_GUEST;
  ASSERT_EQ(Import({row}), 1u);
  EXPECT_EQ(Take().entry.sides[OR_GUEST].end, 1001u);
}

TEST_F(ImportTest, AnAnswerThatOnlyTheFormerHostSawCounts) {
  SetProfile(OutboundOnly());
  ASSERT_TRUE(FromA(UdpFromA(999, 53)));
  const abi::or_connection_row asked = Take();
  ASSERT_TRUE(ToA(UdpToA(53, 999)));
  const abi::or_connection_row answered = Take();
  Forget();
  ASSERT_EQ(Import({asked}), 1u);
  ASSERT_TRUE(FromA(UdpFromA(999, 53)));
  EXPECT_EQ(State(), uint32_t{abi::OR_CONNECTION_NEW});
  ASSERT_EQ(Import({answered}), 1u);
  EXPECT_EQ(State(), uint32_t{abi::OR_CONNECTION_REPLIED});
}

// Taken up by what came before the former host's word.
TEST_F(ImportTest, AnAdoptedOneLearnsWhatWasAgreed) {
  SetProfile(OutboundOnly());
  Establish();
  abi::or_connection_row row = Take();
  row.entry.sides[OR_REMOTE].scale = 7;
  row.entry.sides[OR_REMOTE].flags |= OR_TCP_SIDE_SCALE;
  Forget();
  ASSERT_EQ((switch_->Map<uint32_t, abi::or_adoption>("or_adoptions")
                 .Update(1, {.duration_ns = kNsPerS, .begun_ns = 0})),
            absl::OkStatus());
  ASSERT_TRUE(ToA(TcpFrame({false, kAck | kPsh, 5001, 1001, 10})));
  EXPECT_EQ(Take().entry.sides[OR_REMOTE].scale, 0u);
  ASSERT_EQ(Import({row}), 1u);
  EXPECT_EQ(Take().entry.sides[OR_REMOTE].scale, 7u);
  EXPECT_EQ(Take().entry.sides[OR_REMOTE].end, 5011u);
}

TEST_F(ImportTest, OneThatIsOverGivesItsPlace) {
  SetProfile(OutboundOnly());
  Establish();
  abi::or_connection_row row = Take();
  ExpireAll();
  row.entry.sides[OR_GUEST].end = 2222;
  EXPECT_EQ(Import({row}), 1u);
  EXPECT_EQ(Take().entry.sides[OR_GUEST].end, 2222u);
  EXPECT_EQ(Count(), 1u);
}

TEST_F(ImportTest, ThePortsShareIsItsLimit) {
  Profile profile = OutboundOnly();
  profile.max_connections = 3;
  SetProfile(profile);
  Establish();
  std::vector<abi::or_connection_row> rows(OR_IMPORT_ROWS, Take());
  for (size_t i = 0; i < rows.size(); ++i) {
    rows[i].key.guest_port = static_cast<uint16_t>(50'000 + i);
  }
  const uint32_t verdict = Import(rows);
  EXPECT_EQ(OR_IMPORT_TAKEN(verdict), 2u);
  EXPECT_EQ(OR_IMPORT_SHARE_FULL(verdict), OR_IMPORT_ROWS - 2u);
  EXPECT_EQ(OR_IMPORT_TABLE_FULL(verdict), 0u);
  EXPECT_EQ(Count(), 3u);
  EXPECT_EQ(Entries().size(), 3u);
}

TEST_F(ImportTest, APortThatKeepsNoneGetsNone) {
  SetProfile(OutboundOnly());
  Establish();
  const abi::or_connection_row row = Take();
  EXPECT_EQ(OR_IMPORT_SHARE_FULL(Import({row}, 2)), 1u);
  EXPECT_EQ(Import({row}, 9), 0u) << "no such port";
  EXPECT_EQ(Entries().size(), 1u);
}

TEST_F(ImportTest, WhatAnotherRuleSetAdmittedIsJudgedAgain) {
  SetProfile(OutboundOnly());
  Establish();
  abi::or_connection_row row = Take();
  Forget();
  row.entry.admitted_by = 0xdead;
  ASSERT_EQ(Import({row}), 1u);
  EXPECT_TRUE(FromA(TcpFrame({true, kAck, 1001, 5001}))) << "by the rule of its first packet";
  SetProfile({.ingress = {}, .egress = {}});
  EXPECT_FALSE(FromA(TcpFrame({true, kAck, 1001, 5001})));
  EXPECT_EQ(Count(), 0u);
}

TEST_F(ImportTest, FewerBytesThanRowsEndTheRun) {
  SetProfile(OutboundOnly());
  Establish();
  const abi::or_connection_row row = Take();
  Forget();
  Bytes input(OR_IMPORT_OFFSET + sizeof(row));
  std::memcpy(input.data() + OR_IMPORT_OFFSET, &row, sizeof(row));
  const auto verdict = sys::RunProgram(switch_->object().Program("or_import_connections").value(),
                                       {.mark = 1, .cb0 = 1000, .frame = input});
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(*verdict, 1u);
  EXPECT_EQ(Count(), 1u);
}

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
