// Frames between guests and a physical network in the VLANs that carry their segments.
#include <gmock/gmock.h>

#include <atomic>

#include "tests/datapath/ebpf/provider_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using state::VlanMode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;
using tests::Bytes;
using tests::kBroadcast;
using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;

using ProviderTraffic = ProviderHost;

TEST_F(ProviderTraffic, ReachesStationsAndIsReached) {
  host_.Become(Carried());
  network().Send(Tagged(kStation, MacOf(1), kVlan));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, MacOf(1), 0)));
  guest(1).Send(Tagged(1, MacOf(kStation), 0));
  EXPECT_THAT(NextFromHost(), Optional(Tagged(1, MacOf(kStation), kVlan)));
  EXPECT_THAT(guest(2).Drain(), IsEmpty());
}

TEST_F(ProviderTraffic, UntaggedFramesCanCarryASegment) {
  host_.Become(Carried(0));
  guest(1).Send(Tagged(1, MacOf(kStation), 0));
  EXPECT_THAT(NextFromHost(), Optional(Tagged(1, MacOf(kStation), 0)));
  network().Send(Tagged(kStation, MacOf(1), 0));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, MacOf(1), 0)));
}

TEST_F(ProviderTraffic, ABroadcastLeavesOnceAndComesToEachPort) {
  host_.Become(Carried());
  guest(1).Send(Tagged(1, kBroadcast, 0));
  EXPECT_THAT(guest(2).Receive(), Optional(Tagged(1, kBroadcast, 0)));
  EXPECT_THAT(NextFromHost(), Optional(Tagged(1, kBroadcast, kVlan)));
  network().Send(Tagged(kStation, kBroadcast, kVlan));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, kBroadcast, 0)));
  EXPECT_THAT(guest(2).Receive(), Optional(Tagged(kStation, kBroadcast, 0)));
  EXPECT_THAT(FromHost(), IsEmpty()) << "neither a second copy nor one back";
  EXPECT_THAT(guest(1).Drain(), IsEmpty());
}

TEST_F(ProviderTraffic, BetweenPortsOfTheHostNothingLeaves) {
  host_.Become(Carried());
  guest(1).Send(Tagged(1, MacOf(2), 0));
  EXPECT_THAT(guest(2).Receive(), Optional(Tagged(1, MacOf(2), 0)));
  EXPECT_THAT(FromHost(), IsEmpty());
}

// What the network says in the name of our ports is our own, come back.
TEST_F(ProviderTraffic, ALoopEndsHere) {
  host_.Become(Carried());
  network().Send(Tagged(1, kBroadcast, kVlan));
  EXPECT_EQ(AwaitHostDrops("own_source", 1), 1u);
  EXPECT_THAT(guest(2).Drain(), IsEmpty());
}

TEST_F(ProviderTraffic, WithoutFloodingOnlyStationsThatSpokeAreReached) {
  host_.Become(Carried(kVlan, /*flood=*/false));
  guest(1).Send(Tagged(1, MacOf(kStation), 0));
  EXPECT_EQ(host_.AwaitPortDrops(MakePortId(1), "unknown_unicast", 1), 1u);
  network().Send(Tagged(kStation, kBroadcast, kVlan));
  ASSERT_TRUE(guest(1).Receive().has_value());
  guest(1).Send(Tagged(1, MacOf(kStation), 0));
  EXPECT_THAT(NextFromHost(), Optional(Tagged(1, MacOf(kStation), kVlan)));
  EXPECT_EQ(host_.PortDrops(MakePortId(1), "unknown_unicast"), 1u);
}

// The agent's word of a port counts, whatever was heard; and what was heard, when it is gone.
TEST_F(ProviderTraffic, AStationMovesToAPortAndBack) {
  HostState without = Carried();
  without.ports.erase(MakePortId(2));
  without.fdb.erase({kSegment, MakeMac(2)});
  host_.Become(without);
  network().Send(Tagged(2, MacOf(1), kVlan));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(2, MacOf(1), 0)));
  guest(1).Send(Tagged(1, MacOf(2), 0));
  EXPECT_THAT(NextFromHost(), Optional(Tagged(1, MacOf(2), kVlan)));
  host_.Become(Carried());
  guest(1).Send(Tagged(1, MacOf(2), 0));
  EXPECT_THAT(guest(2).Receive(), Optional(Tagged(1, MacOf(2), 0)));
  EXPECT_THAT(FromHost(), IsEmpty());
  host_.Become(without);
  network().Send(Tagged(2, MacOf(1), kVlan));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(2, MacOf(1), 0)));
  guest(1).Send(Tagged(1, MacOf(2), 0));
  EXPECT_THAT(NextFromHost(), Optional(Tagged(1, MacOf(2), kVlan)));
}

// Asks for the host's own address on the uplink; the answer comes from the host's stack.
Bytes AskForHost(uint16_t vlan) {
  tests::PacketBuilder packet(kBroadcast, MacOf(kStation));
  if (vlan != 0) packet.Vlan(vlan);
  return packet
      .Arp({.operation = 1,
            .sender_mac = MakeMac(kStation),
            .sender_ip = "192.0.2.99",
            .target_mac = {},
            .target_ip = "192.0.2.1"})
      .Build();
}

