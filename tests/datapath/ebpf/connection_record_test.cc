// Connections on their way between hosts: what is one host's own stays there.
#include "vswitch/datapath/ebpf/connection_record.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>

#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr RecordFrame kSource{.now_ns = 1000 * kNsPerS, .revision = 3 * OR_REVISION_STEP};
constexpr RecordFrame kDestination{.now_ns = 5 * kNsPerS, .revision = 8 * OR_REVISION_STEP};
constexpr uint64_t kContent = 0x1234;

abi::or_connection_key Key(uint8_t protocol) {
  abi::or_connection_key key{};
  key.port = 4;
  key.vni = 7;
  key.guest[15] = 1;
  key.remote[15] = 2;
  key.guest_port = 40000;
  key.remote_port = 80;
  key.protocol = protocol;
  return key;
}

abi::or_connection Tcp() {
  abi::or_connection entry{};
  entry.port = 4;
  entry.expires_ns = kSource.now_ns + 90 * kNsPerS;
  entry.admitted_by = kContent + kSource.revision;
  entry.state = abi::OR_CONNECTION_ESTABLISHED;
  entry.flags = OR_CONNECTION_FROM_GUEST | OR_CONNECTION_IMPORTED;
  entry.first_flags = 2;
  entry.sides[OR_GUEST] = {.end = 100,
                           .max_end = 200,
                           .max_window = 300,
                           .max_ack = 400,
                           .flags = OR_TCP_SIDE_SYN | OR_TCP_SIDE_ACK,
                           .scale = 7,
                           .pad = 0};
  return entry;
}

abi::or_connection Udp() {
  abi::or_connection entry{};
  entry.port = 4;
  entry.expires_ns = kSource.now_ns + 20 * kNsPerS;
  entry.state = abi::OR_CONNECTION_REPLIED;
  entry.replied_s = 990;
  return entry;
}

template <typename T>
bool Same(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

// With one byte of the entry another.
ConnectionRecord With(ConnectionRecord record, size_t at, uint8_t value) {
  record.entry[at] = static_cast<char>(value);
  return record;
}

TEST(ConnectionRecord, ArrivesWithTheOtherHostsTimesAndRevision) {
  const auto record = ToRecord(Key(IPPROTO_TCP), Tcp(), kSource);
  ASSERT_TRUE(record.has_value());
  const auto row = FromRecord(*record, kDestination);
  ASSERT_TRUE(row.ok()) << row.status();
  abi::or_connection_key key = Key(IPPROTO_TCP);
  key.port = 0;
  EXPECT_TRUE(Same(row->key, key));
  abi::or_connection entry = Tcp();
  entry.port = 0;
  entry.flags = OR_CONNECTION_FROM_GUEST;
  entry.expires_ns = kDestination.now_ns + 90 * kNsPerS;
  entry.admitted_by = kContent + kDestination.revision;
  EXPECT_TRUE(Same(row->entry, entry));
}

TEST(ConnectionRecord, AnAnswersAgeSurvivesAClockThatIsYounger) {
  const auto record = ToRecord(Key(IPPROTO_UDP), Udp(), kSource);
  ASSERT_TRUE(record.has_value());
  const auto row = FromRecord(*record, kDestination);
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_EQ(row->entry.replied_s, static_cast<uint32_t>(5 - 10));
  EXPECT_EQ(row->entry.expires_ns, 25 * kNsPerS);
}

TEST(ConnectionRecord, WhatHasExpiredDoesNotTravel) {
  abi::or_connection entry = Tcp();
  entry.expires_ns = kSource.now_ns;
  EXPECT_FALSE(ToRecord(Key(IPPROTO_TCP), entry, kSource).has_value());
}

TEST(ConnectionRecord, TheVersionIsOfTheEntryNotOfTheMoment) {
  const auto first = ToRecord(Key(IPPROTO_TCP), Tcp(), kSource);
  RecordFrame later = kSource;
  later.now_ns += kNsPerS;
  EXPECT_EQ(ToRecord(Key(IPPROTO_TCP), Tcp(), later)->version, first->version);
  abi::or_connection entry = Tcp();
  ++entry.sides[OR_REMOTE].end;
  EXPECT_NE(ToRecord(Key(IPPROTO_TCP), entry, kSource)->version, first->version);
  entry = Tcp();
  entry.lock = 1;
  EXPECT_EQ(ToRecord(Key(IPPROTO_TCP), entry, kSource)->version, first->version);
}

TEST(ConnectionRecord, TimeIsBoundedByTheLongestThereIs) {
  abi::or_connection entry = Tcp();
  entry.expires_ns = UINT64_MAX;
  const auto row = FromRecord(*ToRecord(Key(IPPROTO_TCP), entry, kSource), kDestination);
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row->entry.expires_ns, kDestination.now_ns + 5 * 24 * 3600 * kNsPerS);
}

TEST(ConnectionRecord, WhatNoProgramWroteIsRefused) {
  const auto good = *ToRecord(Key(IPPROTO_TCP), Tcp(), kSource);
  const size_t sides = offsetof(abi::or_connection, sides);
  const size_t scale = sides + offsetof(abi::or_tcp_side, scale);
  const auto refused = [](const ConnectionRecord& record) {
    return FromRecord(record, kDestination).status().code() == absl::StatusCode::kInvalidArgument;
  };
  EXPECT_FALSE(refused(good));
  for (const uint8_t state : {0, 1, 2, 11}) {
    EXPECT_TRUE(refused(With(good, offsetof(abi::or_connection, state), state))) << +state;
  }
  EXPECT_TRUE(refused(With(good, offsetof(abi::or_connection, flags), OR_CONNECTION_IMPORTED)));
  EXPECT_TRUE(refused(With(good, scale, 15)));
  EXPECT_TRUE(refused(With(good, sides + offsetof(abi::or_tcp_side, flags), 0x10)));
  ConnectionRecord short_one = good;
  short_one.entry.pop_back();
  EXPECT_TRUE(refused(short_one));
  ConnectionRecord long_key = good;
  long_key.key.push_back('x');
  EXPECT_TRUE(refused(long_key));
  abi::or_connection_key nowhere = Key(IPPROTO_TCP);
  nowhere.vni = 0;
  EXPECT_TRUE(refused(*ToRecord(nowhere, Tcp(), kSource)));
  EXPECT_TRUE(refused(*ToRecord(Key(IPPROTO_UDP), Tcp(), kSource))) << "a state of TCP's";
}

}  // namespace
}  // namespace outrider::datapath::ebpf
