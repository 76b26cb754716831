// Segments that a VLAN of a physical network carries, by BPF_PROG_TEST_RUN: which frames are taken
// from the uplink, what is remembered of stations, what counts as a storm. Port C's tap is the
// uplink. What is lost on the way: drop_test.cc; real devices: provider_traffic_test.cc.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>

#include <ctime>

#include "tests/bpf/bpf_switch.h"
#include "vswitch/sys/bpf/tc_filters.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::tests {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint16_t kVlan = 5;
constexpr char kStation[] = "52:54:00:00:00:77";

uint64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

Bytes Udp(const std::string& dst, const std::string& src, std::optional<uint16_t> vlan = {},
          uint16_t type = 0x8100) {
  PacketBuilder packet(dst, src);
  if (vlan) packet.Vlan(*vlan, type);
  return packet.Ipv4({.src = "10.0.0.9", .dst = kIpA}).Udp(1, 2).Payload(64).Build();
}

class UplinkTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
  }
  static void TearDownTestSuite() { switch_.reset(); }
  void SetUp() override { Become(kVlan, OR_SEGMENT_FLOOD_UNKNOWN); }

  void Become(uint16_t vlan, uint32_t flags) {
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    ASSERT_EQ(switch_->SetProvider(vlan, flags), absl::OkStatus());
  }
  // Frames that C's tap sends meet the program.
  void Attach() {
    const auto filters = sys::KernelTcFilters::Create();
    ASSERT_TRUE(filters.ok()) << filters.status();
    const int program = switch_->object().Program("or_from_uplink").value();
    ASSERT_EQ((*filters)->Attach(switch_->tap(3).ifindex(), sys::TcDirection::kIngress, program),
              absl::OkStatus());
  }
  RunResult FromNetwork(const Bytes& frame) {
    return switch_->Run("or_from_uplink", frame, {.of_tap = 3}).value();
  }
  // It was for guest A, who gets it without the network's tag.
  bool Reaches(const Bytes& frame, const Bytes& as) {
    const RunResult result = FromNetwork(frame);
    return result.verdict == kRedirected && result.mark == (OR_MARK_MAGIC | 1) &&
           result.packet == as;
  }
  // Nobody but the host's stack gets it.
  bool IsTheHosts(const Bytes& frame) {
    const RunResult result = FromNetwork(frame);
    return result.verdict == kGoOn && result.mark == 0 && switch_->Stats(1).tx_packets == 0 &&
           switch_->Stats(2).tx_packets == 0;
  }
  // When stations were heard.
  std::map<std::string, uint64_t> Stations() {
    std::map<std::string, uint64_t> heard;
    auto map = switch_->Map<abi::or_fdb_key, abi::or_station>("or_stations");
    const auto rows = map.Dump().value();
    for (const auto& [key, station] : rows) {
      std::array<uint8_t, 6> mac{};
      std::copy(std::begin(key.mac), std::end(key.mac), mac.begin());
      heard[MacAddress(mac).ToString()] = station.heard_ns;
    }
    return heard;
  }

  static std::unique_ptr<BpfSwitch> switch_;
};

std::unique_ptr<BpfSwitch> UplinkTest::switch_;

TEST_F(UplinkTest, TakesItsVlanWhateverThePriority) {
  Bytes tagged = Udp(kMacA, kStation, kVlan);
  EXPECT_TRUE(Reaches(tagged, Udp(kMacA, kStation)));
  tagged[14] |= 0xf0;  // priority 7, drop eligible
  EXPECT_TRUE(Reaches(tagged, Udp(kMacA, kStation)));
}

// Nor the same number behind a service tag, which is another network's.
TEST_F(UplinkTest, LeavesOtherVlansToTheHost) {
  EXPECT_TRUE(IsTheHosts(Udp(kMacA, kStation, kVlan + 1)));
  EXPECT_TRUE(IsTheHosts(Udp(kMacA, kStation)));
  EXPECT_TRUE(IsTheHosts(Udp(kMacA, kStation, 0)));
  const RunResult service = FromNetwork(Udp(kMacA, kStation, kVlan, 0x88a8));
  EXPECT_EQ(service.verdict, kGoOn);
  EXPECT_EQ(switch_->Stats(1).tx_packets, 0u);
  EXPECT_THAT(switch_->Drops(), IsEmpty());
  EXPECT_THAT(Stations(), IsEmpty());
}

