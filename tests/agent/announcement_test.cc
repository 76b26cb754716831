#include "vswitch/agent/announcement.h"

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace outrider::agent {
namespace {

using tests::Ip;
using tests::Mac;
using tests::PacketBuilder;

constexpr char kMac[] = "52:54:00:00:00:01";

PacketBuilder From(const std::string& to, uint16_t vlan) {
  PacketBuilder packet(to, kMac);
  if (vlan != 0) packet.Vlan(vlan);
  return packet;
}

TEST(Announcement, OfAMac) {
  const tests::Bytes untagged =
      From(tests::kBroadcast, 0)
          .EtherType(0x8035)
          .Arp({.operation = 3, .sender_mac = Mac(kMac), .target_mac = Mac(kMac)})
          .Payload(18, 0)
          .Build();
  EXPECT_EQ(ReverseArp(Mac(kMac), 0), untagged);
  tests::Bytes tagged = untagged;
  const tests::Bytes tag = {0x81, 0, 0x0f, 0xfe};
  tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
  EXPECT_EQ(ReverseArp(Mac(kMac), 4094), tagged);
}

TEST(Announcement, OfAnIpv4Address) {
  EXPECT_EQ(AddressAnnouncement(Mac(kMac), Ip("192.0.2.7"), 100),
            From(tests::kBroadcast, 100)
                .Arp({.operation = 1,
                      .sender_mac = Mac(kMac),
                      .sender_ip = "192.0.2.7",
                      .target_mac = {},
                      .target_ip = "192.0.2.7"})
                .Payload(18, 0)
                .Build());
}

// The builder knows nothing of neighbor discovery, but of its checksum.
TEST(Announcement, OfAnIpv6Address) {
  tests::Bytes rest = {};
  const IpAddress ip = Ip("2001:db8::7");
  rest.insert(rest.end(), ip.bytes().begin(), ip.bytes().end());
  rest.insert(rest.end(), {2, 1, 0x52, 0x54, 0, 0, 0, 1});
  tests::Bytes expected = From("33:33:00:00:00:01", 100)
                              .Ipv6({.src = "2001:db8::7", .dst = "ff02::1", .hop_limit = 255})
                              .Icmpv6(136)
                              .Payload(rest)
                              .Build();
  // The override flag; the checksum's share of it.
  constexpr size_t kMessage = 14 + 4 + 40;
  expected[kMessage + 4] = 0x20;
  const uint32_t sum = static_cast<uint32_t>(expected[kMessage + 2] << 8 | expected[kMessage + 3]);
  const uint32_t with_flag = sum >= 0x2000 ? sum - 0x2000 : sum + 0xffff - 0x2000;
  expected[kMessage + 2] = static_cast<uint8_t>(with_flag >> 8);
  expected[kMessage + 3] = static_cast<uint8_t>(with_flag);
  EXPECT_EQ(AddressAnnouncement(Mac(kMac), ip, 100), expected);
}

}  // namespace
}  // namespace outrider::agent
