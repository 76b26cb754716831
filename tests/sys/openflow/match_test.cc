#include "vswitch/sys/openflow/match.h"

#include <gtest/gtest.h>

#include "tests/sys/openflow/hex_bytes.h"
#include "vswitch/sys/openflow/numbers.h"

namespace outrider::openflow {
namespace {

std::string Entries(const Match& match, MatchFormat format) {
  WireWriter out;
  EncodeEntries(match, format, out);
  return ToHex(out.bytes());
}

std::string Fixed(const Match& match) {
  WireWriter out;
  EncodeMatch10(match, out);
  return ToHex(out.bytes());
}

Match FromFixed(const std::string& hex) {
  const Bytes bytes = FromHex(hex);
  WireReader in(bytes);
  Match match = DecodeMatch10(in);
  EXPECT_TRUE(in.ok());
  return match;
}

Match Udp() {
  Match match;
  match.Set(Field::kInPort, 2);
  match.Set(Field::kEthType, 0x0800);
  match.Set(Field::kIpv4Src, *IpPrefix::Parse("10.0.0.0/24"));
  match.Set(Field::kIpProto, 17);
  match.Set(Field::kUdpDst, 53);
  return match;
}

TEST(MatchTest, NxmHasShortPortsAndMasks) {
  // Recorded from ovs-vswitchd.
  EXPECT_EQ(Entries(Udp(), MatchFormat::kNxm),
            "0000000200020000060208000000"
            "0f080a000000ffffff0000000c01110000"
            "18020035");
  EXPECT_EQ(*DecodeEntries(FromHex(Entries(Udp(), MatchFormat::kNxm))), Udp());
}

TEST(MatchTest, OxmHasLongPorts) {
  EXPECT_EQ(Entries(Udp(), MatchFormat::kOxm),
            "80000004"
            "00000002"
            "80000a02"
            "0800"
            "80001708"
            "0a000000ffffff00"
            "80001401"
            "11"
            "80002002"
            "0035");
  EXPECT_EQ(*DecodeEntries(FromHex(Entries(Udp(), MatchFormat::kOxm))), Udp());
}

TEST(MatchTest, AVlanTagIsOneFieldInNxmAndTwoInOxm) {
  Match match;
  match.Set(Field::kVlanTci, 0x7007, 0xffff);
  EXPECT_EQ(Entries(match, MatchFormat::kNxm), "000008027007");
  EXPECT_EQ(Entries(match, MatchFormat::kOxm),
            "80000c021007"
            "80000e0103");
  EXPECT_EQ(*DecodeEntries(FromHex("80000c02100780000e0103")), match);
}

TEST(MatchTest, UntaggedAndAnyTag) {
  Match untagged;
  untagged.Set(Field::kVlanTci, 0, 0x1fff);
  EXPECT_EQ(Entries(untagged, MatchFormat::kOxm), "80000c020000");
  Match any;
  any.Set(Field::kVlanTci, 0x1000, 0x1000);
  EXPECT_EQ(Entries(any, MatchFormat::kOxm), "80000d0410001000");
  EXPECT_EQ(*DecodeEntries(FromHex("80000d0410001000")), any);
}

TEST(MatchTest, DscpIsShiftedInOxm) {
  Match match;
  match.Set(Field::kIpTos, 0xb8);
  EXPECT_EQ(Entries(match, MatchFormat::kOxm), "800010012e");
  EXPECT_EQ(Entries(match, MatchFormat::kNxm), "00000a01b8");
  EXPECT_EQ(*DecodeEntries(FromHex("800010012e")), match);
}

TEST(MatchTest, TcpFlagsAreAnExperimentersIn13) {
  Match match;
  match.Set(Field::kTcpFlags, 0x02, 0x12);
  EXPECT_EQ(Entries(match, MatchFormat::kOxm), "ffff55084f4e460000020012");
  EXPECT_EQ(*DecodeEntries(FromHex("ffff55084f4e460000020012")), match);
}

TEST(MatchTest, WhatIsWrongOnTheWire) {
  const auto code = [](const char* hex) { return DecodeEntries(FromHex(hex)).status().code(); };
  EXPECT_EQ(code("80000a"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("80000a0208"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("80000a03080000"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code("8001fe020800"), absl::StatusCode::kUnimplemented);
  // No masks on an ethertype; another experimenter's field.
  EXPECT_EQ(code("80000b040800ffff"), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(code("ffff5508deadbeef00020012"), absl::StatusCode::kUnimplemented);
}

TEST(MatchTest, FixedStructureOf10) {
  // 1.0.0, 5.2.3: wildcards; in_port, MACs, VLAN, type, tos, proto, addresses, ports. Wild are the
  // MACs, the VLAN, tos, the source's port, 8 bits of the source and all of the destination.
  EXPECT_EQ(Fixed(Udp()),
            "0038084e"
            "0002"
            "000000000000"
            "000000000000"
            "0000"
            "00"
            "00"
            "0800"
            "00"
            "11"
            "0000"
            "0a000000"
            "00000000"
            "0000"
            "0035");
  EXPECT_EQ(FromFixed(Fixed(Udp())), Udp());
  EXPECT_TRUE(FitsMatch10(Udp()));
}

TEST(MatchTest, AllWildIn10IsEmpty) {
  const std::string wild = "003820ff" + std::string(72, '0');
  EXPECT_EQ(Fixed(Match{}), wild);
  EXPECT_TRUE(FromFixed("ffffffff" + std::string(72, '0')).empty());
}

TEST(MatchTest, ArpAndIcmpUseTheSamePlaces) {
  Match arp;
  arp.Set(Field::kEthType, 0x0806);
  arp.Set(Field::kArpOp, 1);
  arp.Set(Field::kArpTpa, *IpPrefix::Parse("10.0.0.9"));
  EXPECT_EQ(FromFixed(Fixed(arp)), arp);
  Match icmp;
  icmp.Set(Field::kEthType, 0x0800);
  icmp.Set(Field::kIpProto, 1);
  icmp.Set(Field::kIcmpType, 8);
  EXPECT_EQ(FromFixed(Fixed(icmp)), icmp);
}

TEST(MatchTest, PlacesThatMeanNothingAreNotRead) {
  // Everything exact, but the ethertype is none of IP's.
  const Match match = FromFixed(
      "003820e0"
      "0000"
      "000000000000"
      "000000000000"
      "0000"
      "00"
      "00"
      "88cc"
      "ff"
      "ff"
      "0000"
      "ffffffff"
      "ffffffff"
      "ffff"
      "ffff");
  EXPECT_FALSE(match.Has(Field::kIpProto));
  EXPECT_FALSE(match.Has(Field::kIpv4Src));
  EXPECT_FALSE(match.Has(Field::kTcpSrc));
}

TEST(MatchTest, VlansIn10) {
  Match tagged;
  tagged.Set(Field::kVlanTci, 0x1007, 0x1fff);
  EXPECT_EQ(FromFixed(Fixed(tagged)), tagged);
  Match untagged;
  untagged.Set(Field::kVlanTci, 0, 0xffff);
  EXPECT_EQ(FromFixed(Fixed(untagged)), untagged);
}

TEST(MatchTest, WhatDoesNotFit10) {
  Match tunnel;
  tunnel.Set(Field::kTunId, 5);
  EXPECT_FALSE(FitsMatch10(tunnel));
  Match masked = Udp();
  masked.Set(Field::kUdpDst, 0x10, 0xfff0);
  EXPECT_FALSE(FitsMatch10(masked));
  Match odd;
  odd.Set(Field::kEthType, 0x0800);
  odd.Set(Field::kIpv4Src, 0x0a000001, 0xff0000ff);
  EXPECT_FALSE(FitsMatch10(odd));
}

TEST(MatchTest, CoversWhatIsNarrower) {
  Match ip;
  ip.Set(Field::kEthType, 0x0800);
  EXPECT_TRUE(Match{}.Covers(ip));
  EXPECT_TRUE(ip.Covers(Udp()));
  EXPECT_FALSE(Udp().Covers(ip));
  Match wider = Udp();
  wider.Set(Field::kIpv4Src, *IpPrefix::Parse("10.0.0.0/8"));
  EXPECT_TRUE(wider.Covers(Udp()));
  wider.Set(Field::kIpv4Src, *IpPrefix::Parse("11.0.0.0/8"));
  EXPECT_FALSE(wider.Covers(Udp()));
}

TEST(MatchTest, ValuesOutsideTheMaskAreNotKept) {
  Match match;
  match.Set(Field::kReg0, 0xff, 0x0f);
  EXPECT_EQ(FieldNumber(Field::kReg0, match.Find(Field::kReg0)->value), 0x0fu);
  match.Set(Field::kReg0, 0xff, 0);
  EXPECT_TRUE(match.empty());
  // TCP has twelve flags.
  match.Set(Field::kTcpFlags, 0xf002, 0xffff);
  EXPECT_EQ(match.Exact(Field::kTcpFlags), 0x002u);
}

}  // namespace
}  // namespace outrider::openflow
