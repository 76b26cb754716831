// Frames against the bytes that another implementation of the same RFCs (Scapy) makes of the same
// words.
#include "controller/cli/frame_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/model/status.h"

namespace outrider::controller::cli {
namespace {

using ::testing::HasSubstr;

constexpr char kMacA[] = "52:54:00:00:00:01";
constexpr char kMacB[] = "52:54:00:00:00:02";

std::string Hex(const std::string& bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<uint8_t>(byte));
  return text;
}

FrameSpec Ipv4(const std::string& protocol) {
  FrameSpec spec;
  spec.src_mac = kMacA;
  spec.dst_mac = kMacB;
  spec.src_ip = "10.0.0.1";
  spec.dst_ip = "10.0.0.2";
  spec.protocol = protocol;
  return spec;
}

FrameSpec Ipv6(const std::string& protocol) {
  FrameSpec spec = Ipv4(protocol);
  spec.src_ip = "fd00::1";
  spec.dst_ip = "fd00::2";
  return spec;
}

TEST(FrameBuilderTest, BuildsWhatTheWordsSay) {
  FrameSpec tagged = Ipv4("tcp");
  tagged.vlan = 10;
  tagged.src_port = 1000;
  tagged.dst_port = 22;
  tagged.tcp_flags = "sA";
  tagged.dscp = 46;
  tagged.ttl = 3;
  FrameSpec long_udp = Ipv4("udp");
  long_udp.src_port = 1000;
  long_udp.dst_port = 53;
  long_udp.length = 70;
  FrameSpec udp6 = Ipv6("udp");
  udp6.src_port = 1000;
  udp6.dst_port = 53;
  FrameSpec nd = Ipv6("nd");
  nd.dst_mac = "33:33:ff:00:00:02";
  FrameSpec arp = Ipv4("arp");
  arp.dst_mac = "ff:ff:ff:ff:ff:ff";
  const std::pair<FrameSpec, const char*> cases[] = {
      {Ipv4("tcp"),
       "52540000000252540000000108004500002800014000400626cd0a0000010a000002c0000050000000010000000"
       "05002ffffdb8e0000000000000000"},
      {tagged,
       "5254000000025254000000018100000a080045b8002800014000030663150a0000010a00000203e800160000000"
       "1000000015012ffff97d000000000"},
      {long_udp,
       "52540000000252540000000108004500003800014000401126b20a0000010a00000203e800350024e7860000000"
       "0000000000000000000000000000000000000000000000000"},
      {Ipv4("icmp"),
       "52540000000252540000000108004500001c00014000400126de0a0000010a0000020800f7fd000100010000000"
       "00000000000000000000000000000"},
      {Ipv4("47"),
       "52540000000252540000000108004500001400014000402f26b80a0000010a00000200000000000000000000000"
       "0"
       "0000000000000000000000000000"},
      {udp6,
       "52540000000252540000000186dd6000000000081140fd000000000000000000000000000001fd0000000000000"
       "00"
       "00000000000000203e80035000801bd"},
      {Ipv6("icmp6"),
       "52540000000252540000000186dd6000000000083a40fd000000000000000000000000000001fd0000000000000"
       "00"
       "000000000000002800085b600010001"},
      {nd,
       "3333ff00000252540000000186dd6000000000203afffd000000000000000000000000000001ff0200000000000"
       "0"
       "00000001ff00000287002d4300000000fd0000000000000000000000000000020101525400000001"},
      {arp,
       "ffffffffffff525400000001080600010800060400015254000000010a0000010000000000000a0000020000000"
       "0"
       "0000000000000000000000000000"},
  };
  for (const auto& [spec, wanted] : cases) {
    const auto frame = BuildFrame(spec);
    ASSERT_TRUE(frame.ok()) << frame.status();
    EXPECT_EQ(Hex(*frame), wanted) << spec.protocol << " " << spec.dst_ip;
  }
}

TEST(FrameBuilderTest, SaysWhichOptionIsWrong) {
  const auto complaint = [](const std::function<void(FrameSpec*)>& change) {
    FrameSpec spec = Ipv4("tcp");
    change(&spec);
    const auto frame = BuildFrame(spec);
    EXPECT_TRUE(absl::IsInvalidArgument(frame.status()));
    return Message(frame.status());
  };
  EXPECT_THAT(complaint([](FrameSpec* s) { s->src_mac = "52:54:00:00:01"; }),
              HasSubstr("--src-mac"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->dst_mac = "zz:54:00:00:00:01"; }),
              HasSubstr("--dst-mac"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->vlan = 4096; }), HasSubstr("--vlan"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->dst_ip = "10.0.0.256"; }), HasSubstr("--ip-dst"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->dst_ip = "fd00::2"; }), HasSubstr("family"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->protocol = "256"; }), HasSubstr("--proto"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->protocol = "nd"; }), HasSubstr("--proto nd"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->tcp_flags = "SX"; }), HasSubstr("--tcp-flags"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->length = 53; }), HasSubstr("54..65535"));
  EXPECT_THAT(complaint([](FrameSpec* s) { s->length = 65536; }), HasSubstr("--length"));
}

TEST(FrameBuilderTest, ReadsHexadecimal) {
  EXPECT_EQ(FrameFromHex("52:54 0a\nFF").value(), "\x52\x54\x0a\xff");
  EXPECT_TRUE(absl::IsInvalidArgument(FrameFromHex("525").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(FrameFromHex("5g").status()));
}

}  // namespace
}  // namespace outrider::controller::cli
