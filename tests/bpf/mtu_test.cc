// What guests are told of packets that are too large for their segment, and when they are told
// nothing. Also the checksums of ICMP errors about packets whose own is left to the device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/answer_fixture.h"

namespace outrider::tests {
namespace {

constexpr size_t kQuote = 88;

void Put16(uint16_t value, size_t at, Bytes* packet) {
  (*packet)[at] = static_cast<uint8_t>(value >> 8);
  (*packet)[at + 1] = static_cast<uint8_t>(value);
}

// The pseudo header's sum, where a sender that leaves the checksum to its device puts it.
void Unfinish(size_t check, uint8_t protocol, Bytes* packet) {
  Bytes pseudo = Slice(*packet, 26, 34);
  const size_t length = packet->size() - 34;
  const Bytes rest = {0, protocol, static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)};
  pseudo.insert(pseudo.end(), rest.begin(), rest.end());
  Put16(static_cast<uint16_t>(~InternetChecksum(pseudo)), check, packet);
}

PacketBuilder V4(const std::string& dst = kIpB) {
  return FromGuestA().Ipv4({.src = kIpA, .dst = dst, .dont_fragment = true});
}
PacketBuilder V6() { return FromGuestA().Ipv6({.src = kV6A, .dst = kV6B}); }

class MtuTest : public AnswerTest {
 protected:
  // Either way the packet is counted as dropped.
  Bytes AnswerTo(const Bytes& packet, const RunContext& context = {}) {
    const uint64_t before = switch_->Drops()[{1, OR_DROP_OVER_MTU}];
    Bytes answer = AnswerTest::AnswerTo(packet, context);
    EXPECT_GT((switch_->Drops()[{1, OR_DROP_OVER_MTU}]), before);
    return answer;
  }
};

TEST_F(MtuTest, Ipv4ThatMustNotBeFragmentedIsToldTheMtu) {
  const Bytes packet = V4().Udp(1000, 53).Payload(kMtu - 28 + 1).Build();
  const Bytes answer = AnswerTo(packet);
  ASSERT_EQ(answer.size(), 14 + 20 + 8 + kQuote);
  EXPECT_EQ(InternetChecksum(Slice(answer, 14, 34)), 0) << "the IP header's checksum";
  EXPECT_EQ(At16(answer, 16), answer.size() - 14);
  EXPECT_EQ(answer[23], 1);
  EXPECT_EQ(Slice(answer, 26, 34), (Bytes{10, 0, 0, 2, 10, 0, 0, 1}));
  EXPECT_EQ(At16(answer, 34), 3 << 8 | 4) << "fragmentation needed";
  EXPECT_EQ(At16(answer, 38), 0);
  EXPECT_EQ(At16(answer, 40), kMtu);
  EXPECT_EQ(InternetChecksum(Slice(answer, 34, answer.size())), 0);
  EXPECT_EQ(Slice(answer, 42, 42 + kQuote), Slice(packet, 14, 14 + kQuote));
  EXPECT_EQ(switch_->Stats(1).rx_packets, 0u);
  EXPECT_EQ(switch_->Stats(1).tx_packets, 1u);
  EXPECT_EQ(switch_->Stats(1).tx_bytes, answer.size());
}

TEST_F(MtuTest, Ipv6IsToldTheMtu) {
  const Bytes packet = V6().Udp(1000, 53).Payload(kMtu - 48 + 1).Build();
  const Bytes answer = AnswerTo(packet);
  ASSERT_EQ(answer.size(), 14 + 40 + 8 + kQuote);
  EXPECT_EQ(At16(answer, 18), 8 + kQuote);
  EXPECT_EQ(answer[20], 58);
  EXPECT_EQ(Slice(answer, 22, 38), Slice(packet, 38, 54)) << "from the destination";
  EXPECT_EQ(Slice(answer, 38, 54), Slice(packet, 22, 38));
  EXPECT_EQ(At16(answer, 54), 2 << 8) << "packet too big";
  EXPECT_EQ(At16(answer, 58), 0);
  EXPECT_EQ(At16(answer, 60), kMtu);
  EXPECT_EQ(InternetChecksum(WithPseudoHeader(answer, false, 58)), 0);
  EXPECT_EQ(Slice(answer, 62, 62 + kQuote), Slice(packet, 14, 14 + kQuote));
}

// What a device does with the answer if the packet's checksum was left to it: sums up what begins
// where the layer-4 header was, and writes behind that. Neither may change a byte.
TEST_F(MtuTest, AnUnfinishedChecksumCompletesToWhatIsThere) {
  struct {
    const char* name;
    Bytes packet;
    size_t check;  // offset of the checksum in the frame
    uint8_t protocol;
    size_t covered;  // bytes from the layer-4 header to behind the checksum
  } cases[] = {{"tcp", V4().Tcp(1, 2).Payload(2000).Build(), 50, 6, 18},
               {"udp", V4().Udp(1, 2).Payload(2000).Build(), 40, 17, 8}};
  for (auto& test : cases) {
    SCOPED_TRACE(test.name);
    Unfinish(test.check, test.protocol, &test.packet);
    const Bytes answer = AnswerTo(test.packet);
    ASSERT_EQ(answer.size(), 14 + 20 + 8 + kQuote + 20);
    EXPECT_EQ(At16(answer, 16), answer.size() - 14);
    EXPECT_EQ(InternetChecksum(Slice(answer, 14, 34)), 0);
    EXPECT_EQ(InternetChecksum(Slice(answer, 34, answer.size())), 0);
    EXPECT_EQ(Slice(answer, 42, 42 + kQuote), Slice(test.packet, 14, 14 + kQuote));
    const uint16_t completed =
        InternetChecksum(Slice(answer, answer.size() - test.covered, answer.size()));
    EXPECT_EQ(completed == 0 ? 0xffff : completed, At16(answer, answer.size() - 2));
  }
}

TEST_F(MtuTest, SuperPacketsAreJudgedByTheirSegments) {
  const Bytes packet = V4().Tcp(1, 2).Payload(3000).Build();
  const RunResult fits = switch_->Run("or_from_port", packet, {.gso_size = kMtu - 40}).value();
  EXPECT_EQ(fits.mark, OR_MARK_MAGIC | 2);
  const Bytes answer = AnswerTo(packet, {.gso_size = kMtu - 39});
  ASSERT_EQ(answer.size(), 14 + 20 + 8 + kQuote + 20);
  EXPECT_EQ(At16(answer, 40), kMtu);
  EXPECT_EQ(InternetChecksum(Slice(answer, 34, answer.size())), 0);
}

TEST_F(MtuTest, ATrunksSegmentHasAnMtuOfItsOwn) {
  ASSERT_EQ((switch_->Map<abi::or_vlan_key, uint32_t>("or_vlan_segments").Update({1, 0}, kVni)),
            absl::OkStatus());
  ASSERT_EQ((switch_->Map<abi::or_vlan_tag_key, uint32_t>("or_vlan_tags").Update({1, kVni}, 0)),
            absl::OkStatus());
  abi::or_port port = switch_->StandardPort(1);
  port.vlan_mode = abi::OR_VLAN_NATIVE_UNTAGGED;
  port.vlan_map = 1;
  port.mtu = 9000;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  const Bytes answer = AnswerTo(V4().Udp(1, 2).Payload(kMtu).Build());
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(At16(answer, 40), kMtu);
}

// The tag that stays on a frame takes its room from the packet.
TEST_F(MtuTest, BelowACustomersTagItIsSmaller) {
  abi::or_port port = switch_->StandardPort(1);
  port.vlan_mode = abi::OR_VLAN_DOT1Q_TUNNEL;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  const auto tagged = [](size_t size) {
    return FromGuestA()
        .Vlan(30)
        .Ipv4({.src = kIpA, .dst = kIpB, .dont_fragment = true})
        .Udp(1, 2)
        .Payload(size - 28);
  };
  const Bytes answer = AnswerTo(tagged(kMtu - 4 + 1).Build());
  ASSERT_FALSE(answer.empty());
  EXPECT_EQ(At16(answer, 40), kMtu - 4);
  // Port B takes no tag.
  EXPECT_EQ(switch_->Run("or_from_port", tagged(kMtu - 4).Build()).value().verdict, kDropped);
  EXPECT_EQ((switch_->Drops()[{2, OR_DROP_VLAN_TAGGED}]), 1u) << "it was not too large";
}

TEST_F(MtuTest, EchoAndItsReplyAndAFirstFragmentAreTold) {
  Ipv4Fields fragment = {.src = kIpA, .dst = kIpB};
  fragment.dont_fragment = true;
  fragment.more_fragments = true;
  EXPECT_FALSE(AnswerTo(V4().Icmp(8).Payload(kMtu).Build()).empty());
  EXPECT_FALSE(AnswerTo(V4().Icmp(0).Payload(kMtu).Build()).empty());
  EXPECT_FALSE(AnswerTo(V6().Icmpv6(129).Payload(kMtu).Build()).empty());
  EXPECT_FALSE(AnswerTo(FromGuestA().Ipv4(fragment).Udp(1, 2).Payload(kMtu).Build()).empty());
  EXPECT_FALSE(AnswerTo(V6().Fragment6({.more = true}).Udp(1, 2).Payload(kMtu).Build()).empty());
}

TEST_F(MtuTest, IsSilentWhereAnAnswerDoesHarm) {
  Ipv4Fields later = {.src = kIpA, .dst = kIpB};
  later.dont_fragment = true;
  later.fragment_offset = 100;
  later.protocol = 17;
  const std::vector<std::pair<std::string, PacketBuilder>> silent = {
      {"may be fragmented", FromGuestA().Ipv4({.src = kIpA, .dst = kIpB}).Udp(1, 2)},
      {"a later fragment", FromGuestA().Ipv4(later)},
      {"a later fragment of IPv6", V6().Fragment6({.offset = 100, .next_header = 17})},
      {"an ICMP error", V4().Icmp(3, 1)},
      {"a source quench", V4().Icmp(4)},
      {"a redirect of IPv4", V4().Icmp(5)},
      {"time exceeded", V4().Icmp(11)},
      {"a parameter problem", V4().Icmp(12)},
      {"an ICMPv6 error", V6().Icmpv6(1)},
      {"a redirect", V6().Icmpv6(137)},
      {"broadcast", FromGuestA(kBroadcast)
                        .Ipv4({.src = kIpA, .dst = "10.0.0.255", .dont_fragment = true})
                        .Udp(1, 2)},
      {"multicast", V4("224.0.1.1").Udp(1, 2)},
      {"no source",
       FromGuestA().Ipv4({.src = "0.0.0.0", .dst = kIpB, .dont_fragment = true}).Udp(1, 2)},
      {"from ::", FromGuestA().Ipv6({.src = "::", .dst = kV6B}).Udp(1, 2)},
      {"another ethertype", FromGuestA().EtherType(0x88b5)},
  };
  for (const auto& [name, packet] : silent) {
    PacketBuilder large = packet;
    EXPECT_EQ(AnswerTo(large.Payload(kMtu + 1).Build()), Bytes()) << name;
  }
}

TEST_F(MtuTest, TellsSoManyASecond) {
  const Bytes packet = V4().Udp(1000, 53).Payload(kMtu).Build();
  int answers = 0;
  for (int i = 0; i < 300; ++i) {
    answers += switch_->Run("or_from_port", packet).value().verdict == kRedirected ? 1 : 0;
  }
  EXPECT_GE(answers, 100);
  EXPECT_LE(answers, 200) << "in two windows at most, these runs take less than a second";
}

}  // namespace
}  // namespace outrider::tests
