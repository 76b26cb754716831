// Broadcasts for a guest that moves: senders give a copy to both of its hosts, and it gets one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datapath/ebpf/move_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using state::PortPhase;
using ::testing::IsEmpty;
using tests::Bytes;

// From a guest that stays: 2 at the source, 3 at the destination.
class MoveCopies : public ::testing::TestWithParam<int> {
 protected:
  MoveCopies() { hosts_.Arm(); }

  Guest& sender() { return GetParam() == 2 ? hosts_.neighbor_of_old() : hosts_.neighbor_of_new(); }
  // Of this case's sender; each another one.
  static Bytes Broadcast(uint8_t number) {
    return tests::PacketBuilder(tests::kBroadcast, MacOf(GetParam()))
        .Ipv4({.src = IpOf(GetParam()), .dst = "255.255.255.255"})
        .Udp(1234, 4000)
        .Payload(Bytes(64, number))
        .Build();
  }
  // Who has 10.0.0.9? The same each time.
  static Bytes ArpRequest() {
    return tests::PacketBuilder(tests::kBroadcast, MacOf(GetParam()))
        .Arp({.sender_mac = tests::MakeMac(static_cast<uint8_t>(GetParam())),
              .sender_ip = IpOf(GetParam()),
              .target_ip = "10.0.0.9"})
        .Build();
  }
  // The guest at the destination has got `frames`, each once and nothing else, once what follows
  // them has come.
  void ExpectNew(const std::vector<Bytes>& frames) {
    for (const Bytes& frame : frames) EXPECT_EQ(hosts_.new_guest().Receive(), frame);
    // What is on its way to a port is behind this on the same underlay.
    SettleUnderlay();
    EXPECT_THAT(hosts_.new_guest().Drain(), IsEmpty());
  }
  // Both ways are empty: a frame from each end to the other guest has come.
  void SettleUnderlay() {
    for (int round = 0; round < 2; ++round) {
      hosts_.neighbor_of_old().Send(UdpFrame(2, 3));
      while (hosts_.neighbor_of_new().Receive().value_or(UdpFrame(2, 3)) != UdpFrame(2, 3)) {
      }
      hosts_.neighbor_of_new().Send(UdpFrame(3, 2));
      while (hosts_.neighbor_of_old().Receive().value_or(UdpFrame(3, 2)) != UdpFrame(3, 2)) {
      }
    }
  }
  // The destination has refused so many copies, as its port waits.
  void AwaitRefused(uint64_t count) {
    EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "port_armed", count), count);
  }
  void OpenByGuest() {
    hosts_.new_guest().Send(UdpFrame(1, 3));
    while (hosts_.neighbor_of_new().Receive().value_or(UdpFrame(1, 3)) != UdpFrame(1, 3)) {
    }
  }

  MoveHosts hosts_;
};

TEST_P(MoveCopies, BeforeThePauseTheSourceHasThem) {
  sender().Send(Broadcast(1));
  EXPECT_EQ(hosts_.old_guest().Receive(), Broadcast(1));
  AwaitRefused(1);
  ExpectNew({});
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
}

TEST_P(MoveCopies, FromThePauseOnTheyFollowTheGuest) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  sender().Send(Broadcast(1));
  sender().Send(ArpRequest());
  AwaitRefused(2);
  ExpectNew({Broadcast(1), ArpRequest()});
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
}

TEST_P(MoveCopies, AnOpenPortHasItsOwn) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  OpenByGuest();
  sender().Send(Broadcast(1));
  sender().Send(ArpRequest());
  EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "move_copy", 2), 2u);
  ExpectNew({Broadcast(1), ArpRequest()});
}

// Its own copy came before the port was open, and the source's after that.
TEST_P(MoveCopies, NoneIsLostBetweenTheTwo) {
  hosts_.BeginRedirect(0);
  sender().Send(Broadcast(1));
  sender().Send(ArpRequest());
  AwaitRefused(2);
  OpenByGuest();
  sender().Send(Broadcast(2));
  EXPECT_EQ(hosts_.new_guest().Receive(), Broadcast(2));
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "move_copy", 1), 1u) << "the second one";
  ExpectNew({Broadcast(1), ArpRequest()});
  EXPECT_EQ(hosts_.b().PortDrops(kMoving, "move_copy"), 1u);
}

// The host that asks again for an address is heard once more rather than never.
TEST_P(MoveCopies, WhatIsSaidAgainAtThatMomentComesAtLeastOnce) {
  hosts_.BeginRedirect(0);
  sender().Send(ArpRequest());
  AwaitRefused(1);
  OpenByGuest();
  sender().Send(ArpRequest());
  EXPECT_EQ(hosts_.new_guest().Receive(), ArpRequest());
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  ExpectNew({ArpRequest(), ArpRequest()});
}

// The controller's word at both hosts; the others' lists of copies have both hosts still.
TEST_P(MoveCopies, AfterTheSwitchoverToo) {
  HostState here = hosts_.SourceState();
  here.ports[kMoving].phase = PortPhase::kDeparted;
  hosts_.a().Become(here);
  HostState there = hosts_.DestinationState();
  there.ports[kMoving].phase = PortPhase::kActive;
  there.fdb[{kSegment, tests::MakeMac(1)}] = {kMoving, Epoch{2}};
  hosts_.b().Become(there);
  sender().Send(Broadcast(1));
  EXPECT_EQ(hosts_.b().AwaitPortDrops(kMoving, "move_copy", 1), 1u);
  ExpectNew({Broadcast(1)});
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());

  // And after the end, at the source first: it knows of no departure any more.
  here = hosts_.SourceState();
  here.departures.clear();
  here.ports.erase(kMoving);
  here.fdb[{kSegment, tests::MakeMac(1)}] = {hosts_.vtep_b(), Epoch{2}};
  hosts_.a().Become(here);
  sender().Send(Broadcast(2));
  ExpectNew({Broadcast(2)});
  there.ports[kMoving].arrival.reset();
  there.ports[kMoving].migration_id.clear();
  hosts_.b().Become(there);
  sender().Send(Broadcast(3));
  ExpectNew({Broadcast(3)});
}

INSTANTIATE_TEST_SUITE_P(Senders, MoveCopies, ::testing::Values(2, 3), [](const auto& info) {
  return info.param == 2 ? "AtTheSource" : "AtTheDestination";
});

}  // namespace
}  // namespace outrider::datapath::ebpf