// Between the network's bridges and the host; no segment has a part in it.
TEST_F(UplinkTest, LeavesControlFramesOfTheLinkToTheHost) {
  EXPECT_TRUE(IsTheHosts(Udp("01:80:c2:00:00:00", kStation, kVlan)));
  EXPECT_TRUE(IsTheHosts(Udp("01:80:c2:00:00:0e", kStation, kVlan)));
  EXPECT_THAT(Stations(), IsEmpty());
}

TEST_F(UplinkTest, TheHostGetsABroadcastToo) {
  const RunResult result = FromNetwork(Udp(kBroadcast, kStation, kVlan));
  EXPECT_EQ(result.verdict, kGoOn);
  EXPECT_EQ(result.mark, 0u) << "no mark of ours";
  EXPECT_EQ(switch_->tap(1).Receive(1000), Udp(kBroadcast, kStation));
  EXPECT_EQ(switch_->tap(2).Receive(1000), Udp(kBroadcast, kStation));
}

// What is of a VLAN that the host has no device for is not for the host: its stack knows by the tag
// (packet(7): PACKET_OTHERHOST). Without it, it would take the VLAN's frames for its own network's.
TEST_F(UplinkTest, TheHostKeepsVlansApart) {
  Attach();
  const UniqueFd stack(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP)));
  sockaddr_ll address = {};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = switch_->tap(3).ifindex();
  ASSERT_EQ(bind(stack.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  const auto type_of = [&](const Bytes& frame) {
    EXPECT_EQ(switch_->tap(3).Send(frame), absl::OkStatus());
    pollfd wait = {stack.get(), POLLIN, 0};
    if (poll(&wait, 1, 5000) <= 0) return -1;
    Bytes bytes(2000);
    sockaddr_ll from = {};
    socklen_t length = sizeof(from);
    recvfrom(stack.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from),
             &length);
    return int{from.sll_pkttype};
  };
  EXPECT_EQ(type_of(Udp(kBroadcast, kStation, kVlan)), PACKET_OTHERHOST);
  EXPECT_EQ(type_of(Udp(kBroadcast, kStation)), PACKET_BROADCAST);
}

// A station is remembered to a second, as long as it speaks.
TEST_F(UplinkTest, RemembersWhoSpoke) {
  EXPECT_TRUE(Reaches(Udp(kMacA, kStation, kVlan), Udp(kMacA, kStation)));
  ASSERT_THAT(Stations(), SizeIs(1));
  const uint64_t first = Stations()[kStation];
  EXPECT_NEAR(static_cast<double>(first), static_cast<double>(Now()), 5e9);
  constexpr uint64_t kTenSeconds = 10'000'000'000;
  ASSERT_EQ(switch_->HearStation(kStation, kTenSeconds), absl::OkStatus());
  const uint64_t before = Now();
  EXPECT_TRUE(Reaches(Udp(kMacA, kStation, kVlan), Udp(kMacA, kStation)));
  EXPECT_GE(Stations()[kStation], before) << "heard anew";
}

// Or a loop would have our own ports be somewhere in the network once they have left us.
TEST_F(UplinkTest, ALoopTeachesNothing) {
  EXPECT_EQ(FromNetwork(Udp(kBroadcast, kMacB, kVlan)).verdict, kDropped);
  EXPECT_EQ(switch_->Drops().at({0, OR_DROP_OWN_SOURCE}), 1u);
  EXPECT_THAT(Stations(), IsEmpty());
}

