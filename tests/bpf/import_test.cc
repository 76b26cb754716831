// or_import_connections: entries of another host's table, by the program that puts them in here.
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <ctime>

#include "tests/bpf/import_fixture.h"

namespace outrider::tests {
namespace {

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

}  // namespace
}  // namespace outrider::tests
