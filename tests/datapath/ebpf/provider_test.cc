// Uplinks as the datapath keeps them: what it takes from a device and when, stations, devices that
// come and go.
#include <gmock/gmock.h>
#include <time.h>

#include "tests/datapath/ebpf/provider_fixture.h"
#include "vswitch/datapath/ebpf/pinned_stations.h"
#include "vswitch/sys/bpf/tc_filters.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using tests::kBroadcast;
using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;

class UplinkTest : public ProviderHost {
 protected:
  bool HasProgram() {
    return host_.In([&] {
      auto filters = sys::KernelTcFilters::Create().value();
      return filters->Query(host_.FindLink(kUplinkDevice).ifindex, sys::TcDirection::kIngress)
          .value()
          .has_value();
    });
  }
  void Station(const MacAddress& mac, uint64_t ns_ago, uint32_t vni = kSegment.value()) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const uint64_t ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
                        static_cast<uint64_t>(now.tv_nsec) - ns_ago;
    abi::or_fdb_key key{};
    key.vni = vni;
    std::copy(mac.bytes().begin(), mac.bytes().end(), key.mac);
    const sys::TypedMap<abi::or_fdb_key, abi::or_station> map(Maps("or_stations"), "or_stations");
    ASSERT_EQ(map.Update(key, {.heard_ns = ns, .port = 0, .pad = 0}), absl::OkStatus());
  }
  static MacAddress Mac(int n) { return MacAddress::Parse(MacOf(n)).value(); }
  std::set<Vni> LostSegments() {
    return host_.In([&] { return host_.datapath().FindLostSegments(); });
  }
  size_t Stations() { return Rows<abi::or_fdb_key, abi::or_station>("or_stations").size(); }
  // The failure of segment 7 when all of `state` is applied.
  std::string Failure(const HostState& state) {
    const ApplyResult result = host_.Apply(state::ComputeDelta(host_.Read(), state));
    for (const ObjectFailure& failure : result.failures) {
      if (failure.kind == ObjectKind::kSegment) return Message(failure.status);
    }
    return "";
  }
};

TEST_F(UplinkTest, TakesInTheVlansOfThePortsThatAreHere) {
  EXPECT_FALSE(HasProgram());
  EXPECT_FALSE(host_.FindLink(kUplinkDevice).promiscuous);
  HostState state = Carried();
  state.segments[MakeVni(8)] = {.mtu = 1450, .vteps = {}, .provider = {{kUplink, 200}}};
  host_.Become(state);
  EXPECT_THAT(Vlans(), ElementsAre(100, 200));
  EXPECT_TRUE(HasProgram());
  EXPECT_TRUE(host_.FindLink(kUplinkDevice).promiscuous);
  state.segments.erase(MakeVni(8));
  host_.Become(state);
  EXPECT_THAT(Vlans(), ElementsAre(100));
  host_.Become({});
  EXPECT_THAT(Vlans(), IsEmpty());
  EXPECT_THAT((Rows<uint32_t, abi::or_provider>("or_providers")), IsEmpty());
  EXPECT_FALSE(HasProgram());
  EXPECT_FALSE(host_.FindLink(kUplinkDevice).promiscuous);
}

// In one step, each at the other's place.
TEST_F(UplinkTest, SegmentsChangeVlans) {
  HostState state = Carried();
  state.segments[MakeVni(8)] = {.mtu = 1450, .vteps = {}, .provider = {{kUplink, 200}}};
  host_.Become(state);
  std::swap(state.segments[kSegment].provider, state.segments[MakeVni(8)].provider);
  host_.Become(state);
  const auto rows = Rows<abi::or_uplink_vlan, uint32_t>("or_uplink_vlans");
  ASSERT_THAT(rows, SizeIs(2));
  for (const auto& [key, vni] : rows) EXPECT_EQ(vni, key.vlan == 200 ? 7u : 8u);
  network().Send(Tagged(kStation, kBroadcast, 200));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, kBroadcast, 0)));
}

