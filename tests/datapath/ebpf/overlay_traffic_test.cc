// Frames between hosts: two network namespaces with a datapath each, one underlay link between
// them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using tests::Bytes;

constexpr char kVtepA[] = "10.99.0.1";
constexpr char kVtepB[] = "10.99.0.2";
// Also addresses of host B's, so that its kernel resolves them; no datapath listens there.
constexpr char kVtepC[] = "10.99.0.3";
constexpr char kStranger[] = "10.99.0.4";

bool IsVxlan(const Bytes& frame) {
  return frame.size() > 50 && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 17 &&
         frame[36] == 0x12 && frame[37] == 0xb5;
}

// Outer destination, as a number of 10.99.0.0/24.
int OuterDestination(const Bytes& frame) { return frame[33]; }

// RFC 7348, section 5.
Bytes VxlanPayload(uint32_t vni, const Bytes& inner) {
  Bytes payload = {0x08,
                   0,
                   0,
                   0,
                   static_cast<uint8_t>(vni >> 16),
                   static_cast<uint8_t>(vni >> 8),
                   static_cast<uint8_t>(vni),
                   0};
  payload.insert(payload.end(), inner.begin(), inner.end());
  return payload;
}

class OverlayTraffic : public ::testing::TestWithParam<GuestKind> {
 protected:
  OverlayTraffic()
      : one_(MakeGuest(GetParam(), &a_, "port1")), two_(MakeGuest(GetParam(), &b_, "port2")) {
    tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                      {.netns = &b_.netns(), .name = "underlay"});
    tests::AddAddress(a_.netns(), "underlay", std::string(kVtepA) + "/24");
    for (const char* address : {kVtepB, kVtepC, kStranger}) {
      tests::AddAddress(b_.netns(), "underlay", std::string(address) + "/24");
    }
    a_.Start();
    b_.Start();
  }

  void BecomeConnected() {
    HostState a = EmptySegment({tests::Ip(kVtepB)});
    AddPort(1, "port1", &a);
    AddRemote(2, kVtepB, &a);
    a_.Become(a);
    HostState b = EmptySegment({tests::Ip(kVtepA)});
    AddPort(2, "port2", &b);
    AddRemote(1, kVtepA, &b);
    b_.Become(b);
  }

  // A VXLAN datagram from an address of host B to host A, past B's datapath.
  void SendForged(const std::string& source, uint32_t vni, const Bytes& inner) {
    const Bytes payload = VxlanPayload(vni, inner);
    b_.In([&] {
      const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      inet_pton(AF_INET, source.c_str(), &address.sin_addr);
      if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        throw std::runtime_error("bind " + source);
      }
      inet_pton(AF_INET, kVtepA, &address.sin_addr);
      address.sin_port = htons(4789);
      const ssize_t sent = sendto(fd, payload.data(), payload.size(), 0,
                                  reinterpret_cast<sockaddr*>(&address), sizeof(address));
      close(fd);
      if (sent != static_cast<ssize_t>(payload.size())) throw std::runtime_error("sendto");
    });
  }

  EbpfHost a_{kVtepA};
  EbpfHost b_{kVtepB};
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
};

// The list of the destination's port is asked on its host; the sender is told all the same.
TEST_P(OverlayTraffic, ARejectedFrameIsAnsweredThroughTheTunnel) {
  BecomeConnected();
  HostState b = b_.Read();
  const Digest reject = tests::MakeDigest(1);
  b.rule_sets[reject].default_action = state::AclAction::kReject;
  b.ports.at(tests::MakePortId(2)).egress_rule_set = reject;
  b_.Become(b);
  one_->Send(UdpFrame(1, 2));
  const std::optional<Bytes> answer = one_->Receive();
  ASSERT_TRUE(answer.has_value());
  ASSERT_GT(answer->size(), 42u);
  EXPECT_EQ((*answer)[5], 1) << "to the sender's MAC";
  EXPECT_EQ((*answer)[11], 2) << "in the name of the destination";
  EXPECT_EQ((*answer)[23], 1) << "ICMP";
  EXPECT_EQ((*answer)[34], 3);
  EXPECT_EQ((*answer)[35], 13);
  EXPECT_EQ(b_.PortDrops(tests::MakePortId(2), "acl_reject_egress"), 1u);
  const auto rules = b_.datapath().ReadPorts().value().at(tests::MakePortId(2)).rules;
  EXPECT_EQ(rules.at({Direction::kEgress, 0}).packets, 1u);
}

