// Membership messages as the RFCs have them: what they say, and which are none.
#include "vswitch/agent/multicast_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/support/packet_builder.h"

namespace outrider::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using tests::Bytes;
using tests::Ip;
using tests::PacketBuilder;

constexpr char kMac[] = "52:54:00:00:00:01";
constexpr char kGroupMac[] = "01:00:5e:01:02:03";

Bytes WithoutEthernet(const Bytes& frame) { return Bytes(frame.begin() + 14, frame.end()); }

Bytes Igmp(Bytes message, const std::string& source = "10.0.0.1") {
  const uint16_t checksum = tests::InternetChecksum(message);
  message[2] = static_cast<uint8_t>(checksum >> 8);
  message[3] = static_cast<uint8_t>(checksum);
  return WithoutEthernet(PacketBuilder(kGroupMac, kMac)
                             .Ipv4({.src = source,
                                    .dst = "224.0.0.22",
                                    .ttl = 1,
                                    .options = {0x94, 4, 0, 0},
                                    .protocol = 2})
                             .Payload(message)
                             .Build());
}

struct MldFields {
  std::string source = "fe80::1";
  uint8_t hop_limit = 1;
  bool alert = true;
};

// `body`: behind the first four bytes.
Bytes Mld(uint8_t type, const Bytes& body, const MldFields& fields = {}) {
  PacketBuilder builder("33:33:00:00:00:16", kMac);
  builder.Ipv6({.src = fields.source, .dst = "ff02::16", .hop_limit = fields.hop_limit});
  builder.Extension(0);
  builder.Icmpv6(type).Payload(Bytes(body.begin() + 4, body.end()));
  Bytes packet = WithoutEthernet(builder.Build());
  // The builder's extension header is empty; its ICMPv6 header ends in zeros.
  const Bytes alert = {5, 2, 0, 0, 1, 0};
  if (fields.alert) std::copy(alert.begin(), alert.end(), packet.begin() + 42);
  std::copy(body.begin(), body.begin() + 4, packet.begin() + 52);
  uint32_t sum = static_cast<uint32_t>(packet[50] << 8 | packet[51]);
  for (size_t i = 0; i < 4; i += 2)
    sum += 0xffff - static_cast<uint32_t>(body[i] << 8 | body[i + 1]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  packet[50] = static_cast<uint8_t>(sum >> 8);
  packet[51] = static_cast<uint8_t>(sum);
  return packet;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes AddressOf(const std::string& text) {
  const auto bytes = Ip(text).bytes();
  return Bytes(bytes.begin(), bytes.end());
}

MulticastMessage Parsed(const Bytes& packet) {
  const auto message = ParseMulticastMessage(packet);
  EXPECT_TRUE(message.ok()) << message.status();
  return message.value_or(MulticastMessage{});
}

std::string Error(const Bytes& packet) { return Message(ParseMulticastMessage(packet).status()); }

MembershipRecord Joined(const std::string& group) { return {Ip(group), true}; }
MembershipRecord Left(const std::string& group) { return {Ip(group), false}; }

TEST(MulticastMessages, IgmpOfOneGroup) {
  EXPECT_THAT(Parsed(Igmp({0x12, 0, 0, 0, 239, 1, 2, 3})).records,
              ElementsAre(Joined("239.1.2.3")));
  EXPECT_THAT(Parsed(Igmp({0x16, 0, 0, 0, 239, 1, 2, 3})).records,
              ElementsAre(Joined("239.1.2.3")));
  EXPECT_THAT(Parsed(Igmp({0x17, 0, 0, 0, 239, 1, 2, 3})).records, ElementsAre(Left("239.1.2.3")));
  EXPECT_THAT(Parsed(Igmp({0x16, 0, 0, 0, 224, 0, 0, 251})).records, IsEmpty()) << "link-local";
}

TEST(MulticastMessages, Igmpv3Records) {
  const Bytes head = {0x22, 0, 0, 0, 0, 0, 0, 7};
  const Bytes source = {10, 9, 9, 9};
  const Bytes packet = Igmp(head + Bytes{1, 0, 0, 0, 239, 0, 0, 1} +    // include nobody
                            Bytes{1, 0, 0, 1, 239, 0, 0, 2} + source +  // include one
                            Bytes{2, 0, 0, 0, 239, 0, 0, 3} +           // exclude nobody
                            Bytes{3, 0, 0, 0, 239, 0, 0, 4} +           // to include nobody
                            Bytes{4, 1, 0, 1, 239, 0, 0, 5} + source + source +  // auxiliary data
                            Bytes{5, 0, 0, 1, 239, 0, 0, 6} + source +           // allow one more
                            Bytes{6, 0, 0, 1, 239, 0, 0, 7} + source);           // block one
  EXPECT_THAT(Parsed(packet).records,
              ElementsAre(Left("239.0.0.1"), Joined("239.0.0.2"), Joined("239.0.0.3"),
                          Left("239.0.0.4"), Joined("239.0.0.5"), Joined("239.0.0.6")));
}

TEST(MulticastMessages, MldReportsAndDone) {
  const Bytes none = {0, 0, 0, 0};
  EXPECT_THAT(Parsed(Mld(131, none + AddressOf("ff05::77"))).records,
              ElementsAre(Joined("ff05::77")));
  EXPECT_THAT(Parsed(Mld(132, none + AddressOf("ff05::77"))).records,
              ElementsAre(Left("ff05::77")));
  EXPECT_THAT(Parsed(Mld(131, none + AddressOf("ff02::fb"))).records, IsEmpty()) << "link-local";
  const Bytes records = Bytes{0, 0, 0, 2} + Bytes{4, 0, 0, 0} + AddressOf("ff05::1") +
                        Bytes{3, 0, 0, 0} + AddressOf("ff05::2");
  EXPECT_THAT(Parsed(Mld(143, records)).records, ElementsAre(Joined("ff05::1"), Left("ff05::2")));
  EXPECT_THAT(Parsed(Mld(143, records, {.source = "::"})).records,
              ElementsAre(Joined("ff05::1"), Left("ff05::2")));
}

TEST(MulticastMessages, QueriesOfRouters) {
  EXPECT_TRUE(Parsed(Igmp({0x11, 100, 0, 0, 0, 0, 0, 0})).is_query);
  EXPECT_FALSE(Parsed(Igmp({0x11, 100, 0, 0, 0, 0, 0, 0}, "0.0.0.0")).is_query) << "a switch's";
  EXPECT_TRUE(Parsed(Mld(130, Bytes(20, 0))).is_query);
  EXPECT_TRUE(Parsed(Igmp({0x11, 100, 0, 0, 0, 0, 0, 0})).is_general);
  EXPECT_FALSE(Parsed(Igmp({0x11, 10, 0, 0, 239, 1, 2, 3})).is_general) << "of one group";
  EXPECT_TRUE(Parsed(Mld(130, Bytes(20, 0))).is_general);
  Bytes of_group(20, 0);
  of_group[4] = 0xff;
  of_group[19] = 5;
  EXPECT_FALSE(Parsed(Mld(130, of_group)).is_general);
  EXPECT_EQ(Parsed(Mld(130, Bytes(20, 0))).family, IpFamily::kV6);
}

TEST(MulticastMessages, ThatAreNoneAreRefused) {
  const Bytes report = {0x16, 0, 0, 0, 239, 1, 2, 3};
  const Bytes good = Igmp(report);
  EXPECT_EQ(Error({}), "empty");
  EXPECT_EQ(Error({0x50}), "neither IPv4 nor IPv6");
  EXPECT_EQ(Error(Bytes(good.begin(), good.begin() + 26)), "the IPv4 lengths do not fit");
  Bytes damaged = good;
  damaged.back() ^= 1;
  EXPECT_EQ(Error(damaged), "the IGMP checksum is wrong");
  EXPECT_EQ(Error(Igmp({0x16, 0, 0, 0, 10, 1, 2, 3})), "the group is no multicast address");
  EXPECT_EQ(Error(Igmp({0x13, 0, 0, 0, 239, 1, 2, 3})), "no IGMP message that is known");
  EXPECT_EQ(Error(Igmp({0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 239, 0, 0, 1})),
            "a record is cut short");
  EXPECT_EQ(Error(Igmp({0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0xff, 0xff, 239, 0, 0, 1})),
            "a record is cut short");
  const Bytes joins = Bytes(4, 0) + AddressOf("ff05::77");
  EXPECT_EQ(Error(Mld(131, joins, {.hop_limit = 2})), "MLD without router alert or hop limit 1");
  EXPECT_EQ(Error(Mld(131, joins, {.alert = false})), "MLD without router alert or hop limit 1");
  EXPECT_EQ(Error(Mld(131, joins, {.source = "fd00::1"})),
            "MLD from an address that is not of the link");
  EXPECT_EQ(Error(Mld(130, Bytes(20, 0), {.source = "::"})),
            "MLD from an address that is not of the link");
  EXPECT_EQ(Error(Mld(131, Bytes(4, 0) + AddressOf("fd00::1"))),
            "the group is no multicast address");
}

// A report larger than what the datapath hands over counts as far as it goes.
TEST(MulticastMessages, ACutReportCountsAsFarAsItIsThere) {
  Bytes records = {0x22, 0, 0, 0, 0, 0, 0, 3};
  for (const uint8_t n : {1, 2, 3}) records = records + Bytes{4, 0, 0, 0, 239, 0, 0, n};
  Bytes packet = Igmp(records);
  packet.resize(packet.size() - 3);
  EXPECT_THAT(Parsed(packet).records, ElementsAre(Joined("239.0.0.1"), Joined("239.0.0.2")));
}

TEST(MulticastMessages, NoBytesCrashTheParser) {
  std::mt19937 random(7);
  const std::vector<Bytes> seeds = {
      Igmp({0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 1, 239, 0, 0, 1, 10, 0, 0, 1}),
      Mld(143, Bytes{0, 0, 0, 1, 4, 0, 0, 0} + AddressOf("ff05::1"))};
  for (int i = 0; i < 200'000; ++i) {
    Bytes packet = seeds[i % 2];
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
      packet[random() % packet.size()] = static_cast<uint8_t>(random());
    }
    packet.resize(random() % (packet.size() + 1));
    (void)ParseMulticastMessage(packet);
  }
}

TEST(MulticastMessages, OurQueriesAreSoundAndNoRouters) {
  for (const Bytes& frame : {GeneralQuery(IpFamily::kV4), GroupQuery(Ip("239.1.2.3"))}) {
    const MulticastMessage message = Parsed(WithoutEthernet(frame));
    EXPECT_FALSE(message.is_query) << "from 0.0.0.0";
    EXPECT_EQ(tests::InternetChecksum(Bytes(frame.begin() + 14, frame.begin() + 38)), 0);
  }
  for (const Bytes& frame : {GeneralQuery(IpFamily::kV6), GroupQuery(Ip("ff05::77"))}) {
    EXPECT_TRUE(Parsed(WithoutEthernet(frame)).is_query);
  }
  const Bytes of_group = GroupQuery(Ip("239.129.2.3"));
  EXPECT_EQ(Bytes(of_group.begin(), of_group.begin() + 6), (Bytes{0x01, 0x00, 0x5e, 0x01, 2, 3}));
  EXPECT_EQ(Bytes(of_group.end() - 8, of_group.end() - 4), (Bytes{239, 129, 2, 3}));
}

}  // namespace
}  // namespace outrider::agent