TEST_F(UplinkTest, ASegmentGoesOverToVxlanAndBack) {
  host_.Become(Carried());
  HostState vxlan = Carried();
  vxlan.segments[kSegment].provider.reset();
  vxlan.segments[kSegment].vteps = {tests::Ip("192.0.2.9")};
  host_.Become(vxlan);
  EXPECT_THAT(Vlans(), IsEmpty());
  host_.Become(Carried());
  EXPECT_THAT(Vlans(), ElementsAre(100));
}

TEST_F(UplinkTest, AnUnknownUplinkIsRefusedByName) {
  HostState state = Carried();
  state.segments[kSegment].provider->uplink = "storage";
  EXPECT_EQ(Failure(state),
            "segment 7: this host has no uplink \"storage\"; start the agent with --uplink "
            "storage=DEVICE");
  EXPECT_FALSE(host_.Read().segments.contains(kSegment));
}

TEST_F(UplinkTest, ADeviceThatIsTooSmallIsNamed) {
  HostState state = Carried();
  state.segments[kSegment].mtu = 1500;
  ASSERT_EQ(host_.netlink()->SetMtu(host_.FindLink(kUplinkDevice).ifindex, 1400), absl::OkStatus());
  EXPECT_EQ(Failure(state),
            "segment 7: uplink \"physnet1\": device uplink1 has MTU 1400, the segment 1500; raise "
            "the device's or lower the segment's mtu");
}

// What a failed upsert has written goes when the segment does.
TEST_F(UplinkTest, ASegmentThatFailedLeavesNothingBehind) {
  HostState state = Carried();
  state.ports.clear();
  state.fdb.clear();
  state.segments[kSegment].mtu = 9000;
  state::StateDelta delta = state::ComputeDelta({}, state);
  ASSERT_THAT(host_.Apply(delta).failures, SizeIs(1));
  EXPECT_TRUE(HasProgram());
  delta = {};
  delta.segments.deletes = {kSegment};
  EXPECT_THAT(host_.Apply(delta).failures, IsEmpty());
  EXPECT_FALSE(HasProgram());
  EXPECT_FALSE(host_.FindLink(kUplinkDevice).promiscuous);
  EXPECT_THAT(Vlans(), IsEmpty());
  EXPECT_THAT((Rows<uint32_t, abi::or_provider>("or_providers")), IsEmpty());
  EXPECT_THAT((Rows<uint32_t, abi::or_segment>("or_segments")), IsEmpty());
}

TEST_F(UplinkTest, WithoutTheDeviceTheSegmentIsTheHostsOwn) {
  host_.RemoveDevice(kUplinkDevice);
  EXPECT_EQ(Failure(Carried()),
            "segment 7: uplink \"physnet1\": device uplink1 does not exist; create it, or name "
            "another by --uplink physnet1=DEVICE");
  guest(1).Send(Tagged(1, MacOf(2), 0));
  EXPECT_THAT(guest(2).Receive(), Optional(Tagged(1, MacOf(2), 0)));
  guest(1).Send(Tagged(1, MacOf(kStation), 0));
  EXPECT_EQ(host_.AwaitPortDrops(MakePortId(1), "uplink_missing", 1), 1u);
  EXPECT_NE(host_.Read().segments, Carried().segments) << "so that it is tried again";
}

TEST_F(UplinkTest, ADeviceThatComesBackIsTakenAgain) {
  host_.Become(Carried());
  host_.RemoveDevice(kUplinkDevice);
  EXPECT_THAT(LostSegments(), ElementsAre(kSegment));
  EXPECT_THAT(Vlans(), IsEmpty());
  host_.AddDevice(kUplinkDevice);
  Connect();
  EXPECT_THAT(LostSegments(), IsEmpty());
  EXPECT_EQ(host_.Read(), Carried());
  guest(1).Send(Tagged(1, MacOf(kStation), 0));
  EXPECT_THAT(NextFromHost(), Optional(Tagged(1, MacOf(kStation), kVlan)));
  network().Send(Tagged(kStation, MacOf(1), kVlan));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, MacOf(1), 0)));
}

