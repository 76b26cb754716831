#include "vswitch/sys/stream/stream_address.h"

#include <gtest/gtest.h>

namespace outrider::stream {
namespace {

std::string RoundTrip(const std::string& text) {
  const auto address = StreamAddress::Parse(text, 6640);
  return address.ok() ? address->ToString() : Message(address.status());
}

TEST(StreamAddressTest, EveryMethod) {
  EXPECT_EQ(RoundTrip("unix:/run/db.sock"), "unix:/run/db.sock");
  EXPECT_EQ(RoundTrip("punix:/run/db.sock"), "punix:/run/db.sock");
  EXPECT_EQ(RoundTrip("tcp:127.0.0.1:6641"), "tcp:127.0.0.1:6641");
  EXPECT_EQ(RoundTrip("tcp:127.0.0.1"), "tcp:127.0.0.1:6640");
  EXPECT_EQ(RoundTrip("ssl:[::1]:6641"), "ssl:[::1]:6641");
  EXPECT_EQ(RoundTrip("ptcp:"), "ptcp:6640");
  EXPECT_EQ(RoundTrip("ptcp:6641"), "ptcp:6641");
  EXPECT_EQ(RoundTrip("ptcp:6640:127.0.0.1"), "ptcp:6640:127.0.0.1");
  EXPECT_EQ(RoundTrip("pssl:0:[::]"), "pssl:0:[::]");
}

TEST(StreamAddressTest, WhatIsWrongIsQuoted) {
  EXPECT_EQ(
      RoundTrip("foo:bar"),
      "\"foo:bar\": unknown connection method; use unix:, tcp:, ssl:, punix:, ptcp: or pssl:");
  EXPECT_EQ(RoundTrip("tcp:"), "\"tcp:\": \"\" is not an IPv4 or IPv6 address");
  EXPECT_EQ(RoundTrip("tcp:example.org:1"),
            "\"tcp:example.org:1\": \"example.org\" is not an IPv4 or IPv6 address");
  EXPECT_EQ(RoundTrip("tcp:127.0.0.1:70000"),
            "\"tcp:127.0.0.1:70000\": port \"70000\" is not a number to 65535");
  EXPECT_EQ(RoundTrip("ptcp:1:::1"),
            "\"ptcp:1:::1\": too many colons; an IPv6 address belongs in brackets");
  EXPECT_EQ(RoundTrip("unix:"), "\"unix:\": a path is missing");
}

}  // namespace
}  // namespace outrider::stream
