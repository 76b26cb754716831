// DSCP and ECN on the wire: a real vxlan device between two hosts. What the outer header says of
// what the guest sends, and what becomes of congestion that the underlay marks.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/datapath/ebpf/traffic_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using tests::Bytes;
using tests::MakePortId;

constexpr char kVtepA[] = "10.99.0.1";
constexpr char kVtepB[] = "10.99.0.2";
constexpr uint8_t kEct1 = 1;
constexpr uint8_t kEct0 = 2;
constexpr uint8_t kCe = 3;
constexpr uint8_t kExpedited = 46;

bool IsVxlan(const Bytes& frame) {
  return frame.size() > 50 && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == 17 &&
         frame[36] == 0x12 && frame[37] == 0xb5;
}

class DscpTest : public ::testing::Test {
 protected:
  DscpTest()
      : one_(MakeGuest(GuestKind::kTap, &a_, "port1")),
        two_(MakeGuest(GuestKind::kTap, &b_, "port2")) {
    tests::CreateVeth({.netns = &a_.netns(), .name = "underlay"},
                      {.netns = &b_.netns(), .name = "underlay"});
    tests::AddAddress(a_.netns(), "underlay", std::string(kVtepA) + "/24");
    tests::AddAddress(b_.netns(), "underlay", std::string(kVtepB) + "/24");
    a_.Start();
    b_.Start();
    Connect({});
    underlay_ = std::make_unique<tests::PacketSocket>(b_.netns(), "underlay");
  }

  void Connect(const state::DscpPolicy& dscp) {
    HostState a = EmptySegment({tests::Ip(kVtepB)});
    AddPort(1, "port1", &a);
    AddRemote(2, kVtepB, &a);
    a.ports[MakePortId(1)].dscp = dscp;
    a_.Become(a);
    HostState b = EmptySegment({tests::Ip(kVtepA)});
    AddPort(2, "port2", &b);
    AddRemote(1, kVtepA, &b);
    b_.Become(b);
  }

  static Bytes V4(uint8_t tos, int from = 1, int to = 2) {
    return tests::PacketBuilder(MacOf(to), MacOf(from))
        .Ipv4({.src = IpOf(from), .dst = IpOf(to), .tos = tos})
        .Udp(1, 2)
        .Payload(50)
        .Build();
  }
  static Bytes V6(uint8_t tos) {
    return tests::PacketBuilder(MacOf(2), MacOf(1))
        .Ipv6({.src = "fd00::1", .dst = "fd00::2", .tos = tos})
        .Udp(1, 2)
        .Payload(50)
        .Build();
  }

  // Sends from guest one; what the outer header says. What guest two gets is in `received_`.
  uint8_t OuterTos(const Bytes& frame) {
    one_->Send(frame);
    const auto outer = underlay_->Receive(IsVxlan);
    if (!outer) throw std::runtime_error("nothing on the underlay");
    received_ = two_->Receive();
    return (*outer)[15];
  }

  // A VXLAN datagram of host A's with this outer TOS, past A's datapath, to host B.
  void SendToB(uint8_t outer_tos, const Bytes& inner) {
    Bytes payload = {0x08, 0, 0, 0, 0, 0, 7, 0};
    payload.insert(payload.end(), inner.begin(), inner.end());
    a_.In([&] {
      const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      const int tos = outer_tos;
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(4789);
      inet_pton(AF_INET, kVtepB, &address.sin_addr);
      const bool sent =
          setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) == 0 &&
          sendto(fd, payload.data(), payload.size(), 0, reinterpret_cast<sockaddr*>(&address),
                 sizeof(address)) == static_cast<ssize_t>(payload.size());
      close(fd);
      if (!sent) throw std::runtime_error("send");
    });
  }

  EbpfHost a_{kVtepA};
  EbpfHost b_{kVtepB};
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
  std::unique_ptr<tests::PacketSocket> underlay_;
  std::optional<Bytes> received_;
};

TEST_F(DscpTest, UniformCopiesTheGuestsCodePoint) {
  for (const uint8_t dscp : {0, 8, 46, 63}) {
    for (const uint8_t ecn : {uint8_t{0}, kEct1, kEct0}) {
      const auto tos = static_cast<uint8_t>(dscp << 2 | ecn);
      EXPECT_EQ(OuterTos(V4(tos)), tos);
      EXPECT_EQ(received_, V4(tos));
      EXPECT_EQ(OuterTos(V6(tos)), tos);
      EXPECT_EQ(received_, V6(tos));
    }
  }
}

TEST_F(DscpTest, PipeHasItsOwnAndTheGuestsStays) {
  Connect({.mark = {}, .outer = 10});
  EXPECT_EQ(OuterTos(V4(kExpedited << 2 | kEct0)), 10 << 2 | kEct0);
  EXPECT_EQ(received_, V4(kExpedited << 2 | kEct0));
  EXPECT_EQ(OuterTos(V6(0)), 10 << 2);
  EXPECT_EQ(received_, V6(0));
}

TEST_F(DscpTest, AMarkIsTheGuestsPacketsAndTheTunnels) {
  Connect({.mark = kExpedited, .outer = {}});
  EXPECT_EQ(OuterTos(V4(8 << 2 | kEct1)), kExpedited << 2 | kEct1);
  EXPECT_EQ(received_, V4(kExpedited << 2 | kEct1));
  EXPECT_EQ(OuterTos(V6(8 << 2 | kEct0)), kExpedited << 2 | kEct0);
  EXPECT_EQ(received_, V6(kExpedited << 2 | kEct0));
  Connect({.mark = kExpedited, .outer = 0});
  EXPECT_EQ(OuterTos(V4(8 << 2)), 0);
  EXPECT_EQ(received_, V4(kExpedited << 2));
}

TEST_F(DscpTest, WhatIsNotIpHasNone) {
  const Bytes arp = tests::PacketBuilder(MacOf(2), MacOf(1))
                        .Arp({.operation = 2,
                              .sender_mac = tests::MakeMac(1),
                              .sender_ip = IpOf(1),
                              .target_ip = IpOf(2)})
                        .Payload(18, 0)
                        .Build();
  EXPECT_EQ(OuterTos(arp), 0);
  EXPECT_EQ(received_, arp);
}

// Congestion the guest's packet has met already. RFC 6040 would say CE outside; the kernel says
// ECT(0), as RFC 3168 does. Either way nothing is lost: it arrives as CE.
TEST_F(DscpTest, CongestionOfBeforeTheTunnelArrives) {
  const uint8_t outer = OuterTos(V4(8 << 2 | kCe));
  EXPECT_EQ(outer & ~kCe, 8 << 2);
  EXPECT_TRUE((outer & kCe) == kCe || (outer & kCe) == kEct0) << int{outer};
  EXPECT_EQ(received_, V4(8 << 2 | kCe));
}

// RFC 6040, 4.2: CE outside becomes CE inside; a packet that cannot carry the news is dropped. The
// outer code point ends with the tunnel.
TEST_F(DscpTest, CongestionInTheUnderlayReachesTheGuest) {
  for (const uint8_t ecn : {kEct0, kEct1, kCe}) {
    SendToB(kExpedited << 2 | kCe, V4(static_cast<uint8_t>(8 << 2 | ecn)));
    EXPECT_EQ(two_->Receive(), V4(8 << 2 | kCe));
  }
  SendToB(kCe, V4(8 << 2));
  SendToB(0, V4(9 << 2));
  EXPECT_EQ(two_->Receive(), V4(9 << 2)) << "the one before could not carry the mark";
}

}  // namespace
}  // namespace outrider::datapath::ebpf
