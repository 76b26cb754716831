// Segments of one host alone, by BPF_PROG_TEST_RUN: what is learned from ports that carry many, who
// gets what is for nobody known, what keeps VLANs and the overlay apart. Ports A and B are in a
// local segment and learn; C is where a test puts it. On real devices:
// local_segment_traffic_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "tests/bpf/bpf_switch.h"

namespace outrider::tests {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kLocal = OR_LOCAL_VNI + 10;
constexpr uint32_t kOtherLocal = OR_LOCAL_VNI + 20;
constexpr uint32_t kLearns = OR_PORT_LEARN_MACS;
constexpr uint16_t kVlan = 5;
// Behind port A, and behind B.
constexpr char kBehindA[] = "52:54:00:00:01:01";
constexpr char kBehindB[] = "52:54:00:00:01:02";

uint64_t Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

Bytes Udp(const std::string& dst, const std::string& src, std::optional<uint16_t> vlan = {}) {
  PacketBuilder packet(dst, src);
  if (vlan) packet.Vlan(*vlan);
  return packet.Ipv4({.src = "10.0.0.9", .dst = "10.0.0.8"}).Udp(1, 2).Payload(64).Build();
}

class LocalSegmentTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto made = BpfSwitch::Create();
    ASSERT_TRUE(made.ok()) << made.status();
    switch_ = *std::move(made);
  }
  static void TearDownTestSuite() { switch_.reset(); }

  void SetUp() override {
    ASSERT_EQ(switch_->Reset(), absl::OkStatus());
    Segment(kLocal, 1, {1, 2}, OR_SEGMENT_FLOOD_UNKNOWN);
    Segment(kOtherLocal, 2, {3}, OR_SEGMENT_FLOOD_UNKNOWN);
    Port(1, kLocal, kLearns);
    Port(2, kLocal, kLearns);
    Port(3, kOtherLocal, kLearns);
  }

  // Copies go to these ports, by a list of its own, and to nobody else.
  void Segment(uint32_t vni, uint32_t number, const std::vector<uint32_t>& ports, uint32_t flags) {
    auto lists = switch_->Map<abi::or_replication_key, uint32_t>("or_replication");
    const uint32_t list = kReplicationList + number;
    for (uint32_t slot = 0; slot < ports.size(); ++slot) {
      ASSERT_EQ(lists.Update({list, slot}, ports[slot]), absl::OkStatus());
    }
    const auto copies = static_cast<uint32_t>(ports.size());
    ASSERT_EQ((switch_->Map<uint32_t, abi::or_segment>("or_segments")
                   .Update(vni, {flags, kMtu, list, copies, 0, 0})),
              absl::OkStatus());
  }
  // Without a MAC that is known; its window is new.
  void Port(uint32_t index, uint32_t vni, uint32_t flags) {
    abi::or_port port = switch_->StandardPort(index);
    std::fill(std::begin(port.mac), std::end(port.mac), uint8_t{0});
    port.vni = vni;
    port.flags = static_cast<uint8_t>(flags);
    ASSERT_EQ(switch_->SetPort(index, port), absl::OkStatus());
    ASSERT_EQ((switch_->Map<uint32_t, abi::or_mac_window>("or_mac_windows").Update(index, {})),
              absl::OkStatus());
  }
  // Where, by port index, and when a MAC was heard; by the text of segment and MAC.
  std::map<std::string, abi::or_station> Stations() {
    std::map<std::string, abi::or_station> heard;
    auto map = switch_->Map<abi::or_fdb_key, abi::or_station>("or_stations");
    const auto rows = map.Dump().value();
    for (const auto& [key, station] : rows) {
      std::array<uint8_t, 6> mac{};
      std::copy(std::begin(key.mac), std::end(key.mac), mac.begin());
      heard[Vni::FromValue(key.vni)->ToString() + " " + MacAddress(mac).ToString()] = station;
    }
    return heard;
  }
  void PutStation(uint32_t vni, const std::string& mac, uint32_t port, uint64_t ns_ago) {
    abi::or_fdb_key key = {.vni = vni, .mac = {}, .pad = 0};
    const MacAddress address = Mac(mac);
    std::copy(address.bytes().begin(), address.bytes().end(), key.mac);
    ASSERT_EQ((switch_->Map<abi::or_fdb_key, abi::or_station>("or_stations")
                   .Update(key, {.heard_ns = Now() - ns_ago, .port = port, .pad = 0})),
              absl::OkStatus());
  }
  RunResult From(uint32_t port, const Bytes& frame) {
    return switch_->Run("or_from_port", frame, {.of_tap = port}).value();
  }
  void Speak(uint32_t port, const std::string& mac) {
    EXPECT_EQ(From(port, Udp(kBroadcast, mac)).verdict, kStolen);
    Drain();
  }
  // The one port the frame is sent to, 0: none, or copies.
  static uint32_t To(const RunResult& result) {
    return result.verdict == kRedirected ? result.mark & ~OR_MARK_MAGIC : 0;
  }
  // What ports have got since: how many frames each.
  std::array<int, 3> Drain() {
    std::array<int, 3> got{};
    for (uint32_t port = 1; port <= 3; ++port) {
      while (switch_->tap(port).Receive(0)) ++got[port - 1];
    }
    return got;
  }
  std::array<int, 3> Flooded(uint32_t port, const Bytes& frame) {
    EXPECT_EQ(From(port, frame).verdict, kStolen);
    return Drain();
  }

  static std::unique_ptr<BpfSwitch> switch_;
};