// Its port is another host's: it is the network that brings its frames here.
TEST_F(UplinkTest, PortsOfOtherHostsAreHeard) {
  ASSERT_EQ(switch_->SetFdb(kVni, kStation, abi::OR_FDB_REMOTE, 1), absl::OkStatus());
  EXPECT_TRUE(Reaches(Udp(kMacA, kStation, kVlan), Udp(kMacA, kStation)));
}

TEST_F(UplinkTest, WhatLeavesHasNoMarkOfOurs) {
  ASSERT_EQ(switch_->HearStation(kStation), absl::OkStatus());
  const RunResult result = switch_->Run("or_from_port", Udp(kStation, kMacA), {.mark = 77}).value();
  EXPECT_EQ(result.verdict, kRedirected);
  EXPECT_EQ(result.mark, 0u);
}

// Flooded is what nobody was heard of; only that is a storm.
TEST_F(UplinkTest, UnknownUnicastIsAStormAndStationsAreNot) {
  ASSERT_EQ(switch_->SetLimit(1, abi::OR_LIMIT_UNKNOWN_UNICAST, {0, 0, 1, 1}), absl::OkStatus());
  const auto passes = [](const std::string& dst) {
    return switch_->Run("or_from_port", Udp(dst, kMacA)).value().verdict == kRedirected;
  };
  EXPECT_TRUE(passes(kMacUnknown)) << "the burst";
  EXPECT_FALSE(passes(kMacUnknown));
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_STORM_UNKNOWN_UNICAST}), 1u);
  ASSERT_EQ(switch_->HearStation(kStation), absl::OkStatus());
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(passes(kStation));
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_STORM_UNKNOWN_UNICAST}), 1u);
}

// An answer to somebody in the network goes out by the uplink, under the network's tag.
TEST_F(UplinkTest, WhatAGuestsRulesRejectIsAnsweredThere) {
  abi::or_port port = switch_->StandardPort(1);
  port.egress_rule_set = 1;
  ASSERT_EQ(switch_->SetRuleSet(1, {.rules = {}, .default_action = state::AclAction::kReject}),
            absl::OkStatus());
  ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
  Attach();
  ASSERT_EQ(switch_->tap(3).Send(Udp(kMacA, kStation, kVlan)), absl::OkStatus());
  const std::optional<Bytes> answer = switch_->tap(3).Receive(5000);
  ASSERT_TRUE(answer.has_value());
  ASSERT_GT(answer->size(), 42u);
  const Bytes wanted = Udp(kStation, kMacA, kVlan);
  EXPECT_EQ(Bytes(answer->begin(), answer->begin() + 18),
            Bytes(wanted.begin(), wanted.begin() + 18))
      << "back to the sender, in its VLAN";
  EXPECT_EQ((*answer)[18 + 20], 3) << "destination unreachable";
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_ACL_REJECT_EGRESS}), 1u);
}

// It is the network that brings it to other hosts, and would bring a copy of theirs to us.
TEST_F(UplinkTest, BroadcastGoesToNoTunnel) {
  // A slot behind those of the ports, as a VTEP's would be; there is none.
  ASSERT_EQ((switch_->Map<uint32_t, abi::or_segment>("or_segments")
                 .Update(kVni, {OR_SEGMENT_PROVIDER, kMtu, kReplicationList, 2, 1, 0})),
            absl::OkStatus());
  EXPECT_EQ(switch_->Run("or_from_port", Udp(kBroadcast, kMacA)).value().verdict, kRedirected);
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

// Who joined on the network nobody here knows: unknown groups go out, though segments may drop
// them.
TEST_F(UplinkTest, MulticastOfUnknownGroupsGoesOut) {
  Become(kVlan, OR_SEGMENT_SNOOP_MULTICAST | OR_SEGMENT_DROP_UNKNOWN_MULTICAST);
  const auto result = switch_->Run("or_from_port", PacketBuilder("01:00:5e:01:02:03", kMacA)
                                                       .Ipv4({.src = kIpA, .dst = "239.1.2.3"})
                                                       .Udp(1, 2)
                                                       .Build());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->verdict, kRedirected);
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

}  // namespace
}  // namespace outrider::tests
