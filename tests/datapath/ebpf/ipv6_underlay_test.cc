// Hosts whose underlay is IPv6, or both families: two network namespaces with a datapath each, one
// underlay link between them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using tests::Bytes;

constexpr char kVtepA[] = "fd99::1";
constexpr char kVtepB[] = "fd99::2";
// Also an address of host B's; no datapath listens there.
constexpr char kStranger[] = "fd99::4";
constexpr char kVtepA4[] = "10.99.0.1";
constexpr char kVtepC4[] = "10.99.0.3";
// 1500 bytes of underlay, less 70.
constexpr uint32_t kMtuOverIpv6 = 1430;

int OuterFamily(const Bytes& frame) {
  const bool v4 = frame.size() > 50 && frame[12] == 0x08 && frame[13] == 0x00 &&
                  frame[23] == IPPROTO_UDP && frame[36] == 0x12 && frame[37] == 0xb5;
  const bool v6 = frame.size() > 70 && frame[12] == 0x86 && frame[13] == 0xdd &&
                  frame[20] == IPPROTO_UDP && frame[56] == 0x12 && frame[57] == 0xb5;
  return v4 ? AF_INET : v6 ? AF_INET6 : AF_UNSPEC;
}

bool IsVxlan(const Bytes& frame) { return OuterFamily(frame) != AF_UNSPEC; }

