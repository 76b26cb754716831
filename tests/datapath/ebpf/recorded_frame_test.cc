#include "vswitch/datapath/ebpf/recorded_frame.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "tests/support/packet_builder.h"

namespace outrider::datapath::ebpf {
namespace {

using tests::Bytes;

constexpr char kMac[] = "52:54:00:00:00:01";

Bytes Udp4() {
  return tests::PacketBuilder(kMac, kMac)
      .Ipv4({.src = "10.0.0.1", .dst = "10.0.0.2"})
      .Udp(1, 2)
      .Payload(33)
      .Build();
}

Bytes Tcp6() {
  return tests::PacketBuilder(kMac, kMac)
      .Ipv6({.src = "fd00::1", .dst = "fd00::2"})
      .Tcp(1, 2)
      .Payload(64)
      .Build();
}

abi::or_record_head Udp4Head() {
  abi::or_record_head head{};
  head.ether_type = 0x0800;
  head.protocol = IPPROTO_UDP;
  head.l4_offset = 34;
  return head;
}

abi::or_record_head Tcp6Head() {
  abi::or_record_head head{};
  head.ether_type = 0x86dd;
  head.protocol = IPPROTO_TCP;
  head.l4_offset = 54;
  return head;
}

// The sum of the pseudo header in the checksum's place, as a sender with checksum offload has it:
// RFC 768, RFC 8200 8.1. The sum is that of the addresses, of protocol and length.
Bytes Unfinished(Bytes frame, size_t addresses, size_t address_bytes, uint8_t protocol,
                 size_t transport, size_t checksum) {
  Bytes pseudo(frame.begin() + static_cast<ptrdiff_t>(addresses),
               frame.begin() + static_cast<ptrdiff_t>(addresses + address_bytes));
  const size_t length = frame.size() - transport;
  pseudo.insert(pseudo.end(),
                {0, protocol, static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)});
  const auto sum = static_cast<uint16_t>(~tests::InternetChecksum(pseudo));
  frame[transport + checksum] = static_cast<uint8_t>(sum >> 8);
  frame[transport + checksum + 1] = static_cast<uint8_t>(sum);
  return frame;
}

TEST(RestoreFrame, AFinishedFrameIsAsItWas) {
  const sys::OffloadFrame frame = RestoreFrame(Udp4Head(), Udp4(), 0);
  EXPECT_EQ(frame, (sys::OffloadFrame{.bytes = Udp4()}));
  EXPECT_EQ(RestoreFrame(Tcp6Head(), Tcp6(), 0), (sys::OffloadFrame{.bytes = Tcp6()}));
}

TEST(RestoreFrame, FindsAnUnfinishedChecksum) {
  const Bytes udp = Unfinished(Udp4(), 26, 8, IPPROTO_UDP, 34, 6);
  EXPECT_EQ(RestoreFrame(Udp4Head(), udp, 0).checksum,
            (sys::UnfinishedChecksum{.start = 34, .offset = 6}));
  const Bytes tcp = Unfinished(Tcp6(), 22, 32, IPPROTO_TCP, 54, 16);
  EXPECT_EQ(RestoreFrame(Tcp6Head(), tcp, 0).checksum,
            (sys::UnfinishedChecksum{.start = 54, .offset = 16}));
}

TEST(RestoreFrame, LeavesAWrongChecksumAndAFragmentAlone) {
  Bytes wrong = Udp4();
  wrong[40] ^= 0x5a;
  EXPECT_EQ(RestoreFrame(Udp4Head(), wrong, 0).checksum, std::nullopt);
  abi::or_record_head fragment = Udp4Head();
  fragment.flags = OR_RECORDED_FRAGMENT;
  const Bytes udp = Unfinished(Udp4(), 26, 8, IPPROTO_UDP, 34, 6);
  EXPECT_EQ(RestoreFrame(fragment, udp, 0).checksum, std::nullopt);
}

TEST(RestoreFrame, PutsTagsBackInOrder) {
  abi::or_record_head head = Udp4Head();
  head.flags = OR_RECORDED_TAGGED;
  head.tag_type = 0x88a8;
  head.tag = 0x2064;
  const Bytes udp = Unfinished(Udp4(), 26, 8, IPPROTO_UDP, 34, 6);
  const sys::OffloadFrame frame = RestoreFrame(head, udp, 10);
  ASSERT_EQ(frame.bytes.size(), udp.size() + 8);
  EXPECT_EQ(Bytes(frame.bytes.begin() + 12, frame.bytes.begin() + 20),
            (Bytes{0x81, 0x00, 0x00, 0x0a, 0x88, 0xa8, 0x20, 0x64}));
  EXPECT_EQ(frame.checksum, (sys::UnfinishedChecksum{.start = 42, .offset = 6}));
}

TEST(RestoreFrame, ASuperPacketKeepsItsSegments) {
  abi::or_record_head head = Tcp6Head();
  head.gso_size = 32;
  const sys::OffloadFrame frame = RestoreFrame(head, Tcp6(), 0);
  EXPECT_EQ(frame.segmentation, sys::Segmentation::kTcpV6);
  EXPECT_EQ(frame.segment_size, 32);
  EXPECT_EQ(frame.header_length, 74);
  EXPECT_EQ(frame.checksum, (sys::UnfinishedChecksum{.start = 54, .offset = 16}));
}

}  // namespace
}  // namespace outrider::datapath::ebpf