TEST_P(OverlayTraffic, ReachesTheOtherHostUnchanged) {
  BecomeConnected();
  one_->Send(UdpFrame(1, 2));
  EXPECT_EQ(two_->Receive(), UdpFrame(1, 2));
  two_->Send(UdpFrame(2, 1));
  EXPECT_EQ(one_->Receive(), UdpFrame(2, 1));
  // The largest packet of the segment: 1450 bytes of layer 3.
  const Bytes largest = UdpFrame(1, 2, 4000, 1450 - 28);
  one_->Send(largest);
  EXPECT_EQ(two_->Receive(), largest);
  one_->Send(BroadcastFrame(1));
  EXPECT_EQ(two_->Receive(), BroadcastFrame(1));
  EXPECT_THAT(one_->Drain(), IsEmpty());
}

TEST_P(OverlayTraffic, BroadcastsGoToMembersOnly) {
  HostState a = EmptySegment({tests::Ip(kVtepB), tests::Ip(kVtepC)});
  AddPort(1, "port1", &a);
  a_.Become(a);
  tests::PacketSocket underlay(b_.netns(), "underlay");
  const auto next_copy = [&underlay] {
    const auto frame = underlay.Receive(IsVxlan);
    return frame ? OuterDestination(*frame) : 0;
  };
  one_->Send(BroadcastFrame(1));
  EXPECT_THAT((std::vector<int>{next_copy(), next_copy()}), UnorderedElementsAre(2, 3));

  // One member left: the next copy after its own is that of the next frame.
  a.segments[kSegment].vteps = {tests::Ip(kVtepC)};
  a_.Become(a);
  one_->Send(BroadcastFrame(1));
  one_->Send(BroadcastFrame(1));
  EXPECT_EQ(next_copy(), 3);
  EXPECT_EQ(next_copy(), 3);
  EXPECT_THAT(underlay.Drain(), ::testing::Not(::testing::Contains(::testing::Truly(IsVxlan))));
}

TEST_P(OverlayTraffic, OfStrangersAndUnknownSegmentsIsRefused) {
  BecomeConnected();
  const Bytes inner = UdpFrame(2, 1);
  SendForged(kStranger, kSegment.value(), inner);
  SendForged(kVtepB, 8, inner);
  // The last one, from a member and in a segment of ours, is heard, and nothing else.
  const Bytes heard = UdpFrame(2, 1, 4711);
  SendForged(kVtepB, kSegment.value(), heard);
  EXPECT_EQ(one_->Receive(), heard);
  EXPECT_EQ(a_.HostDrops("not_a_member"), 2u);
}

TEST_P(OverlayTraffic, NeverGoesFromTunnelToTunnel) {
  HostState a = EmptySegment({tests::Ip(kVtepB), tests::Ip(kVtepC)});
  AddPort(1, "port1", &a);
  AddRemote(3, kVtepC, &a);
  a_.Become(a);
  SendForged(kVtepB, kSegment.value(), UdpFrame(2, 3));

  // A broadcast reaches the local port and no VTEP; what was sent before it has been dealt with.
  tests::PacketSocket underlay(b_.netns(), "underlay");
  SendForged(kVtepB, kSegment.value(), BroadcastFrame(2));
  EXPECT_EQ(one_->Receive(), BroadcastFrame(2));
  EXPECT_EQ(a_.HostDrops("split_horizon"), 1u);
  EXPECT_THAT(underlay.Drain(), ::testing::Not(::testing::Contains(::testing::Truly(IsVxlan))));
}

TEST_P(OverlayTraffic, FollowsAGuestThatMoved) {
  BecomeConnected();
  const auto moved = MakeGuest(GetParam(), &b_, "port1");
  // Host B opens the port, host A lets go of it: the states of two generations.
  HostState b = b_.Read();
  AddPort(1, "port1", &b);
  b.ports[tests::MakePortId(1)].epoch = Epoch{2};
  b.fdb.at({kSegment, tests::MakeMac(1)}).epoch = Epoch{2};
  b_.Become(b);
  HostState a = a_.Read();
  a.ports.clear();
  a.fdb.clear();
  AddRemote(1, kVtepB, &a);
  a_.Become(a);

  two_->Send(UdpFrame(2, 1));
  EXPECT_EQ(moved->Receive(), UdpFrame(2, 1));
  EXPECT_THAT(one_->Drain(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Devices, OverlayTraffic,
                         ::testing::Values(GuestKind::kVeth, GuestKind::kTap),
                         [](const auto& info) {
                           return info.param == GuestKind::kVeth ? "Veth" : "Tap";
                         });

}  // namespace
}  // namespace outrider::datapath::ebpf
