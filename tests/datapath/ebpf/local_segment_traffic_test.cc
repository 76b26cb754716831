// VLANs of one host alone, as an `ovs-vsctl add-port br0 X tag=10` asks for: real stacks and raw
// frames over veths, stations that are learned, listed and forgotten, a process that restarts.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <thread>

#include "tests/datapath/ebpf/traffic_fixture.h"
#include "vswitch/datapath/ebpf/pinned_stations.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using state::VlanMode;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::Bytes;
using tests::MakeLocalVni;
using tests::MakePortId;
using Clock = std::chrono::steady_clock;

const Vni kTen = MakeLocalVni(10);
const Vni kTwenty = MakeLocalVni(20);
constexpr std::chrono::milliseconds kLong(5000);
// Of what must not come.
constexpr std::chrono::milliseconds kShort(300);

// A guest with a stack of its own, behind port n.
struct Machine {
  Machine(EbpfHost* host, int n) {
    tests::CreateVeth({.netns = &host->netns(), .name = "port" + std::to_string(n)},
                      {.netns = &netns, .name = "card"});
    tests::AddAddress(netns, "card", IpOf(n) + "/24");
  }
  // Whether `ip` answers an echo request in time.
  bool Pings(const std::string& ip, std::chrono::milliseconds time = kLong) const {
    const tests::NetnsScope scope(netns);
    const UniqueFd fd(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    inet_pton(AF_INET, ip.c_str(), &to.sin_addr);
    icmphdr request{};
    request.type = ICMP_ECHO;
    request.checksum = static_cast<uint16_t>(~ICMP_ECHO);
    if (sendto(fd.get(), &request, sizeof(request), 0, reinterpret_cast<sockaddr*>(&to),
               sizeof(to)) != sizeof(request)) {
      return false;
    }
    const auto end = Clock::now() + time;
    for (auto left = time; left.count() > 0;
         left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now())) {
      pollfd wait = {fd.get(), POLLIN, 0};
      if (poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
      std::array<uint8_t, 128> packet{};
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const ssize_t got = recvfrom(fd.get(), packet.data(), packet.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
      const bool is_reply = got >= 28 && packet[20] == ICMP_ECHOREPLY;
      if (is_reply && from.sin_addr.s_addr == to.sin_addr.s_addr) return true;
    }
    return false;
  }

  tests::NetworkNamespace netns;
};

state::Port LocalPort(int n) {
  state::Port port;
  port.device = "port" + std::to_string(n);
  port.phase = state::PortPhase::kActive;
  port.mac_anti_spoof = false;
  port.dhcp_server_guard = false;
  port.ra_guard = false;
  port.learn_macs = true;
  return port;
}

// Ports 1 and 2 with tag 10, port 3 with tag 20, port 4 a trunk of both, VLAN 20 untagged.
HostState FourPorts() {
  HostState state;
  for (const Vni& vni : {kTen, kTwenty}) {
    state.segments[vni] = {
        .mtu = 9000, .flood_unknown_unicast = true, .suppress_arp = false, .vteps = {}};
  }
  for (int n = 1; n <= 4; ++n) state.ports[MakePortId(static_cast<uint8_t>(n))] = LocalPort(n);
  state.ports[MakePortId(1)].vni = kTen;
  state.ports[MakePortId(2)].vni = kTen;
  state.ports[MakePortId(3)].vni = kTwenty;
  state.ports[MakePortId(4)].vni = kTwenty;
  state.ports[MakePortId(4)].vlans = {
      .mode = VlanMode::kNativeUntagged, .trunk = {{10, kTen}}, .native = 20};
  return state;
}

// From a MAC behind a port, to another.
Bytes Frame(const std::string& dst, int from, uint16_t vlan = 0) {
  tests::PacketBuilder packet(dst, MacOf(from));
  if (vlan != 0) packet.Vlan(vlan);
  return packet.Ipv4({.src = IpOf(from), .dst = "10.0.0.255"}).Udp(1, 2).Payload(64).Build();
}

class LocalMachines : public ::testing::Test {
 protected:
  LocalMachines() : one_(&host_, 1), two_(&host_, 2), three_(&host_, 3) {
    trunk_ = MakeGuest(GuestKind::kVeth, &host_, "port4");
    host_.Start();
    host_.Become(FourPorts());
  }

  EbpfHost host_;
  Machine one_;
  Machine two_;
  Machine three_;
  std::unique_ptr<Guest> trunk_;
};

TEST_F(LocalMachines, ReachTheirOwnVlanAlone) {
  EXPECT_TRUE(one_.Pings(IpOf(2)));
  EXPECT_TRUE(two_.Pings(IpOf(1)));
  EXPECT_FALSE(one_.Pings(IpOf(3), kShort));
  EXPECT_FALSE(three_.Pings(IpOf(1), kShort));
  // A machine in both VLANs, by its tags: it is asked for, and answers.
  const auto asked = [&](uint16_t vlan, int by) {
    for (auto frame = trunk_->Receive(); frame; frame = trunk_->Receive()) {
      const bool tagged = (*frame)[12] == 0x81 && (*frame)[13] == 0;
      const size_t arp = tagged ? 16 : 12;
      if ((*frame)[arp] != 8 || (*frame)[arp + 1] != 6) continue;
      if (frame->back() == by) return tagged == (vlan != 0) && (!tagged || (*frame)[15] == vlan);
    }
    return false;
  };
  EXPECT_FALSE(one_.Pings(IpOf(44), kShort));
  EXPECT_TRUE(asked(10, 44)) << "with the tag of VLAN 10";
  EXPECT_FALSE(three_.Pings(IpOf(45), kShort));
  EXPECT_TRUE(asked(0, 45)) << "VLAN 20 is untagged there";
}

TEST_F(LocalMachines, TheirDevicesKeepTheirMtu) {
  EXPECT_EQ(host_.FindLink("port1").mtu, 1500u);
  HostState state = FourPorts();
  state.ports[MakePortId(1)].mtu_request = 1400;
  host_.Become(state);
  EXPECT_EQ(host_.FindLink("port1").mtu, 1400u);
  EXPECT_EQ(host_.FindLink("port2").mtu, 1500u);
}

class LocalSegmentTraffic : public ::testing::Test {
 protected:
  LocalSegmentTraffic() : table_(host_.options().bpffs) {
    for (int n = 1; n <= 4; ++n) {
      guests_.push_back(MakeGuest(GuestKind::kVeth, &host_, "port" + std::to_string(n)));
    }
    host_.Start();
    host_.Become(FourPorts());
  }
  Guest& guest(int n) { return *guests_[static_cast<size_t>(n - 1)]; }
  // MAC `n` was heard behind port 1, in VLAN 10.
  void Hear(int n) {
    guest(1).Send(Frame(tests::kBroadcast, n));
    ASSERT_EQ(guest(2).Receive(), Frame(tests::kBroadcast, n));
    ASSERT_EQ(guest(4).Receive(), Frame(tests::kBroadcast, n, 10));
  }
  std::vector<std::string> Listed() {
    std::vector<std::string> texts;
    const auto list = table_.ListStations(std::nullopt, 100);
    if (!list.ok()) return {Message(list.status())};
    for (const Station& station : list->stations) {
      texts.push_back(station.vni.ToString() + " " + station.mac.ToString() + " " + station.device);
    }
    return texts;
  }

  EbpfHost host_;
  PinnedStations table_;
  std::vector<std::unique_ptr<Guest>> guests_;
};

TEST_F(LocalSegmentTraffic, StationsAreListedAndFlushed) {
  Hear(50);
  guest(4).Send(Frame(MacOf(50), 51, 10));
  ASSERT_EQ(guest(1).Receive(), Frame(MacOf(50), 51));
  guest(4).Send(Frame(tests::kBroadcast, 51));
  ASSERT_EQ(guest(3).Receive(), Frame(tests::kBroadcast, 51));
  EXPECT_THAT(Listed(),
              ElementsAre("local/10 52:54:00:00:00:32 port1", "local/10 52:54:00:00:00:33 port4",
                          "local/20 52:54:00:00:00:33 port4"));
  const auto ten = table_.ListStations(kTen, 1);
  ASSERT_TRUE(ten.ok()) << ten.status();
  EXPECT_EQ(ten->total, 2u);
  ASSERT_THAT(ten->stations, SizeIs(1));
  EXPECT_EQ(ten->stations[0].port, MakePortId(1));
  EXPECT_EQ(Message(table_.ListStations(MakeLocalVni(30), 1).status()),
            "vni local/30: no segment on this host that an uplink carries; see: outrider state "
            "show --applied");
  EXPECT_EQ(table_.FlushStations(kTen).value(), 2u);
  EXPECT_THAT(Listed(), ElementsAre("local/20 52:54:00:00:00:33 port4"));
  EXPECT_EQ(table_.FlushStations(std::nullopt).value(), 1u);
}

TEST_F(LocalSegmentTraffic, OnlyTheOneBehindWhichItIsGetsAFrame) {
  Hear(50);
  guest(2).Send(Frame(MacOf(50), 52));
  EXPECT_EQ(guest(1).Receive(), Frame(MacOf(50), 52));
  EXPECT_THAT(guest(4).Drain(), IsEmpty());
  guest(2).Send(Frame(MacOf(53), 52));
  EXPECT_EQ(guest(4).Receive(), Frame(MacOf(53), 52, 10)) << "of nobody known";
  EXPECT_EQ(guest(1).Receive(), Frame(MacOf(53), 52));
  EXPECT_THAT(guest(3).Drain(), IsEmpty());
}

// A trace says so, and teaches nothing.
TEST_F(LocalSegmentTraffic, ATraceNamesThePortBehindWhichItWasHeard) {
  Hear(50);
  const auto trace = host_.In([&] {
    return host_.datapath().TraceFrame(
        {.port = MakePortId(2), .frame = Frame(MacOf(50), 52), .from_vtep = {}});
  });
  ASSERT_TRUE(trace.ok()) << trace.status();
  std::vector<std::string> said;
  for (const TraceStep& step : trace->steps) {
    if (step.stage == "vlan" || step.stage == "fdb" || step.stage == "station") {
      said.push_back(step.text);
    }
  }
  EXPECT_THAT(said, ElementsAre("untagged: VNI local/10", MacOf(50) + " in VNI local/10: unknown",
                                MacOf(50) + " was heard behind local port " +
                                    MakePortId(1).ToString() + " (port1)"));
  EXPECT_EQ(trace->verdict, "delivered");
  EXPECT_THAT(Listed(), ElementsAre("local/10 52:54:00:00:00:32 port1"));
}

TEST_F(LocalSegmentTraffic, StationsGoWithTheirPort) {
  Hear(50);
  HostState state = FourPorts();
  state.ports.erase(MakePortId(1));
  host_.Become(state);
  EXPECT_THAT(Listed(), IsEmpty());
  host_.Become(FourPorts());
  guest(2).Send(Frame(MacOf(50), 52));
  EXPECT_EQ(guest(4).Receive(), Frame(MacOf(50), 52, 10)) << "flooded";
}

TEST_F(LocalSegmentTraffic, StationsStayBehindInTheVlanThatAPortLeaves) {
  Hear(50);
  guest(4).Send(Frame(MacOf(50), 51, 10));
  HostState state = FourPorts();
  state.ports[MakePortId(1)].vni = kTwenty;
  host_.Become(state);
  EXPECT_THAT(Listed(), ElementsAre("local/10 52:54:00:00:00:33 port4"));
  guest(2).Send(Frame(MacOf(50), 52));
  EXPECT_EQ(guest(4).Receive(), Frame(MacOf(50), 52, 10));
  // One that learns no more has a MAC of its own.
  state.ports[MakePortId(4)].learn_macs = false;
  state.ports[MakePortId(4)].mac = tests::MakeMac(4);
  host_.Become(state);
  EXPECT_THAT(Listed(), ElementsAre("local/10 52:54:00:00:00:34 port2"));
}

// Its trunk's untagged frames have no VLAN by another name.
TEST_F(LocalSegmentTraffic, ATrunkMayHaveUntaggedFrames) {
  HostState state = FourPorts();
  state.ports[MakePortId(4)].vlans = {.mode = VlanMode::kTrunk, .trunk = {{10, kTen}}};
  host_.Become(state);
  guest(4).Send(Frame(tests::kBroadcast, 51));
  EXPECT_EQ(guest(3).Receive(), Frame(tests::kBroadcast, 51));
  guest(3).Send(Frame(MacOf(51), 53));
  EXPECT_EQ(guest(4).Receive(), Frame(MacOf(51), 53));
  guest(4).Send(Frame(tests::kBroadcast, 51, 20));
  EXPECT_EQ(host_.AwaitPortDrops(MakePortId(4), "vlan_not_allowed", 1), 1u);
}

TEST_F(LocalSegmentTraffic, ARestartLosesNothing) {
  Hear(50);
  std::atomic<bool> stop = false;
  uint64_t lost = 0;
  uint64_t arrived = 0;
  std::thread sender([&] {
    while (!stop) {
      guest(2).Send(Frame(MacOf(50), 52));
      ++(guest(1).Receive() == Frame(MacOf(50), 52) ? arrived : lost);
    }
  });
  for (int i = 0; i < 3; ++i) {
    host_.Start();
    EXPECT_TRUE(state::ComputeDelta(host_.Read(), FourPorts()).empty());
  }
  stop = true;
  sender.join();
  EXPECT_EQ(lost, 0u);
  EXPECT_GT(arrived, 0u);
  EXPECT_THAT(guest(4).Drain(), IsEmpty()) << "nothing was flooded";
  EXPECT_THAT(Listed(),
              ElementsAre("local/10 52:54:00:00:00:32 port1", "local/10 52:54:00:00:00:34 port2"));
}

TEST_F(LocalSegmentTraffic, ItsCountersAreToldFromTheControllers) {
  const auto ports = host_.datapath().ReadPorts().value();
  ASSERT_THAT(ports, SizeIs(4));
  for (const auto& [id, counters] : ports) {
    EXPECT_TRUE(counters.local) << id.ToString();
  }
}

}  // namespace
}  // namespace outrider::datapath::ebpf
