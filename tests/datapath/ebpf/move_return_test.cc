// A guest that comes back to its former host at once: that has not heard in between that the first
// move is over, because its agent was late or dead. What the port counted and remembers goes there
// and back, and nothing of before is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datapath/ebpf/move_fixture.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using state::PortPhase;
using ::testing::IsEmpty;

class MoveReturn : public ::testing::TestWithParam<bool> {
 protected:
  MoveReturn() { hosts_.Arm(); }

  PortCounters TotalAt(EbpfHost* host) { return hosts_.CountersOf(host); }
  // What the source's agent sends and the destination's takes, as often as they like.
  void SendCounters(EbpfHost* from, EbpfHost* to) {
    for (int times = 0; times < 2; ++times) {
      ASSERT_EQ(to->datapath().SetCounterBase(kMoving, TotalAt(from)), absl::OkStatus());
    }
  }
  void RestartIfAsked(EbpfHost* host) {
    if (GetParam()) host->Start();
  }
  static HostState Departed(HostState state) {
    state.ports[kMoving].phase = PortPhase::kDeparted;
    return state;
  }
  // The guest sends `count` frames from `card`, and gets as many; guest `peer` is on the same host.
  void Talk(Guest* card, Guest* neighbor, int peer, uint32_t count) {
    for (uint32_t n = 0; n < count; ++n) {
      card->Send(UdpFrame(1, peer));
      EXPECT_EQ(neighbor->Receive(), UdpFrame(1, peer));
      neighbor->Send(NumberedFrame(peer, n));
      EXPECT_EQ(NumberOf(card->Receive().value_or(tests::Bytes())), n);
    }
  }
  // The destination has the guest, and sends it back: the second migration as it is armed.
  HostState SecondSource() const {
    HostState state = hosts_.DestinationState();
    state::Port& port = state.ports[kMoving];
    port.phase = PortPhase::kActive;
    port.arrival.reset();
    port.migration_id.clear();
    state.fdb[{kSegment, tests::MakeMac(1)}] = {kMoving, Epoch{2}};
    state.departures[kMoving] = {
        .migration_id = "m-2", .vtep = hosts_.vtep_a(), .epoch = Epoch{3}, .label = 78};
    return state;
  }
  HostState SecondDestination() const {
    HostState state = hosts_.SourceState();
    state.departures.clear();
    state::Port& port = state.ports[kMoving];
    port.phase = PortPhase::kArmed;
    port.epoch = Epoch{3};
    port.migration_id = "m-2";
    port.arrival = state::Arrival{.vtep = hosts_.vtep_b(), .label = 78};
    state.fdb[{kSegment, tests::MakeMac(1)}] = {hosts_.vtep_b(), Epoch{2}};
    return state;
  }

  MoveHosts hosts_;
};

TEST_P(MoveReturn, ThereAndBackCountsOnce) {
  Talk(&hosts_.old_guest(), &hosts_.neighbor_of_old(), 2, 5);
  SendCounters(&hosts_.a(), &hosts_.b());
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  hosts_.a().Become(Departed(hosts_.SourceState()));
  SendCounters(&hosts_.a(), &hosts_.b());
  hosts_.b().Become(SecondSource());
  RestartIfAsked(&hosts_.b());
  Talk(&hosts_.new_guest(), &hosts_.neighbor_of_new(), 3, 7);
  EXPECT_EQ(TotalAt(&hosts_.b()).rx_packets, 12u);
  EXPECT_EQ(TotalAt(&hosts_.b()).tx_packets, 12u);

  // Straight from DEPARTED.
  RestartIfAsked(&hosts_.a());
  hosts_.a().Become(SecondDestination());
  EXPECT_EQ(TotalAt(&hosts_.a()).rx_packets, 0u) << "until it is told";
  SendCounters(&hosts_.b(), &hosts_.a());
  EXPECT_EQ(TotalAt(&hosts_.a()).rx_packets, 12u);
  EXPECT_EQ(TotalAt(&hosts_.a()).tx_packets, 12u);
  HostState back = SecondDestination();
  back.ports[kMoving].phase = PortPhase::kActive;
  back.fdb[{kSegment, tests::MakeMac(1)}] = {kMoving, Epoch{3}};
  hosts_.a().Become(back);
  RestartIfAsked(&hosts_.a());
  Talk(&hosts_.old_guest(), &hosts_.neighbor_of_old(), 2, 3);
  SendCounters(&hosts_.b(), &hosts_.a());
  EXPECT_EQ(TotalAt(&hosts_.a()).rx_packets, 15u);
  EXPECT_EQ(TotalAt(&hosts_.a()).tx_packets, 15u);
  EXPECT_THAT(TotalAt(&hosts_.a()).drops, IsEmpty());
}

