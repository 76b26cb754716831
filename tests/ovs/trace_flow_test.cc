#include "vswitch/ovs/trace_flow.h"

#include <gtest/gtest.h>

namespace outrider::ovs {
namespace {

std::string Hex(const std::vector<uint8_t>& bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string FrameOf(const std::string& flow) {
  const auto parsed = TraceFlow::Parse(flow);
  return parsed.ok() ? Hex(parsed->Frame()) : Message(parsed.status());
}

std::string ErrorOf(const std::string& flow) { return Message(TraceFlow::Parse(flow).status()); }

TEST(TraceFlowTest, TcpOverIpv4) {
  EXPECT_EQ(FrameOf("in_port=1,tcp,dl_src=52:54:00:00:00:01,dl_dst=52:54:00:00:00:02,"
                    "nw_src=10.0.0.1,nw_dst=10.0.0.2,tp_src=1000,tp_dst=80"),
            "525400000002"
            "525400000001"
            "0800"
            // 0x4500 + 0x0028 + 0x4000 + 0x4006 + 0x0a00 + 1 + 0x0a00 + 2 = 0xd931; ~ = 0x26ce
            "4500002800004000400626ce"
            "0a0000010a000002"
            // pseudo: 0x1403 + 6 + 20; header: 0x03e8 + 0x50 + 1 + 0x5002 + 0xffff -> 0x6858
            "03e8005000000001000000005002ffff97a70000"
            "000000000000");
}

TEST(TraceFlowTest, ATaggedArpRequest) {
  EXPECT_EQ(FrameOf("in_port=1,dl_vlan=10,arp,dl_src=52:54:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,"
                    "arp_spa=10.0.0.1,arp_tpa=10.0.0.2,arp_op=1,arp_sha=52:54:00:00:00:01"),
            "ffffffffffff5254000000018100000a0806"
            "00010800060400015254000000010a000001"
            "0000000000000a000002"
            "0000000000000000000000000000");
}

TEST(TraceFlowTest, UdpOverIpv6HasItsChecksum) {
  // Pseudo header: addresses 1 + 2, length 8, next header 17; UDP: 53 + 53 + 8; sum 0x008e.
  EXPECT_EQ(FrameOf("udp6,ipv6_src=::1,ipv6_dst=::2,udp_src=53,udp_dst=53").substr(28),
            "6000000000081140"
            "00000000000000000000000000000001"
            "00000000000000000000000000000002"
            "003500350008ff71");
}

TEST(TraceFlowTest, EveryFrameIsLongEnough) {
  for (const char* flow :
       {"", "ip", "icmp,icmp_type=8", "dl_type=0x88cc", "icmp6", "sctp", "rarp", "dl_vlan=1,tcp"}) {
    EXPECT_GE(TraceFlow::Parse(flow)->Frame().size(), 60u) << flow;
  }
}

TEST(TraceFlowTest, ShownAsOpenVSwitchShowsIt) {
  EXPECT_EQ(TraceFlow::Parse("in_port=1,dl_src=52:54:00:aa:bb:01")->ToString(),
            "in_port=1,vlan_tci=0x0000,dl_src=52:54:00:aa:bb:01,dl_dst=00:00:00:00:00:00,"
            "dl_type=0x0000");
  EXPECT_EQ(TraceFlow::Parse("icmp,in_port=1,icmp_type=8,nw_ttl=0")->ToString(),
            "icmp,in_port=1,vlan_tci=0x0000,dl_src=00:00:00:00:00:00,dl_dst=00:00:00:00:00:00,"
            "nw_src=0.0.0.0,nw_dst=0.0.0.0,nw_tos=0,nw_ecn=0,nw_ttl=0,nw_frag=no,icmp_type=8,"
            "icmp_code=0");
}

// Texts of ovs-vswitchd 3.1.
TEST(TraceFlowTest, Errors) {
  EXPECT_EQ(ErrorOf("foo=1"), "Bad openflow flow syntax: foo=1: unknown field foo");
  EXPECT_EQ(ErrorOf("in_port=1,dl_src=x"),
            "Bad openflow flow syntax: in_port=1,dl_src=x: bad value for dl_src (x: invalid "
            "Ethernet address)");
  EXPECT_EQ(ErrorOf("in_port=1,tcp,tp_src=99999"),
            "Bad openflow flow syntax: in_port=1,tcp,tp_src=99999: bad value for tp_src (99999: "
            "value too large for 2-byte field tp_src)");
  EXPECT_EQ(ErrorOf("in_port=1,nw_src=1.1.1.1"),
            "Bad openflow flow syntax: in_port=1,nw_src=1.1.1.1: prerequisites not met for setting "
            "nw_src");
  EXPECT_EQ(ErrorOf("in_port=1,ip,nw_src=10.0.0.0/8"),
            "Bad openflow flow syntax: in_port=1,ip,nw_src=10.0.0.0/8: bad value for nw_src "
            "(10.0.0.0/8: wildcards not allowed here)");
  EXPECT_EQ(ErrorOf("tcp,tp_src"),
            "Bad openflow flow syntax: tcp,tp_src: bad value for tp_src (: bad syntax for tp_src "
            "value)");
}

TEST(TraceFlowTest, PacketsInHex) {
  EXPECT_EQ(Hex(FrameFromHex("52 54 00AA").value()), "525400aa");
  EXPECT_EQ(Message(FrameFromHex("xx").status()), "Trailing garbage in packet data");
  EXPECT_EQ(Message(FrameFromHex("525").status()), "Trailing garbage in packet data");
}

}  // namespace
}  // namespace outrider::ovs
