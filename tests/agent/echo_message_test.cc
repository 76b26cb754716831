#include "vswitch/agent/echo_message.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/state_generator.h"

namespace outrider::agent {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr EchoName kName{.identifier = 0x1234, .token = 0x0102030405060708};
constexpr uint64_t kSequence = 0x10002;

EchoPair Pair(const char* from, const char* to, uint16_t vlan = 0) {
  return {.from_mac = tests::MakeMac(1),
          .from_ip = *IpAddress::Parse(from),
          .to_mac = tests::MakeMac(2),
          .to_ip = *IpAddress::Parse(to),
          .vlan = vlan};
}

// RFC 1071: what was summed with its checksum is all ones.
uint16_t Sum(const Bytes& bytes, size_t from, size_t to, uint32_t sum = 0) {
  for (size_t i = from; i < to; i += 2) sum += bytes[i] << 8 | bytes[i + 1];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

// What a guest makes of it.
Bytes Reply(Bytes request, bool v4) {
  std::swap_ranges(request.begin(), request.begin() + 6, request.begin() + 6);
  request[v4 ? 34 : 54] = v4 ? 0 : 129;
  return request;
}

TEST(EchoMessage, IsAnIpv4RequestAsPingSendsIt) {
  const Bytes frame = EchoRequest(Pair("10.0.0.1", "10.0.0.2"), kName, kSequence);
  ASSERT_EQ(frame.size(), 98u);
  const Bytes head(frame.begin(), frame.begin() + 24);
  EXPECT_EQ(head, (Bytes{0x52, 0x54, 0,    0, 0, 2,  0x52, 0x54, 0,    0, 0,  1,
                         0x08, 0x00, 0x45, 0, 0, 84, 0,    0,    0x40, 0, 64, 1}));
  const Bytes rest(frame.begin() + 26, frame.begin() + 36);
  EXPECT_EQ(rest, (Bytes{10, 0, 0, 1, 10, 0, 0, 2, 8, 0}));
  const Bytes echo(frame.begin() + 38, frame.begin() + 58);
  EXPECT_EQ(echo, (Bytes{0x12, 0x34, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 1, 0, 2}));
  EXPECT_EQ(Sum(frame, 14, 34), 0xffff);
  EXPECT_EQ(Sum(frame, 34, 98), 0xffff);
}

TEST(EchoMessage, IsAnIpv6RequestWithItsPseudoHeader) {
  const Bytes frame = EchoRequest(Pair("2001:db8::1", "2001:db8::2"), kName, kSequence);
  ASSERT_EQ(frame.size(), 118u);
  const Bytes head(frame.begin() + 12, frame.begin() + 22);
  EXPECT_EQ(head, (Bytes{0x86, 0xdd, 0x60, 0, 0, 0, 0, 64, 58, 64}));
  EXPECT_EQ(frame[54], 128);
  EXPECT_EQ(Sum(frame, 22, 118, 64 + 58), 0xffff);
}

TEST(EchoMessage, ATagIsInFrontOfTheType) {
  const Bytes plain = EchoRequest(Pair("10.0.0.1", "10.0.0.2"), kName, kSequence);
  Bytes tagged = EchoRequest(Pair("10.0.0.1", "10.0.0.2", 0x123), kName, kSequence);
  const Bytes tag(tagged.begin() + 12, tagged.begin() + 16);
  EXPECT_EQ(tag, (Bytes{0x81, 0, 1, 0x23}));
  tagged.erase(tagged.begin() + 12, tagged.begin() + 16);
  EXPECT_EQ(tagged, plain);
}

TEST(EchoMessage, AReplySaysWhichRequestItAnswers) {
  for (const bool v4 : {true, false}) {
    const EchoPair pair = v4 ? Pair("10.0.0.1", "10.0.0.2") : Pair("2001:db8::1", "2001:db8::2");
    const Bytes request = EchoRequest(pair, kName, kSequence);
    const Bytes reply = Reply(request, v4);
    EXPECT_EQ(SequenceOfReply(reply, kName), kSequence);
    EXPECT_EQ(SequenceOfReply(request, kName), std::nullopt) << "a request is no reply";
    EXPECT_EQ(SequenceOfReply(reply, {.identifier = 0x1235, .token = kName.token}), std::nullopt);
    EXPECT_EQ(SequenceOfReply(reply, {.identifier = 0x1234, .token = 1}), std::nullopt);
    const size_t needed = v4 ? 58 : 78;
    for (size_t size = 0; size < needed; ++size) {
      EXPECT_EQ(SequenceOfReply(Bytes(reply.begin(), reply.begin() + size), kName), std::nullopt);
    }
    EXPECT_EQ(SequenceOfReply(Bytes(reply.begin(), reply.begin() + needed), kName), kSequence);
  }
  Bytes options = Reply(EchoRequest(Pair("10.0.0.1", "10.0.0.2"), kName, kSequence), true);
  options[14] = 0x46;
  options.insert(options.begin() + 34, {1, 1, 1, 1});
  EXPECT_EQ(SequenceOfReply(options, kName), kSequence) << "behind IPv4 options";
}

}  // namespace
}  // namespace outrider::agent