std::unique_ptr<BpfSwitch> LocalSegmentTest::switch_;

TEST_F(LocalSegmentTest, LearnsWhoIsBehindAPort) {
  Speak(1, kBehindA);
  const auto heard = Stations();
  ASSERT_THAT(heard, SizeIs(1));
  ASSERT_TRUE(heard.contains("local/10 52:54:00:00:01:01"));
  EXPECT_EQ(heard.begin()->second.port, 1u);
  EXPECT_EQ(To(From(2, Udp(kBehindA, kBehindB))), 1u);
  EXPECT_EQ(To(From(1, Udp(kBehindB, kBehindA))), 2u) << "unicast teaches, too";
  EXPECT_THAT(switch_->Drops(), IsEmpty());
}

TEST_F(LocalSegmentTest, FloodsTheUnknownToItsOwnPortsAlone) {
  EXPECT_EQ(Flooded(1, Udp(kMacUnknown, kBehindA)), (std::array<int, 3>{0, 1, 0}));
  EXPECT_EQ(Flooded(2, Udp(kBroadcast, kBehindB)), (std::array<int, 3>{1, 0, 0}));
}

// The newest counts, at once.
TEST_F(LocalSegmentTest, AStationMoves) {
  Speak(1, kBehindA);
  Speak(2, kBehindA);
  EXPECT_THAT(Stations(), SizeIs(1));
  EXPECT_EQ(To(From(1, Udp(kBehindA, kBehindB))), 2u);
  EXPECT_EQ(From(2, Udp(kBehindA, kBehindB)).verdict, kDropped);
  EXPECT_EQ(switch_->Drops().at({2, OR_DROP_HAIRPIN}), 1u) << "behind the same port";
}

TEST_F(LocalSegmentTest, AStationAges) {
  constexpr uint64_t kSecond = 1'000'000'000;
  PutStation(kLocal, kBehindA, 1, OR_STATION_AGE_NS - 100 * kSecond);
  EXPECT_EQ(To(From(2, Udp(kBehindA, kBehindB))), 1u);
  PutStation(kLocal, kBehindA, 1, OR_STATION_AGE_NS);
  EXPECT_EQ(Flooded(2, Udp(kBehindA, kBehindB)), (std::array<int, 3>{1, 0, 0}));
  const uint64_t before = Now();
  Speak(1, kBehindA);
  EXPECT_GE(Stations()["local/10 52:54:00:00:01:01"].heard_ns, before) << "heard anew";
}

// Or who sends in its name would get what is for it.
TEST_F(LocalSegmentTest, APortsOwnMacOutweighsWhatIsLearned) {
  ASSERT_EQ(switch_->SetFdb(kLocal, kMacA, abi::OR_FDB_LOCAL, 1), absl::OkStatus());
  Speak(2, kMacA);
  EXPECT_THAT(Stations(), IsEmpty());
  PutStation(kLocal, kMacA, 2, 0);
  EXPECT_EQ(To(From(2, Udp(kMacA, kBehindB))), 1u);
}