// What was sent after the guest has reached it: its former host does not give it out again.
TEST_P(MoveReturn, WhatFollowedTheGuestStaysWithIt) {
  ASSERT_EQ(hosts_.Redirect(std::nullopt), absl::OkStatus());
  for (uint32_t n = 0; n < 3; ++n) hosts_.neighbor_of_old().Send(NumberedFrame(2, n));
  for (uint32_t n = 0; n < 3; ++n) {
    EXPECT_EQ(NumberOf(hosts_.new_guest().Receive().value_or(tests::Bytes())), n);
  }
  hosts_.a().Become(Departed(hosts_.SourceState()));
  hosts_.b().Become(SecondSource());
  RestartIfAsked(&hosts_.a());
  hosts_.a().Become(SecondDestination());
  EXPECT_THAT(hosts_.old_guest().Drain(), IsEmpty());
  EXPECT_EQ(hosts_.CountsOfA().redirected, 0u) << "the second move's own";
  // And it goes on as any arrival.
  ASSERT_EQ(hosts_.b().In([&] {
    return hosts_.b().datapath().Redirect(kMoving, std::nullopt, MovePath::kNoPause);
  }),
            absl::OkStatus());
  hosts_.neighbor_of_new().Send(NumberedFrame(3, 9));
  ASSERT_TRUE(hosts_.old_guest().Receive()) << "what goes before it";
  EXPECT_EQ(NumberOf(hosts_.old_guest().Receive().value_or(tests::Bytes())), 9u);
}

// Those of its first stay would stand in the way of what has begun elsewhere.
TEST_P(MoveReturn, ConnectionsOfBeforeAreForgotten) {
  HostState here = hosts_.SourceState();
  state::AclRule all{};
  all.action = state::AclAction::kAllowRelated;
  all.number = 1;
  here.rule_sets[tests::MakeDigest(1)] = {.rules = {all},
                                          .default_action = state::AclAction::kDrop};
  here.ports[kMoving].ingress_rule_set = tests::MakeDigest(1);
  here.ports[kMoving].max_connections = 100;
  hosts_.a().Become(here);
  Talk(&hosts_.old_guest(), &hosts_.neighbor_of_old(), 2, 1);
  EXPECT_EQ(TotalAt(&hosts_.a()).connections, 1u);
  hosts_.a().Become(Departed(here));
  RestartIfAsked(&hosts_.a());
  HostState back = SecondDestination();
  back.rule_sets = here.rule_sets;
  back.ports[kMoving].ingress_rule_set = tests::MakeDigest(1);
  back.ports[kMoving].max_connections = 100;
  hosts_.a().Become(back);
  EXPECT_EQ(TotalAt(&hosts_.a()).connections, 0u);
  EXPECT_FALSE(hosts_.a().datapath().ExportConnections(kMoving).ok()) << "they have not ended";
  EXPECT_THAT(TotalAt(&hosts_.a()).rules, IsEmpty());
}

// The same migration, written again, is no new one.
TEST_P(MoveReturn, WhatHasComeAlreadyStays) {
  ASSERT_EQ(hosts_.b().datapath().SetCounterBase(kMoving,
                                                 [] {
                                                   PortCounters base;
                                                   base.rx_packets = 7;
                                                   return base;
                                                 }()),
            absl::OkStatus());
  RestartIfAsked(&hosts_.b());
  HostState again = hosts_.DestinationState();
  again.ports[kMoving].profile_revision = 2;
  hosts_.b().Become(again);
  EXPECT_EQ(TotalAt(&hosts_.b()).rx_packets, 7u);
  hosts_.b().RemoveDevice("port1");
  again.ports[kMoving].device.reset();
  hosts_.b().Become(again);
  EXPECT_EQ(TotalAt(&hosts_.b()).rx_packets, 7u);
}

INSTANTIATE_TEST_SUITE_P(Agents, MoveReturn, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Restarted" : "Living"; });

}  // namespace
}  // namespace outrider::datapath::ebpf