TEST_F(ProviderTraffic, TheHostKeepsItsOwnPlaceInTheNetwork) {
  tests::AddAddress(host_.netns(), kUplinkDevice, "192.0.2.1/24");
  const auto answers = [&] {
    network().Send(AskForHost(0));
    return network().Receive([](const Bytes& frame) {
      return frame.size() >= 42 && frame[12] == 0x08 && frame[13] == 0x06 && frame[21] == 2;
    });
  };
  host_.Become(Carried());
  EXPECT_TRUE(answers()) << "untagged frames are none of ours";
  host_.Become(Carried(0));
  const auto answer = answers();
  ASSERT_TRUE(answer) << "beside our segment";
  EXPECT_THAT(guest(1).Receive(), Optional(AskForHost(0)));
  // Unicast to the host's MAC is the host's alone.
  const MacAddress mac(std::array<uint8_t, 6>{(*answer)[6], (*answer)[7], (*answer)[8],
                                              (*answer)[9], (*answer)[10], (*answer)[11]});
  Bytes unicast = AskForHost(0);
  std::copy(mac.bytes().begin(), mac.bytes().end(), unicast.begin());
  network().Send(unicast);
  EXPECT_TRUE(network().Receive([](const Bytes& frame) {
    return frame.size() >= 42 && frame[13] == 0x06 && frame[21] == 2;
  }));
  EXPECT_THAT(guest(1).Drain(), IsEmpty());
}

TEST_F(ProviderTraffic, OtherVlansAreNotTakenIn) {
  host_.Become(Carried());
  network().Send(Tagged(kStation, kBroadcast, kVlan + 1));
  network().Send(Tagged(kStation, kBroadcast, 0));
  network().Send(Tagged(kStation, kBroadcast, kVlan, 65));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, kBroadcast, 0, 65)));
}

// Nothing of a physical network's VLAN gets into a tunnel, and nothing of a tunnel's into the VLAN.
TEST_F(ProviderTraffic, ATrunkOf64VlansEachOneOfTheNetworks) {
  constexpr uint16_t kVlans = 64;
  HostState state;
  state::Port trunk = ActivePort(1, "port1");
  trunk.vni.reset();
  trunk.vlans.mode = VlanMode::kTrunk;
  for (uint16_t n = 1; n <= kVlans; ++n) {
    const Vni vni = MakeVni(1000u + n);
    state.segments[vni] = {.mtu = 1450,
                           .flood_unknown_unicast = true,
                           .vteps = {},
                           .provider = {{kUplink, static_cast<uint16_t>(2000 + n)}}};
    state.fdb.insert_or_assign({vni, MakeMac(1)}, state::FdbEntry{MakePortId(1), Epoch{1}});
    trunk.vlans.trunk.emplace(n, vni);
  }
  state.ports[MakePortId(1)] = trunk;
  host_.Become(state);
  for (uint16_t n = 1; n <= kVlans; ++n) {
    const auto outside = static_cast<uint16_t>(2000 + n);
    guest(1).Send(Tagged(1, MacOf(kStation), n));
    ASSERT_THAT(NextFromHost(), Optional(Tagged(1, MacOf(kStation), outside)));
    network().Send(Tagged(kStation, MacOf(1), outside));
    ASSERT_THAT(guest(1).Receive(), Optional(Tagged(kStation, MacOf(1), n)));
  }
  network().Send(Tagged(kStation, kBroadcast, 1));
  network().Send(Tagged(kStation, kBroadcast, 2001));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, kBroadcast, 1)));
}

// The tag of the network's is outside, the customer's inside.
TEST_F(ProviderTraffic, ACustomersTagIsBelowTheSegments) {
  HostState state = Carried();
  for (auto& [id, port] : state.ports) port.vlans.mode = VlanMode::kDot1qTunnel;
  host_.Become(state);
  const auto stacked = [](int from, const std::string& dst) {
    return tests::PacketBuilder(dst, MacOf(from))
        .Vlan(kVlan)
        .Vlan(5)
        .Ipv4({.src = IpOf(from), .dst = "10.0.0.255"})
        .Udp(1, 2)
        .Payload(64)
        .Build();
  };
  guest(1).Send(Tagged(1, MacOf(kStation), 5));
  EXPECT_THAT(NextFromHost(), Optional(stacked(1, MacOf(kStation))));
  network().Send(stacked(kStation, MacOf(1)));
  EXPECT_THAT(guest(1).Receive(), Optional(Tagged(kStation, MacOf(1), 5)));
}

TEST_F(ProviderTraffic, LosesNothingWhenTheProcessRestarts) {
  host_.Become(Carried());
  std::atomic<bool> stop = false;
  uint64_t lost = 0;
  uint64_t arrived = 0;
  std::thread sender([&] {
    while (!stop) {
      guest(1).Send(Tagged(1, MacOf(kStation), 0));
      ++(NextFromHost() ? arrived : lost);
      network().Send(Tagged(kStation, MacOf(1), kVlan));
      ++(guest(1).Receive() ? arrived : lost);
    }
  });
  for (int i = 0; i < 3; ++i) host_.Start();
  // Other programs: another constant is another content.
  host_.options().vteps = VtepPair(tests::Ip("10.99.0.77"));
  host_.Start();
  stop = true;
  sender.join();
  EXPECT_GT(arrived, 0u);
  EXPECT_EQ(lost, 0u);
  EXPECT_EQ(host_.Read(), Carried());
}

}  // namespace
}  // namespace outrider::datapath::ebpf
