// Neighbour solicitations that are answered here: what the advertisement says, and which ones are
// left to others.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

constexpr char kV6A[] = "fd00::1";
constexpr char kV6B[] = "fd00::2:3:4";
constexpr char kGroupOfB[] = "ff02::1:ff03:4";
constexpr char kGroupMacOfB[] = "33:33:ff:03:00:04";
constexpr char kAllNodes[] = "ff02::1";
constexpr char kAllNodesMac[] = "33:33:00:00:00:01";
constexpr uint8_t kSolicitation = 135;
constexpr uint8_t kAdvertisement = 136;
constexpr uint8_t kSource = 1;
constexpr uint8_t kTarget = 2;

void Append(const std::vector<uint8_t>& more, Bytes* to) {
  to->insert(to->end(), more.begin(), more.end());
}

Bytes AddressBytes(const std::string& address) {
  const auto bytes = Ip(address).bytes();
  return Bytes(bytes.begin(), bytes.end());
}

// A link-layer address option.
Bytes Option(uint8_t type, const std::string& mac) {
  Bytes option = {type, 1};
  const auto bytes = Mac(mac).bytes();
  option.insert(option.end(), bytes.begin(), bytes.end());
  return option;
}

struct Solicitation {
  std::string src = kV6A;
  std::string dst = kGroupOfB;
  std::string target = kV6B;
  Bytes options = Option(kSource, kMacA);
  uint8_t hop_limit = 255;
  uint8_t code = 0;
  std::string eth_dst = kGroupMacOfB;
};

PacketBuilder Builder(const Solicitation& s) {
  Bytes body = AddressBytes(s.target);
  Append(s.options, &body);
  PacketBuilder builder(s.eth_dst, kMacA);
  builder.Ipv6({.src = s.src, .dst = s.dst, .hop_limit = s.hop_limit})
      .Icmpv6(kSolicitation, s.code)
      .Payload(body);
  return builder;
}

// RFC 4861, 4.4. `flags`: solicited 0x40, override 0x20.
Bytes Advertisement(const std::string& eth_dst, const std::string& dst, uint8_t flags) {
  Bytes body = AddressBytes(kV6B);
  Append(Option(kTarget, kMacB), &body);
  Bytes packet = PacketBuilder(eth_dst, kMacB)
                     .Ipv6({.src = kV6B, .dst = dst, .hop_limit = 255})
                     .Icmpv6(kAdvertisement)
                     .Payload(body)
                     .Build();
  // The builder leaves the flags' byte zero: one's complement takes it from the checksum.
  packet[58] = flags;
  uint32_t sum = static_cast<uint32_t>(packet[56] << 8 | packet[57]);
  sum += 0xffff - static_cast<uint32_t>(flags << 8);
  sum = (sum & 0xffff) + (sum >> 16);
  packet[56] = static_cast<uint8_t>(sum >> 8);
  packet[57] = static_cast<uint8_t>(sum);
  return packet;
}

class NdTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = std::move(*made);
    ASSERT_EQ(switch_->SetSegment(kVni, OR_SEGMENT_SUPPRESS_ND), absl::OkStatus());
    ASSERT_EQ(switch_->SetNeighbor(kVni, kV6B, kMacB), absl::OkStatus());
  }

  RunResult Run(const Bytes& packet) { return switch_->Run("or_from_port", packet).value(); }

  void ExpectReplicated(const std::string& name, const Bytes& packet) {
    SCOPED_TRACE(name);
    EXPECT_EQ(Run(packet).verdict, kStolen);
    EXPECT_EQ(switch_->tap(2).Receive(1000), packet);
    EXPECT_EQ(switch_->tap(3).Receive(1000), packet);
  }

  std::unique_ptr<BpfSwitch> switch_;
};