TEST_F(LocalSegmentTest, VlansAreApart) {
  PutStation(kOtherLocal, kBehindB, 3, 0);
  EXPECT_EQ(Flooded(1, Udp(kBehindB, kBehindA)), (std::array<int, 3>{0, 1, 0}));
  Speak(3, kBehindA);
  EXPECT_EQ(To(From(2, Udp(kBehindA, kBehindB))), 1u) << "not where the other VLAN's is";
}

// The same MAC, the same low 24 bits of the VNI.
TEST_F(LocalSegmentTest, TheOverlayIsApart) {
  constexpr uint32_t kOverlay = kLocal - OR_LOCAL_VNI;
  Segment(kOverlay, 3, {3}, OR_SEGMENT_FLOOD_UNKNOWN);
  Port(3, kOverlay, 0);
  PutStation(kLocal, kBehindA, 1, 0);
  ASSERT_EQ(switch_->SetFdb(kOverlay, kMacB, abi::OR_FDB_LOCAL, 3), absl::OkStatus());
  EXPECT_EQ(Flooded(3, Udp(kBehindA, kMacC)), (std::array<int, 3>{0, 0, 0}));
  EXPECT_EQ(Flooded(1, Udp(kMacB, kBehindA)), (std::array<int, 3>{0, 1, 0}));
  // What lags behind: a row that leads to a port of the other kind.
  PutStation(kLocal, kBehindB, 3, 0);
  EXPECT_EQ(From(1, Udp(kBehindB, kBehindA)).verdict, kDropped);
  EXPECT_EQ(switch_->Drops().at({3, OR_DROP_PORT_BLOCKED}), 1u);
}

TEST_F(LocalSegmentTest, NothingIsLearnedFromAPortThatDoesNot) {
  Port(1, kLocal, 0);
  ASSERT_EQ(switch_->SetFdb(kLocal, kMacB, abi::OR_FDB_LOCAL, 2), absl::OkStatus());
  Speak(1, kBehindA);
  EXPECT_EQ(To(From(1, Udp(kMacB, kBehindA))), 2u);
  EXPECT_THAT(Stations(), IsEmpty());
  Speak(2, kBehindB);
  Speak(1, kBehindB);
  EXPECT_THAT(Stations(), IsEmpty()) << "who took it over is not where it was";
}

TEST_F(LocalSegmentTest, NothingIsLearnedFromProfilePorts) {
  ASSERT_EQ(switch_->Reset(), absl::OkStatus());
  EXPECT_EQ(From(1, Udp(kBroadcast, kMacA)).verdict, kStolen);
  EXPECT_EQ(To(From(1, Udp(kMacB, kMacA))), 2u);
  // Nor from one that may use any MAC.
  Port(1, kVni, 0);
  EXPECT_EQ(To(From(1, Udp(kMacB, kBehindA))), 2u);
  Drain();
  EXPECT_THAT(Stations(), IsEmpty());
  // Nor is what is remembered elsewhere looked at.
  PutStation(kVni, kMacUnknown, 2, 0);
  EXPECT_EQ(From(1, Udp(kMacUnknown, kMacA)).verdict, kDropped);
  EXPECT_EQ(switch_->Drops().at({1, OR_DROP_UNKNOWN_UNICAST}), 1u);
}

TEST_F(LocalSegmentTest, WhatIsNotForwardedTeachesNothing) {
  abi::or_port port = switch_->Ports().Lookup(1).value();
  for (const uint8_t phase : {abi::OR_PORT_BLOCKED, abi::OR_PORT_DEPARTED}) {
    port.phase = phase;
    ASSERT_EQ(switch_->SetPort(1, port), absl::OkStatus());
    EXPECT_EQ(From(1, Udp(kBroadcast, kBehindA)).verdict, kDropped);
  }
  EXPECT_THAT(Stations(), IsEmpty());
}

