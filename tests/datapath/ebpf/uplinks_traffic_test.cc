// Two hosts with two links between them: what a route that spreads flows, and a link that goes
// down, mean for frames that go past the tunnel device.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>

#include "tests/datapath/ebpf/traffic_fixture.h"
#include "tests/support/run_ip.h"
#include "vswitch/sys/netlink/device_counters.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr int kFlows = 64;

// Guest 1 on host a, guest 2 on host b. VTEPs are on no link.
class UplinksTraffic : public ::testing::Test {
 protected:
  UplinksTraffic()
      : a_("10.98.0.1"),
        b_("10.98.0.2"),
        one_(MakeGuest(GuestKind::kVeth, &a_, "port1")),
        two_(MakeGuest(GuestKind::kVeth, &b_, "port2")) {
    for (const std::string link : {"1", "2"}) {
      tests::CreateVeth({.netns = &a_.netns(), .name = "up" + link},
                        {.netns = &b_.netns(), .name = "up" + link});
    }
    Configure(&a_, "1", "2");
    Configure(&b_, "2", "1");
    for (EbpfHost* host : {&a_, &b_}) host->Start();
    a_.Become(StateOf(1));
    b_.Become(StateOf(2));
    b_.FindWays();
    FindBothLinks();
  }

  // The kernels ask their neighbours.
  void FindBothLinks() {
    a_.FindWays();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    for (auto sent = Spread(); sent[0] == 0 || sent[1] == 0; sent = Spread()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "one of two links is used";
      a_.FindWays();
    }
  }

  static void Configure(EbpfHost* host, const std::string& own, const std::string& other) {
    host->options().underlay_mtu = 1500;
    tests::AddAddress(host->netns(), "lo", "10.98.0." + own + "/32");
    for (const std::string link : {"1", "2"}) {
      tests::AddAddress(host->netns(), "up" + link, "10.99." + link + "." + own + "/24");
    }
    tests::RunIp(host->netns(), "route add 10.98.0." + other + " src 10.98.0." + own +
                                    " nexthop via 10.99.1." + other + " nexthop via 10.99.2." +
                                    other);
  }

  static state::HostState StateOf(int n) {
    const std::string other = "10.98.0." + std::to_string(3 - n);
    state::HostState state = EmptySegment({tests::Ip(other)});
    AddPort(n, "port" + std::to_string(n), &state);
    AddRemote(3 - n, other, &state);
    return state;
  }

  static uint64_t Sent(EbpfHost* host, const std::string& device) {
    return host->In([&] {
      return sys::DeviceCounterReader::Create().value()->Read(device).value().counters.tx_packets;
    });
  }
  // Sends a frame of each flow, all of which arrive; how many host a has sent by up1 and by up2.
  std::array<uint64_t, 2> Spread() {
    std::array<uint64_t, 2> sent = {Sent(&a_, "up1"), Sent(&a_, "up2")};
    for (int flow = 0; flow < kFlows; ++flow) {
      const tests::Bytes frame = UdpFrame(1, 2, static_cast<uint16_t>(4000 + flow), 100);
      one_->Send(frame);
      EXPECT_EQ(two_->Receive(), frame) << flow;
    }
    sent = {Sent(&a_, "up1") - sent[0], Sent(&a_, "up2") - sent[1]};
    EXPECT_EQ(Sent(&a_, a_.options().tunnel_device), 0u);
    return sent;
  }

  EbpfHost a_;
  EbpfHost b_;
  std::unique_ptr<Guest> one_;
  std::unique_ptr<Guest> two_;
};

TEST_F(UplinksTraffic, FlowsAreSpreadAndEachKeepsItsLink) {
  const auto first = Spread();
  EXPECT_GE(first[0], kFlows / 4u);
  EXPECT_GE(first[1], kFlows / 4u);
  // Beside what neighbours say to each other.
  const auto again = Spread();
  EXPECT_NEAR(static_cast<double>(again[0]), static_cast<double>(first[0]), 4);
  EXPECT_NEAR(static_cast<double>(again[1]), static_cast<double>(first[1]), 4);
}

TEST_F(UplinksTraffic, WhatALinkCarriedGoesByTheOtherWhenItIsDown) {
  tests::RunIp(a_.netns(), "link set up1 down");
  // As the agent does when the kernel tells it of the link.
  for (EbpfHost* host : {&a_, &b_}) {
    host->In([&] { host->datapath().RefreshUnderlay(std::nullopt); });
  }
  const auto sent = Spread();
  EXPECT_EQ(sent[0], 0u);
  EXPECT_GE(sent[1], static_cast<uint64_t>(kFlows));
  tests::RunIp(a_.netns(), "link set up1 up");
  tests::RunIp(a_.netns(),
               "route replace 10.98.0.2 src 10.98.0.1 nexthop via 10.99.1.2 "
               "nexthop via 10.99.2.2");
  FindBothLinks();
  const auto back = Spread();
  EXPECT_GE(back[0], kFlows / 4u);
  EXPECT_GE(back[1], kFlows / 4u);
}

}  // namespace
}  // namespace outrider::datapath::ebpf
