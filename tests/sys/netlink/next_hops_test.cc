#include "vswitch/sys/netlink/next_hops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/netns_fixture.h"
#include "tests/support/run_ip.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::sys {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

IpAddress Ip(const std::string& text) { return IpAddress::Parse(text).value(); }

// A host with two links, to a router each.
class NextHopsTest : public ::testing::Test {
 protected:
  NextHopsTest() {
    for (const int n : {1, 2}) {
      const std::string device = "up" + std::to_string(n);
      tests::CreateVeth({.netns = &host_, .name = device}, {.netns = &routers_, .name = device});
      const std::string net = "10.0." + std::to_string(n);
      tests::AddAddress(host_, device, net + ".1/24");
      tests::AddAddress(routers_, device, net + ".254/24");
    }
    const tests::NetnsScope scope(host_);
    hops_ = NextHops::Create().value();
    links_ = NetlinkSocket::Create().value();
  }

  void Ip4(const std::string& words) { tests::RunIp(host_, words); }
  std::vector<NextHop> Find(const std::string& to, const std::string& from = "10.0.1.1") {
    return hops_->Find(Ip(to), Ip(from)).value();
  }
  int Index(const std::string& device) { return links_->FindLink(device).value().ifindex; }
  NextHop Hop(const std::string& device, const std::string& neighbor) {
    return {.ifindex = Index(device), .neighbor = Ip(neighbor)};
  }

  tests::NetworkNamespace host_;
  tests::NetworkNamespace routers_;
  std::unique_ptr<NextHops> hops_;
  std::unique_ptr<NetlinkSocket> links_;
};

TEST_F(NextHopsTest, OnTheLinkItIsTheDestination) {
  EXPECT_THAT(Find("10.0.1.9"), ElementsAre(Hop("up1", "10.0.1.9")));
}

TEST_F(NextHopsTest, BehindARouterItIsThat) {
  EXPECT_THAT(Find("192.0.2.1"), IsEmpty());
  Ip4("route add 192.0.2.0/24 via 10.0.2.254");
  EXPECT_THAT(Find("192.0.2.1"), ElementsAre(Hop("up2", "10.0.2.254")));
}

TEST_F(NextHopsTest, AllOfARouteThatSpreadsFlows) {
  Ip4("route add 192.0.2.0/24 nexthop via 10.0.1.254 nexthop via 10.0.2.254");
  EXPECT_THAT(Find("192.0.2.1"),
              UnorderedElementsAre(Hop("up1", "10.0.1.254"), Hop("up2", "10.0.2.254")));
  Ip4("link set up2 down");
  EXPECT_THAT(Find("192.0.2.1"), ElementsAre(Hop("up1", "10.0.1.254")));
}

// Headers that the kernel puts on, and nobody else.
TEST_F(NextHopsTest, ARouteThatEncapsulatesHasNone) {
  const std::string encap = "encap ip id 7 dst 10.0.2.254";
  Ip4("route add 192.0.2.0/24 " + encap + " via 10.0.1.254 dev up1");
  EXPECT_THAT(Find("192.0.2.1"), IsEmpty());
  Ip4("route replace 192.0.2.0/24 nexthop via 10.0.2.254 nexthop " + encap + " via 10.0.1.254");
  EXPECT_THAT(Find("192.0.2.1"), IsEmpty());
  Ip4("route replace 192.0.2.0/24 nexthop via 10.0.2.254 nexthop via 10.0.1.254");
  EXPECT_THAT(Find("192.0.2.1"),
              UnorderedElementsAre(Hop("up1", "10.0.1.254"), Hop("up2", "10.0.2.254")));
}

TEST_F(NextHopsTest, ByTheRulesForTheSource) {
  Ip4("route add 192.0.2.0/24 via 10.0.1.254");
  Ip4("route add 192.0.2.0/24 via 10.0.2.254 table 7");
  Ip4("rule add from 10.0.2.1 table 7");
  EXPECT_THAT(Find("192.0.2.1"), ElementsAre(Hop("up1", "10.0.1.254")));
  EXPECT_THAT(Find("192.0.2.1", "10.0.2.1"), ElementsAre(Hop("up2", "10.0.2.254")));
}

TEST_F(NextHopsTest, WhatGoesNowhereHasNone) {
  Ip4("route add blackhole 192.0.2.0/24");
  EXPECT_THAT(Find("192.0.2.1"), IsEmpty());
  EXPECT_THAT(Find("10.0.1.1"), IsEmpty()) << "this host itself";
}

TEST_F(NextHopsTest, ANeighborIsAskedForAndThenKnown) {
  const NextHop router = Hop("up1", "10.0.1.254");
  const tests::NetnsScope scope(routers_);
  const auto far_links = NetlinkSocket::Create().value();
  std::optional<MacAddress> mac;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!mac && std::chrono::steady_clock::now() < deadline) mac = hops_->Resolve(router).value();
  EXPECT_EQ(mac, far_links->FindLink("up1").value().mac);
  EXPECT_EQ(hops_->Resolve(Hop("up1", "10.0.1.77")).value(), std::nullopt);
}

TEST_F(NextHopsTest, ANeighborThatWasSetIsLeftAlone) {
  Ip4("neigh add 10.0.1.77 lladdr 02:00:00:00:00:77 dev up1 nud permanent");
  EXPECT_EQ(hops_->Resolve(Hop("up1", "10.0.1.77")).value(),
            MacAddress::Parse("02:00:00:00:00:77").value());
  EXPECT_NE(tests::RunIp(host_, "neigh show 10.0.1.77").find("PERMANENT"), std::string::npos);
}

class NextHopWatchTest : public NextHopsTest {
 protected:
  NextHopWatchTest() {
    const tests::NetnsScope scope(host_);
    watch_ = NextHopWatch::Create([this](const NextHopEvent& event) {
               const std::lock_guard lock(mutex_);
               routes_ |= event.kind == NextHopEvent::Kind::kRoutes;
               if (event.kind == NextHopEvent::Kind::kNeighbor) neighbors_.insert(event.hop);
               changed_.notify_all();
             }).value();
  }
  bool RoutesChanged() {
    std::unique_lock lock(mutex_);
    const bool seen = changed_.wait_for(lock, std::chrono::seconds(5), [&] { return routes_; });
    routes_ = false;
    return seen;
  }
  bool Changed(const NextHop& hop) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5),
                             [&] { return neighbors_.contains(hop); });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool routes_ = false;
  std::set<NextHop> neighbors_;
  std::unique_ptr<NextHopWatch> watch_;
};

TEST_F(NextHopWatchTest, TellsOfRoutesRulesAndLinks) {
  Ip4("route add 192.0.2.0/24 via 10.0.1.254");
  EXPECT_TRUE(RoutesChanged());
  Ip4("rule add from 10.0.2.1 table 7");
  EXPECT_TRUE(RoutesChanged());
  Ip4("link set up2 down");
  EXPECT_TRUE(RoutesChanged());
}

TEST_F(NextHopWatchTest, TellsOfNeighbors) {
  Ip4("neigh add 10.0.1.77 lladdr 02:00:00:00:00:77 dev up1 nud permanent");
  EXPECT_TRUE(Changed(Hop("up1", "10.0.1.77")));
}

}  // namespace
}  // namespace outrider::sys
