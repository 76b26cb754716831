// What the agent sends in a guest's name: the programs have it as that guest's own, and what is
// answered goes to the guest, where the agent sees it.
#include <gtest/gtest.h>

#include "tests/datapath/ebpf/traffic_fixture.h"
#include "vswitch/sys/netlink/echo_socket.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using tests::Bytes;
using tests::MakeDigest;
using tests::MakePortId;

constexpr char kVtepA[] = "10.99.0.1";
constexpr char kVtepB[] = "10.99.0.2";
constexpr uint16_t kIdentifier = 0x1234;

Bytes Echo(int from, int to, uint8_t type) {
  return tests::PacketBuilder(MacOf(to), MacOf(from))
      .Ipv4({.src = IpOf(from), .dst = IpOf(to)})
      .Icmp(type, 0, kIdentifier)
      .Payload(56)
      .Build();
}

// The guest of port 1 may ask, and gets what is an answer.
class InjectionTraffic : public ::testing::TestWithParam<GuestKind> {
 protected:
  InjectionTraffic()
      : one_(MakeGuest(GetParam(), &a_, "port1")), two_(MakeGuest(GetParam(), &b_, "port2")) {
    tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                      {.netns = &b_.netns(), .name = "underlay"});
    tests::AddAddress(a_.netns(), "underlay", std::string(kVtepA) + "/24");
    tests::AddAddress(b_.netns(), "underlay", std::string(kVtepB) + "/24");
    a_.Start();
    b_.Start();
    HostState a = EmptySegment({tests::Ip(kVtepB)});
    AddPort(1, "port1", &a);
    AddRemote(2, kVtepB, &a);
    const Digest out = MakeDigest(1);
    const Digest in = MakeDigest(2);
    a.rule_sets[out].default_action = state::AclAction::kAllowRelated;
    a.rule_sets[in].default_action = state::AclAction::kDrop;
    a.ports.at(MakePortId(1)).ingress_rule_set = out;
    a.ports.at(MakePortId(1)).egress_rule_set = in;
    a.ports.at(MakePortId(1)).max_connections = 10;
    a_.Become(a);
    HostState b = EmptySegment({tests::Ip(kVtepA)});
    AddPort(2, "port2", &b);
    AddRemote(1, kVtepA, &b);
    b_.Become(b);
  }

  EbpfHost a_{kVtepA};
  EbpfHost b_{kVtepB};
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
};

TEST_P(InjectionTraffic, AnEchoIsAskedAndAnsweredAsTheGuestsOwn) {
  const auto point = a_.datapath().InjectionPointOf(MakePortId(1));
  ASSERT_TRUE(point.ok()) << point.status();
  EXPECT_EQ(point->vlan, 0);
  const auto socket = a_.In(
      [&] { return sys::EchoSocket::Open(point->ifindex, point->mark, kIdentifier).value(); });
  two_->Send(Echo(2, 1, 0));
  EXPECT_EQ(a_.AwaitPortDrops(MakePortId(1), "acl_egress", 1), 1u) << "an answer to nothing";
  ASSERT_EQ(socket->Send(Echo(1, 2, 8)), absl::OkStatus());
  EXPECT_EQ(two_->Receive(), Echo(1, 2, 8));
  two_->Send(Echo(2, 1, 0));
  EXPECT_EQ(one_->Receive(), Echo(2, 1, 0));
  const auto seen = socket->Take();
  ASSERT_TRUE(seen.has_value());
  EXPECT_EQ(seen->bytes, Echo(2, 1, 0));
  EXPECT_FALSE(socket->Take().has_value());
  const auto counters = a_.datapath().ReadPorts().value().at(MakePortId(1));
  EXPECT_EQ(counters.rx_packets, 1u) << "as if the guest had sent it";
  EXPECT_EQ(counters.tx_packets, 1u);
}

// Its profile holds for it, here that a guest has its own MAC; and a port that forwards nothing
// takes nothing.
TEST_P(InjectionTraffic, ItIsJudgedAsTheGuestsFrames) {
  const auto point = a_.datapath().InjectionPointOf(MakePortId(1)).value();
  const auto socket =
      a_.In([&] { return sys::EchoSocket::Open(point.ifindex, point.mark, kIdentifier).value(); });
  ASSERT_EQ(socket->Send(Echo(3, 2, 8)), absl::OkStatus());
  EXPECT_EQ(a_.AwaitPortDrops(MakePortId(1), "spoofed_mac", 1), 1u);
  EXPECT_TRUE(absl::IsNotFound(a_.datapath().InjectionPointOf(MakePortId(2)).status()));
  HostState changed = a_.Read();
  changed.ports.at(MakePortId(1)).vlans = {.mode = state::VlanMode::kNativeTagged, .native = 12};
  a_.Become(changed);
  EXPECT_EQ(a_.datapath().InjectionPointOf(MakePortId(1))->vlan, 12);
  changed.ports.at(MakePortId(1)).phase = state::PortPhase::kBlocked;
  a_.Become(changed);
  EXPECT_TRUE(absl::IsFailedPrecondition(a_.datapath().InjectionPointOf(MakePortId(1)).status()));
}

INSTANTIATE_TEST_SUITE_P(Devices, InjectionTraffic,
                         ::testing::Values(GuestKind::kVeth, GuestKind::kTap),
                         [](const auto& info) {
                           return info.param == GuestKind::kVeth ? "Veth" : "Tap";
                         });

}  // namespace
}  // namespace outrider::datapath::ebpf
