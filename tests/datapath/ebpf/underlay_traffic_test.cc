// Frames that go over the underlay without the tunnel device, and those that do not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "tests/datapath/ebpf/underlay_fixture.h"
#include "vswitch/sys/netlink/device_counters.h"

namespace outrider::datapath::ebpf {
namespace {

using tests::Bytes;

struct Way {
  uint64_t sent = 0;  // by the tunnel device
  uint64_t received = 0;
};

// By the family of the underlay, and what the guests have.
class UnderlayTraffic : public ::testing::TestWithParam<std::tuple<bool, GuestKind>>,
                        public UnderlayHosts {
 protected:
  UnderlayTraffic() : UnderlayHosts(std::get<0>(GetParam()), std::get<1>(GetParam())) {}

  // What the tunnel device has sent and received.
  static Way WayOf(EbpfHost* host) {
    const auto device = host->In([&] {
      return sys::DeviceCounterReader::Create()
          .value()
          ->Read(host->options().tunnel_device)
          .value();
    });
    return {device.counters.tx_packets, device.counters.rx_packets};
  }
  static uint64_t DetoursOf(EbpfHost* host, const std::string& why) {
    return CountersOf(host).detours.at(why);
  }
};

TEST_P(UnderlayTraffic, UnicastOfAllSizesNeedsNoTunnelDevice) {
  for (size_t payload = 0; payload <= 1450 - 28; payload += 79) {
    one_->Send(UdpFrame(1, 2, 4000, payload));
    ASSERT_EQ(two_->Receive(), UdpFrame(1, 2, 4000, payload)) << payload;
    two_->Send(UdpFrame(2, 1, 4000, payload));
    ASSERT_EQ(one_->Receive(), UdpFrame(2, 1, 4000, payload)) << payload;
  }
  for (EbpfHost* host : {&a_, &b_}) {
    EXPECT_EQ(WayOf(host).sent, 0u);
    EXPECT_EQ(WayOf(host).received, 0u);
  }
}

TEST_P(UnderlayTraffic, WhatIsNoIpGoesByTheTunnelDevice) {
  const Bytes arp = tests::PacketBuilder(MacOf(2), MacOf(1))
                        .Arp({.operation = 1,
                              .sender_mac = tests::MakeMac(1),
                              .sender_ip = IpOf(1),
                              .target_ip = IpOf(2)})
                        .Build();
  one_->Send(arp);
  EXPECT_EQ(two_->Receive(), arp);
  EXPECT_EQ(WayOf(&a_).sent, 1u);
  EXPECT_EQ(DetoursOf(&a_, "not_ip"), 1u);
}

TEST_P(UnderlayTraffic, BroadcastsGoOutWithoutIt) {
  one_->Send(BroadcastFrame(1));
  EXPECT_EQ(two_->Receive(), BroadcastFrame(1));
  EXPECT_EQ(WayOf(&a_).sent, 0u);
  EXPECT_EQ(WayOf(&b_).received, 1u) << "copies are made there";
}

// An agent that is gone hears of no change.
TEST_P(UnderlayTraffic, WithoutAnAgentTheKernelsRoutesAreTaken) {
  a_.WriteUnderlay({.until_ns = 1});
  one_->Send(UdpFrame(1, 2));
  EXPECT_EQ(two_->Receive(), UdpFrame(1, 2));
  EXPECT_EQ(WayOf(&a_).sent, 1u);
  EXPECT_EQ(DetoursOf(&a_, "stale"), 1u);
  a_.In([&] { a_.datapath().RenewUnderlay(); });
  one_->Send(UdpFrame(1, 2));
  EXPECT_EQ(two_->Receive(), UdpFrame(1, 2));
  EXPECT_EQ(WayOf(&a_).sent, 1u);
}

TEST_P(UnderlayTraffic, ANeighborThatIsNotHeardAnyMoreIsNoWay) {
  const std::string neighbor = VtepOf(2) + " dev underlay";
  tests::RunIp(a_.netns(), "neigh del " + neighbor);
  tests::RunIp(b_.netns(), "link set underlay arp off");
  a_.In([&] {
    a_.datapath().RefreshUnderlay(
        sys::NextHop{.ifindex = a_.FindLink("underlay").ifindex, .neighbor = tests::Ip(VtepOf(2))});
  });
  one_->Send(UdpFrame(1, 2));
  EXPECT_GE(DetoursOf(&a_, "no_path"), 1u);
}

INSTANTIATE_TEST_SUITE_P(Underlays, UnderlayTraffic,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Values(GuestKind::kVeth, GuestKind::kTap)),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param) ? "Ipv6" : "Ipv4") +
                                  (std::get<1>(info.param) == GuestKind::kVeth ? "Veth" : "Tap");
                         });

}  // namespace
}  // namespace outrider::datapath::ebpf