TEST_F(UplinkTest, AProgramThatSomebodyRemovedIsPutBack) {
  host_.Become(Carried());
  host_.In([&] {
    auto filters = sys::KernelTcFilters::Create().value();
    ASSERT_EQ(filters->Detach(host_.FindLink(kUplinkDevice).ifindex, sys::TcDirection::kIngress),
              absl::OkStatus());
  });
  EXPECT_THAT(LostSegments(), IsEmpty());
  EXPECT_TRUE(HasProgram());
}

// What cannot be looked at keeps neither the ports nor the other uplinks from being mended.
TEST_F(UplinkTest, ABadDeviceIsTheMatterOfItsSegmentsAlone) {
  host_.options().uplinks["bad"] = "a-name-no-device-can-have";
  host_.Start();
  HostState state = Carried();
  state.segments[MakeVni(8)] = {.mtu = 1450, .vteps = {}, .provider = {{"bad", 200}}};
  ASSERT_THAT(host_.Apply(state::ComputeDelta(host_.Read(), state)).failures, SizeIs(1));
  EXPECT_THAT(LostSegments(), ElementsAre(MakeVni(8)));
  host_.RemoveDevice(kUplinkDevice);
  host_.AddDevice(kUplinkDevice);
  Connect();
  EXPECT_THAT(LostSegments(), ElementsAre(MakeVni(8)));
  network().Send(Tagged(kStation, MacOf(1), kVlan));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, MacOf(1), 0)));
  EXPECT_TRUE(host_.In([&] { return host_.datapath().FindLostPorts(); }).ok());
}

// A flag that was there before us stays, also through a restart.
TEST_F(UplinkTest, WhatSomebodyElseMadePromiscuousStaysSo) {
  const int ifindex = host_.FindLink(kUplinkDevice).ifindex;
  ASSERT_EQ(host_.netlink()->SetPromiscuous(ifindex, true), absl::OkStatus());
  host_.Become(Carried());
  host_.Become({});
  EXPECT_FALSE(HasProgram());
  EXPECT_TRUE(host_.FindLink(kUplinkDevice).promiscuous);
  host_.Become(Carried());
  host_.Start();
  host_.Become({});
  EXPECT_TRUE(host_.FindLink(kUplinkDevice).promiscuous);
  host_.Become(Carried());
  host_.Stop();
  ASSERT_EQ(host_.In([&] { return EbpfDatapath::Uninstall(host_.options(), host_.netlink()); }),
            absl::OkStatus());
  EXPECT_FALSE(HasProgram());
  EXPECT_TRUE(host_.FindLink(kUplinkDevice).promiscuous);
}

// What we set ourselves goes, whoever runs by then.
TEST_F(UplinkTest, TheNextProcessKnowsWhoMadeItPromiscuous) {
  host_.Become(Carried());
  host_.Start();
  EXPECT_TRUE(host_.FindLink(kUplinkDevice).promiscuous);
  host_.Become({});
  EXPECT_FALSE(host_.FindLink(kUplinkDevice).promiscuous);
}

// Restarted with other uplinks: the device is left alone, the segment is not in force.
TEST_F(UplinkTest, ADeviceThatIsNoUplinkAnyMoreIsLetGo) {
  host_.Become(Carried());
  host_.options().uplinks.clear();
  host_.Start();
  EXPECT_FALSE(HasProgram());
  EXPECT_FALSE(host_.FindLink(kUplinkDevice).promiscuous);
  EXPECT_THAT(Vlans(), IsEmpty());
  EXPECT_NE(host_.Read().segments, Carried().segments);
  host_.options().uplinks = {{kUplink, kUplinkDevice}};
  host_.Start();
  host_.Become(Carried());
  EXPECT_TRUE(HasProgram());
}

TEST_F(UplinkTest, UninstallingLeavesTheDeviceAsItWas) {
  host_.Become(Carried());
  host_.Stop();
  ASSERT_EQ(host_.In([&] { return EbpfDatapath::Uninstall(host_.options(), host_.netlink()); }),
            absl::OkStatus());
  EXPECT_FALSE(HasProgram());
  EXPECT_FALSE(host_.FindLink(kUplinkDevice).promiscuous);
}