class Ipv6Underlay : public ::testing::TestWithParam<GuestKind> {
 protected:
  Ipv6Underlay()
      : one_(MakeGuest(GetParam(), &a_, "port1")), two_(MakeGuest(GetParam(), &b_, "port2")) {
    tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                      {.netns = &b_.netns(), .name = "underlay"});
    tests::AllowIpv6(a_.netns(), "underlay");
    tests::AllowIpv6(b_.netns(), "underlay");
    tests::AddAddress(a_.netns(), "underlay", std::string(kVtepA) + "/64");
    tests::AddAddress(a_.netns(), "underlay", std::string(kVtepA4) + "/24");
    tests::AddAddress(b_.netns(), "underlay", std::string(kVtepB) + "/64");
    tests::AddAddress(b_.netns(), "underlay", std::string(kStranger) + "/64");
    tests::AddAddress(b_.netns(), "underlay", std::string(kVtepC4) + "/24");
    a_.Start();
    b_.Start();
  }

  static HostState Segment(const std::set<IpAddress>& vteps) {
    HostState state = EmptySegment(vteps);
    state.segments[kSegment].mtu = kMtuOverIpv6;
    return state;
  }

  void BecomeConnected() {
    HostState a = Segment({tests::Ip(kVtepB)});
    AddPort(1, "port1", &a);
    AddRemote(2, kVtepB, &a);
    a_.Become(a);
    HostState b = Segment({tests::Ip(kVtepA)});
    AddPort(2, "port2", &b);
    AddRemote(1, kVtepA, &b);
    b_.Become(b);
  }

  // A VXLAN datagram from an address of host B to host A, past B's datapath.
  void SendForged(const std::string& source, const Bytes& inner) {
    Bytes payload = {0x08, 0, 0, 0, 0, 0, static_cast<uint8_t>(kSegment.value()), 0};
    payload.insert(payload.end(), inner.begin(), inner.end());
    b_.In([&] {
      const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      inet_pton(AF_INET6, source.c_str(), &address.sin6_addr);
      if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
        throw std::runtime_error("bind " + source);
      }
      inet_pton(AF_INET6, kVtepA, &address.sin6_addr);
      address.sin6_port = htons(4789);
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

TEST_P(Ipv6Underlay, ReachesTheOtherHostUnchanged) {
  BecomeConnected();
  one_->Send(UdpFrame(1, 2));
  EXPECT_EQ(two_->Receive(), UdpFrame(1, 2));
  two_->Send(UdpFrame(2, 1));
  EXPECT_EQ(one_->Receive(), UdpFrame(2, 1));
  // The largest packet of the segment.
  const Bytes largest = UdpFrame(1, 2, 4000, kMtuOverIpv6 - 28);
  one_->Send(largest);
  EXPECT_EQ(two_->Receive(), largest);
  one_->Send(BroadcastFrame(1));
  EXPECT_EQ(two_->Receive(), BroadcastFrame(1));
}

TEST_P(Ipv6Underlay, OfStrangersIsRefused) {
  BecomeConnected();
  SendForged(kStranger, UdpFrame(2, 1));
  const Bytes heard = UdpFrame(2, 1, 4711);
  SendForged(kVtepB, heard);
  EXPECT_EQ(one_->Receive(), heard);
  EXPECT_EQ(a_.HostDrops("not_a_member"), 1u);
}

// A host with both families reaches others of either, within one broadcast.
TEST_P(Ipv6Underlay, AHostWithBothReachesHostsOfEither) {
  a_.Stop();
  a_.options().vteps = VtepPair::Parse({kVtepA4, kVtepA}).value();
  a_.Start();
  HostState a = Segment({tests::Ip(kVtepB), tests::Ip(kVtepC4)});
  AddPort(1, "port1", &a);
  AddRemote(3, kVtepC4, &a);
  AddRemote(2, kVtepB, &a);
  a_.Become(a);
  tests::PacketSocket underlay(b_.netns(), "underlay");
  const auto next_family = [&underlay] {
    const auto frame = underlay.Receive(IsVxlan);
    return frame ? OuterFamily(*frame) : AF_UNSPEC;
  };
  one_->Send(UdpFrame(1, 2));
  EXPECT_EQ(next_family(), AF_INET6);
  one_->Send(UdpFrame(1, 3));
  EXPECT_EQ(next_family(), AF_INET);
  one_->Send(BroadcastFrame(1));
  EXPECT_THAT((std::vector<int>{next_family(), next_family()}),
              ::testing::UnorderedElementsAre(AF_INET, AF_INET6));
}

// Outer headers are from the VTEP's address, whichever the kernel would choose. UDP has a checksum
// over IPv6, which no other header has (RFC 8200, 8.1), and none over IPv4 (RFC 7348, 5).
TEST_P(Ipv6Underlay, OuterHeadersAreOfTheVtep) {
  a_.Stop();
  tests::AddAddress(a_.netns(), "underlay", "10.98.0.1/24");
  tests::AddAddress(a_.netns(), "underlay", "10.98.0.2/24");
  tests::AddAddress(b_.netns(), "underlay", "10.98.0.3/24");
  a_.options().vteps = VtepPair::Parse({"10.98.0.2", kVtepA}).value();
  a_.Start();
  HostState a = Segment({tests::Ip(kVtepB), tests::Ip("10.98.0.3")});
  AddPort(1, "port1", &a);
  AddRemote(3, "10.98.0.3", &a);
  AddRemote(2, kVtepB, &a);
  a_.Become(a);
  tests::PacketSocket underlay(b_.netns(), "underlay");
  one_->Send(UdpFrame(1, 3));
  const auto v4 = underlay.Receive(IsVxlan);
  ASSERT_TRUE(v4.has_value());
  EXPECT_EQ(Bytes(v4->begin() + 26, v4->begin() + 30), (Bytes{10, 98, 0, 2}));
  EXPECT_EQ(Bytes(v4->begin() + 40, v4->begin() + 42), (Bytes{0, 0}));
  one_->Send(UdpFrame(1, 2));
  const auto v6 = underlay.Receive(IsVxlan);
  ASSERT_TRUE(v6.has_value());
  const auto source = tests::Ip(kVtepA).bytes();
  EXPECT_EQ(Bytes(v6->begin() + 22, v6->begin() + 38), Bytes(source.begin(), source.end()));
  EXPECT_EQ(Bytes(v6->begin() + 60, v6->begin() + 62), (Bytes{0, 0}));
  a_.options().checksum_v6 = true;
  a_.Start();
  a_.Become(a);
  one_->Send(UdpFrame(1, 2));
  const auto summed = underlay.Receive(IsVxlan);
  ASSERT_TRUE(summed.has_value());
  EXPECT_NE(Bytes(summed->begin() + 60, summed->begin() + 62), (Bytes{0, 0}));
}

// Without an address of the family there is no way: said so, and counted at the sender.
TEST_P(Ipv6Underlay, AnEndPointOfTheOtherFamilyIsOutOfReach) {
  HostState a = Segment({tests::Ip(kVtepB)});
  AddPort(1, "port1", &a);
  AddRemote(3, kVtepC4, &a);
  a_.Become(a);
  one_->Send(UdpFrame(1, 3));
  EXPECT_EQ(a_.AwaitPortDrops(tests::MakePortId(1), "encap_failed", 1), 1u);
}

TEST_P(Ipv6Underlay, TakesTwentyBytesMore) {
  HostState a = EmptySegment();
  AddPort(1, "port1", &a);
  const ApplyResult result = a_.Apply(state::ComputeDelta(a_.Read(), a));
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_THAT(Message(result.failures[0].status),
              ::testing::HasSubstr("mtu 1450 needs an underlay of 1520 bytes, this host has 1500"));
}

INSTANTIATE_TEST_SUITE_P(Devices, Ipv6Underlay,
                         ::testing::Values(GuestKind::kVeth, GuestKind::kTap),
                         [](const auto& info) {
                           return info.param == GuestKind::kVeth ? "Veth" : "Tap";
                         });

}  // namespace
}  // namespace outrider::datapath::ebpf