// What a guest makes up does not drive everybody else's stations out.
TEST_F(LocalSegmentTest, APortHasItsShareOfStations) {
  Bytes frame = Udp(kBehindB, "52:54:00:01:00:00");
  PutStation(kLocal, kBehindB, 2, 0);
  for (uint32_t i = 0; i < OR_MAX_PORT_STATIONS + 100; ++i) {
    frame[9] = 1;
    frame[10] = static_cast<uint8_t>(i >> 8);
    frame[11] = static_cast<uint8_t>(i);
    ASSERT_EQ(To(From(1, frame)), 2u) << "forwarded all the same, frame " << i;
  }
  EXPECT_THAT(Stations(), SizeIs(OR_MAX_PORT_STATIONS + 1));
  Speak(2, kBehindA);
  EXPECT_THAT(Stations(), SizeIs(OR_MAX_PORT_STATIONS + 2));
}

TEST_F(LocalSegmentTest, APortThatIsGoneHasNobody) {
  PutStation(kLocal, kBehindB, 2, 0);
  ASSERT_EQ(switch_->Ports().Delete(2), absl::OkStatus());
  EXPECT_EQ(From(1, Udp(kBehindB, kBehindA)).verdict, kStolen);
}

// One that a VLAN of the uplink carries: stations move between it and ports. Port C's tap is it.
class LocalProviderTest : public LocalSegmentTest {
 protected:
  void SetUp() override {
    LocalSegmentTest::SetUp();
    const auto uplink = static_cast<uint32_t>(switch_->tap(3).ifindex());
    ASSERT_EQ((switch_->Map<uint32_t, uint32_t>("or_devices").Delete(uplink)), absl::OkStatus());
    ASSERT_EQ(switch_->Ports().Delete(3), absl::OkStatus());
    Segment(kLocal, 1, {1, 2}, OR_SEGMENT_FLOOD_UNKNOWN | OR_SEGMENT_PROVIDER);
    abi::or_provider row = {};
    row.ifindex = uplink;
    row.vlan = kVlan;
    row.mtu = kMtu;
    ASSERT_EQ((switch_->Map<uint32_t, abi::or_provider>("or_providers").Update(kLocal, row)),
              absl::OkStatus());
    ASSERT_EQ((switch_->Map<abi::or_uplink_vlan, uint32_t>("or_uplink_vlans")
                   .Update({.ifindex = uplink, .vlan = kVlan}, kLocal)),
              absl::OkStatus());
  }
  RunResult FromNetwork(const Bytes& frame) {
    return switch_->Run("or_from_uplink", frame, {.of_tap = 3}).value();
  }
};

TEST_F(LocalProviderTest, TheNetworkFindsWhoIsBehindAPort) {
  EXPECT_EQ(From(1, Udp(kBroadcast, kBehindA)).verdict, kRedirected);
  EXPECT_EQ(To(FromNetwork(Udp(kBehindA, kMacRemote, kVlan))), 1u);
  const RunResult out = From(1, Udp(kMacRemote, kBehindA));
  EXPECT_EQ(out.verdict, kRedirected);
  EXPECT_EQ(out.mark, 0u) << "out of the uplink, where it was heard";
  Drain();
}

TEST_F(LocalProviderTest, AStationMovesBetweenNetworkAndPort) {
  PutStation(kLocal, kBehindA, 0, 0);
  EXPECT_EQ(From(1, Udp(kBroadcast, kBehindA)).verdict, kRedirected);
  EXPECT_EQ(To(From(2, Udp(kBehindA, kBehindB))), 1u);
  EXPECT_EQ(FromNetwork(Udp(kBroadcast, kBehindA, kVlan)).verdict, kGoOn);
  EXPECT_EQ(Stations()["local/10 52:54:00:00:01:01"].port, 0u);
  EXPECT_EQ(From(2, Udp(kBehindA, kBehindB)).mark, 0u);
  EXPECT_EQ(FromNetwork(Udp(kBehindA, kMacRemote, kVlan)).verdict, kDropped);
  EXPECT_EQ(switch_->Drops().at({0, OR_DROP_SPLIT_HORIZON}), 1u);
  Drain();
}

}  // namespace
}  // namespace outrider::tests