TEST_F(UplinkTest, StationsAreForgotten) {
  constexpr uint64_t kSecond = 1'000'000'000;
  host_.Become(Carried());
  Station(MakeMac(50), OR_STATION_AGE_NS - 100 * kSecond);
  Station(MakeMac(51), OR_STATION_AGE_NS);
  Station(MakeMac(52), 0, 8);  // of a segment that is not here
  ASSERT_TRUE(host_.In([&] { return host_.datapath().FindLostPorts(); }).ok());
  const auto left = Rows<abi::or_fdb_key, abi::or_station>("or_stations");
  ASSERT_THAT(left, SizeIs(1));
  EXPECT_EQ(left[0].first.mac[5], 50);
}

// Only those the programs would send to, nobody of this host's own; from frames, and in order.
TEST_F(UplinkTest, StationsAreListed) {
  constexpr uint64_t kSecond = 1'000'000'000;
  HostState state = Carried();
  state.segments[MakeVni(8)] = {.mtu = 1450, .vteps = {}, .provider = {{kUplink, 200}}};
  host_.Become(state);
  network().Send(Tagged(kStation, kBroadcast, kVlan));
  ASSERT_TRUE(guest(1).Receive());
  Station(MakeMac(3), 100 * kSecond);
  Station(MakeMac(4), OR_STATION_AGE_NS);
  Station(Mac(1), 0);  // a port that came from another host
  Station(MakeMac(5), 0, 8);
  Station(MakeMac(6), 0, 9);  // of a segment that is not here
  PinnedStations table(host_.options().bpffs);
  const auto all = table.ListStations(std::nullopt, 100);
  ASSERT_TRUE(all.ok()) << all.status();
  std::vector<datapath::Station> expected = {{kSegment, MakeMac(3), {kUplink, kVlan}, 100},
                                             {kSegment, Mac(kStation), {kUplink, kVlan}, 0},
                                             {MakeVni(8), MakeMac(5), {kUplink, 200}, 0}};
  EXPECT_EQ(all->stations, expected);
  EXPECT_EQ(all->total, 3u);
  const auto first = table.ListStations(kSegment, 1);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_THAT(first->stations, ElementsAre(expected[0]));
  EXPECT_EQ(first->total, 2u);
  const auto none = table.ListStations(MakeVni(9), 1);
  EXPECT_EQ(none.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(none.status()), HasSubstr("vni 9: no segment on this host"));
}

// As many as there are, they have no more room than the map; a station that speaks now and then is
// known all the time.
TEST_F(UplinkTest, AFloodOfStationsHasItsBounds) {
  constexpr uint32_t kFlood = 1'000'000;
  constexpr uint32_t kSpeaksEvery = 8192;
  host_.Become(Carried(kVlan, /*flood=*/false));
  const tests::Bytes known = Tagged(kStation, MacOf(kStation - 1), kVlan);
  tests::Bytes frame = known;
  frame[8] = 0x77;
  network().Send(known);
  for (uint32_t i = 0; i < kFlood; ++i) {
    frame[9] = static_cast<uint8_t>(i >> 16);
    frame[10] = static_cast<uint8_t>(i >> 8);
    frame[11] = static_cast<uint8_t>(i);
    network().Send(frame);
    if (i % kSpeaksEvery != kSpeaksEvery - 1) continue;
    guest(1).Send(Tagged(1, MacOf(kStation), 0));
    ASSERT_THAT(NextFromHost(), Optional(Tagged(1, MacOf(kStation), kVlan))) << "after " << i;
    network().Send(known);
  }
  network().Send(Tagged(kStation, kBroadcast, kVlan, 65));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, kBroadcast, 0, 65)));
  EXPECT_LE(Stations(), size_t{OR_MAX_STATIONS});
  EXPECT_GT(Stations(), size_t{OR_MAX_STATIONS / 2});
  constexpr uint64_t kSent = kFlood + kFlood / kSpeaksEvery + 1;
  EXPECT_EQ(AwaitHostDrops("unknown_unicast", kSent), kSent) << "each of them is counted";
}

}  // namespace
}  // namespace outrider::datapath::ebpf