TEST_F(NdTest, OfAKnownAddressIsAnsweredHere) {
  const Bytes packet = Builder({}).Build();
  const RunResult result = Run(packet);
  EXPECT_EQ(result.verdict, kRedirected);
  EXPECT_EQ(result.mark, OR_MARK_MAGIC | 1);
  EXPECT_EQ(result.packet, Advertisement(kMacA, kV6A, 0x60));
  EXPECT_EQ(switch_->Stats(1).rx_packets, 1u);
  EXPECT_EQ(switch_->Stats(1).rx_bytes, packet.size());
  EXPECT_EQ(switch_->Stats(1).tx_bytes, result.packet.size());
}

// A nonce (RFC 7527) behind the link-layer address, and none at all: the answer is as long.
TEST_F(NdTest, OptionsOfTheQuestionAreNotTheAnswers) {
  Bytes options = Option(kSource, kMacA);
  Append({14, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, &options);
  EXPECT_EQ(Run(Builder({.options = options}).Build()).packet, Advertisement(kMacA, kV6A, 0x60));
  EXPECT_EQ(Run(Builder({.options = {}}).Build()).packet, Advertisement(kMacA, kV6A, 0x60));
}

// RFC 4861, 7.2.4: whoever has no address yet is told by way of all nodes.
TEST_F(NdTest, DuplicateAddressIsSaidToAllNodes) {
  const RunResult result = Run(Builder({.src = "::", .options = {}}).Build());
  EXPECT_EQ(result.verdict, kRedirected);
  EXPECT_EQ(result.packet, Advertisement(kAllNodesMac, kAllNodes, 0x20));
  EXPECT_EQ(result.mark, OR_MARK_MAGIC | 1) << "and to nobody else";
}

TEST_F(NdTest, ThatOthersMustSeeIsReplicated) {
  ASSERT_EQ(switch_->SetNeighbor(kVni, kV6A, kMacA), absl::OkStatus());
  ExpectReplicated(
      "unknown address",
      Builder({.dst = "ff02::1:ff00:77", .target = "fd00::77", .eth_dst = "33:33:ff:00:00:77"})
          .Build());
  ExpectReplicated("one's own address", Builder({.src = "::",
                                                 .dst = "ff02::1:ff00:1",
                                                 .target = kV6A,
                                                 .options = {},
                                                 .eth_dst = "33:33:ff:00:00:01"})
                                            .Build());
}

// RFC 4861, 7.1.1: receivers discard these, and none is answered.
TEST_F(NdTest, ThatIsNotValidIsReplicated) {
  ExpectReplicated("hop limit 254", Builder({.hop_limit = 254}).Build());
  ExpectReplicated("code 1", Builder({.code = 1}).Build());
  ExpectReplicated("an option of length 0",
                   Builder({.options = {kSource, 0, 0, 0, 0, 0, 0, 0}}).Build());
  ExpectReplicated("an option beyond the end",
                   Builder({.options = {kSource, 2, 0, 0, 0, 0, 0, 0}}).Build());
  ExpectReplicated("half an option", Builder({.options = {kSource, 1, 0, 0}}).Build());
  ExpectReplicated("from :: with a link-layer address", Builder({.src = "::"}).Build());
  ExpectReplicated("to another group", Builder({.dst = "ff02::1:ff03:5"}).Build());
  ExpectReplicated("from a group", Builder({.src = "ff02::5"}).Build());
  ASSERT_EQ(switch_->SetNeighbor(kVni, kIpB, kMacB), absl::OkStatus());
  ExpectReplicated("an IPv4 address as the target", Builder({.dst = "ff02::1:ff00:2",
                                                             .target = "::ffff:10.0.0.2",
                                                             .eth_dst = "33:33:ff:00:00:02"})
                                                        .Build());
  Bytes damaged = Builder({}).Build();
  damaged.back() ^= 1;
  ExpectReplicated("a wrong checksum", damaged);
  ExpectReplicated("behind an extension header",
                   PacketBuilder(kGroupMacOfB, kMacA)
                       .Ipv6({.src = kV6A, .dst = kGroupOfB, .hop_limit = 255})
                       .Extension(0)
                       .Icmpv6(kSolicitation)
                       .Payload(AddressBytes(kV6B))
                       .Build());
}

// What stands where a solicitation would be, were there no extension header, is none, even if it
// adds up: the header is its first word, the true ICMPv6 header the first half of its target.
TEST_F(NdTest, ThatOnlySeemsValidIsReplicated) {
  constexpr char kSeeming[] = "8700::fd00:2";
  ASSERT_EQ(switch_->SetNeighbor(kVni, kSeeming, kMacB), absl::OkStatus());
  Bytes target = AddressBytes(kSeeming);
  target.erase(target.begin(), target.begin() + 8);
  Append({14, 1, 0, 0, 0, 0, 0, 0}, &target);  // seems to be an option
  Bytes packet = PacketBuilder("33:33:ff:00:00:02", kMacA)
                     .Ipv6({.src = kV6A, .dst = "ff02::1:ff00:2", .hop_limit = 255})
                     .Extension(0)
                     .Icmpv6(kSolicitation)
                     .Payload(target)
                     .Build();
  // The type stays, the true checksum goes, and padding of the extension header makes up for it.
  packet[64] = packet[65] = packet[58] = packet[59] = 0;
  Bytes covered(packet.begin() + 22, packet.end());
  Append({0, 32, 0, 58}, &covered);
  const uint16_t check = InternetChecksum(covered);
  packet[58] = static_cast<uint8_t>(check >> 8);
  packet[59] = static_cast<uint8_t>(check);
  ExpectReplicated("crafted", packet);
}

TEST_F(NdTest, IsReplicatedInASegmentWithoutSuppression) {
  ASSERT_EQ(switch_->SetSegment(kVni, OR_SEGMENT_SUPPRESS_ARP), absl::OkStatus());
  ExpectReplicated("known", Builder({}).Build());
}

// The addresses of segments are their own, and those we know are of untagged frames.
TEST_F(NdTest, OfAnotherSegmentOrBelowATagIsReplicated) {
  abi::or_port port = switch_->StandardPort(1);
  port.vni = kOtherVni;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  ASSERT_EQ(switch_->SetSegment(kOtherVni, OR_SEGMENT_SUPPRESS_ND), absl::OkStatus());
  EXPECT_EQ(Run(Builder({}).Build()).verdict, kStolen);
  ASSERT_EQ(switch_->SetNeighbor(kOtherVni, kV6B, kMacB), absl::OkStatus());
  EXPECT_EQ(Run(Builder({}).Build()).verdict, kRedirected);

  for (const uint32_t index : {1u, 2u, 3u}) {
    port = switch_->StandardPort(index);
    port.vlan_mode = abi::OR_VLAN_DOT1Q_TUNNEL;
    ASSERT_EQ(switch_->SetPort(index, port), absl::OkStatus());
  }
  Bytes packet = Builder({}).Build();
  const uint8_t tag[] = {0x81, 0x00, 0, 30};
  packet.insert(packet.begin() + 12, std::begin(tag), std::end(tag));
  EXPECT_EQ(Run(packet).verdict, kStolen);
  EXPECT_EQ(switch_->tap(2).Receive(1000), packet);
}

TEST_F(NdTest, SpoofedIsDropped) {
  abi::or_port port = switch_->StandardPort(1);
  port.policy = OR_POLICY_IP_ANTI_SPOOF;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  EXPECT_EQ(Run(Builder({}).Build()).verdict, kDropped);
  ASSERT_EQ(switch_->Allow(1, kMacA, {std::string(kV6A) + "/128"}), absl::OkStatus());
  port.allowed = 1;
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  EXPECT_EQ(Run(Builder({}).Build()).verdict, kRedirected);
}

}  // namespace
}  // namespace outrider::tests
