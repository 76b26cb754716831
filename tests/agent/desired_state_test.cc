#include "vswitch/agent/desired_state.h"

#include <gtest/gtest.h>

#include "tests/agent/sample_states.h"
#include "tests/support/packet_builder.h"

namespace outrider::agent {
namespace {

using state::PortPhase;

const PortId kPort = MakePortId(1);

TEST(MergeDesired, GivesAPortItsDevice) {
  const auto desired = MergeDesired(SampleState(), {{kPort, SampleAttachment(1)}}, {});
  state::HostState expected = SampleState();
  expected.ports[kPort].device = "tap1";
  EXPECT_EQ(desired, expected);
}

TEST(MergeDesired, BlocksAnActivePortWithoutADevice) {
  const auto desired = MergeDesired(SampleState(), {}, {});
  EXPECT_EQ(desired, SampleState(PortPhase::kBlocked));
}

TEST(MergeDesired, KeepsAnArmedPortArmedWithoutADevice) {
  const auto desired = MergeDesired(SampleState(PortPhase::kArmed), {}, {});
  EXPECT_EQ(desired, SampleState(PortPhase::kArmed));
}

TEST(MergeDesired, GuardsADeviceTheControllerDoesNotKnow) {
  const auto desired = MergeDesired({}, {{kPort, SampleAttachment(1)}}, {});
  state::Port guarded;
  guarded.mac = MakeMac(1);
  guarded.device = "tap1";
  EXPECT_EQ(desired.ports, (std::map<PortId, state::Port>{{kPort, guarded}}));
  EXPECT_TRUE(state::Validate(desired).ok());
}

// The source of a migration: an older epoch than in force would be refused, and leave it open.
TEST(MergeDesired, GuardsAPortThatMovedAwayUnderTheEpochInForce) {
  state::HostState applied = SampleState(PortPhase::kActive, 5);
  const auto desired = MergeDesired({}, {{kPort, SampleAttachment(1)}}, applied);
  EXPECT_EQ(desired.ports.at(kPort).phase, PortPhase::kBlocked);
  EXPECT_EQ(desired.ports.at(kPort).epoch, Epoch{5});
}

TEST(MergeDesired, KeepsAPortThatOpenedItself) {
  state::HostState applied = SampleState(PortPhase::kActive, 2);
  applied.ports[kPort].device = "tap1";
  const auto desired =
      MergeDesired(SampleState(PortPhase::kArmed, 2), {{kPort, SampleAttachment(1)}}, applied);
  EXPECT_EQ(desired.ports.at(kPort).phase, PortPhase::kActive);
}

TEST(MergeDesired, ArmsAnewUnderAnotherEpoch) {
  state::HostState applied = SampleState(PortPhase::kActive, 2);
  applied.ports[kPort].device = "tap1";
  const auto desired =
      MergeDesired(SampleState(PortPhase::kArmed, 3), {{kPort, SampleAttachment(1)}}, applied);
  EXPECT_EQ(desired.ports.at(kPort).phase, PortPhase::kArmed);
}

TEST(MergeDesired, ABlockedWordClosesAPortThatOpenedItself) {
  state::HostState applied = SampleState(PortPhase::kActive, 2);
  const auto desired =
      MergeDesired(SampleState(PortPhase::kBlocked, 2), {{kPort, SampleAttachment(1)}}, applied);
  EXPECT_EQ(desired.ports.at(kPort).phase, PortPhase::kBlocked);
}

TEST(MergeDesired, LeavesOutRowsThatLeadNowhere) {
  state::HostState controller = SampleState();
  controller.ports.clear();
  EXPECT_TRUE(MergeDesired(controller, {}, {}).fdb.empty());
}

TEST(MergeDesired, KeepsADepartureWithoutWhatOnlyTheAgentKnows) {
  state::HostState controller = SampleState();
  const state::Departure departure{
      .migration_id = "m-1", .vtep = *IpAddress::Parse("192.0.2.9"), .epoch = Epoch{2}, .label = 7};
  controller.departures[kPort] = departure;
  controller.departures[kPort].host = "host-b";
  controller.departures[kPort].peer = "192.0.2.9:6650";
  controller.departures[MakePortId(9)] = departure;
  const auto desired = MergeDesired(controller, {{kPort, SampleAttachment(1)}}, {});
  EXPECT_EQ(desired.departures, (std::map<PortId, state::Departure>{{kPort, departure}}));
}

TEST(MergeDesired, ProbesAreNotTheDatapaths) {
  state::HostState controller = SampleState();
  controller.probes[MakePortId(9)].migration_id = "m-1";
  const auto desired = MergeDesired(controller, {{kPort, SampleAttachment(1)}}, {});
  EXPECT_TRUE(desired.probes.empty());
}

TEST(MergeDesired, KeepsAnArrivalWithoutItsHost) {
  state::HostState controller = SampleState(PortPhase::kArmed);
  const state::Arrival arrival{.vtep = *IpAddress::Parse("192.0.2.9"), .label = 7};
  controller.ports[kPort].arrival = arrival;
  controller.ports[kPort].arrival->host = "host-a";
  EXPECT_EQ(MergeDesired(controller, {}, {}).ports.at(kPort).arrival, arrival);
}

TEST(MergeDesired, KeepsADepartedPortDepartedWithoutADevice) {
  EXPECT_EQ(MergeDesired(SampleState(PortPhase::kDeparted), {}, {}),
            SampleState(PortPhase::kDeparted));
}

// The guest's device goes at the end of a migration, the redirect may still be needed.
TEST(HoldInForce, KeepsADepartedPortWhoseDeviceIsGone) {
  const state::HostState in_force = SampleState(PortPhase::kDeparted);
  EXPECT_EQ(HoldInForce(in_force, {{kPort, SampleAttachment(1)}}), in_force);
}

TEST(HoldInForce, ChangesNothingThatForwards) {
  state::HostState in_force = SampleState();
  in_force.ports[kPort].device = "tap1";
  EXPECT_EQ(HoldInForce(in_force, {}), in_force);
  EXPECT_EQ(HoldInForce(in_force, {{kPort, SampleAttachment(1)}}), in_force);
}

TEST(HoldInForce, GuardsWhatIsNewOrWasLost) {
  state::HostState in_force = SampleState(PortPhase::kBlocked, 4);
  const auto desired =
      HoldInForce(in_force, {{kPort, SampleAttachment(1)}, {MakePortId(2), SampleAttachment(2)}});
  EXPECT_EQ(desired.ports.at(kPort).device, "tap1");
  EXPECT_EQ(desired.ports.at(kPort).phase, PortPhase::kBlocked);
  EXPECT_EQ(desired.ports.at(kPort).epoch, Epoch{4});
  EXPECT_EQ(desired.ports.at(MakePortId(2)).device, "tap2");
}

class AfterApplyTest : public ::testing::Test {
 protected:
  static datapath::ApplyResult Failing(datapath::ObjectKind kind, const std::string& key) {
    return {.written = 0,
            .deleted = 0,
            .failures = {{.kind = kind, .key = key, .status = absl::NotFoundError("gone")}}};
  }
};

TEST_F(AfterApplyTest, IsTheDeltaWhenAllSucceeds) {
  const state::HostState to = SampleState();
  EXPECT_EQ(AfterApply({}, state::ComputeDelta({}, to), {}), to);
}

TEST_F(AfterApplyTest, AFailedPortIsLostAndTriedAgain) {
  state::HostState to = SampleState();
  to.ports[kPort].device = "tap1";
  const auto applied = AfterApply({}, state::ComputeDelta({}, to),
                                  Failing(datapath::ObjectKind::kPort, kPort.ToString()));
  EXPECT_EQ(applied.ports.at(kPort).phase, PortPhase::kBlocked);
  EXPECT_FALSE(applied.ports.at(kPort).device);
  EXPECT_EQ(state::ComputeDelta(applied, to).ports.upserts.size(), 1u);
}

// A larger segment MTU can block ports that are not in the delta themselves.
TEST_F(AfterApplyTest, APortBlockedByItsSegmentIsLostToo) {
  const state::HostState from = SampleState();
  state::HostState to = from;
  to.segments[MakeVni(7)].mtu = 9000;
  const auto applied = AfterApply(from, state::ComputeDelta(from, to),
                                  Failing(datapath::ObjectKind::kPort, kPort.ToString()));
  EXPECT_EQ(applied.segments.at(MakeVni(7)).mtu, 9000u);
  EXPECT_EQ(state::ComputeDelta(applied, to).ports.upserts.size(), 1u);
}

TEST_F(AfterApplyTest, OtherObjectsStayAsTheyWere) {
  const state::HostState from = SampleState(PortPhase::kActive, 1);
  const state::HostState to = SampleState(PortPhase::kActive, 2);
  const auto applied = AfterApply(from, state::ComputeDelta(from, to),
                                  Failing(datapath::ObjectKind::kFdb, "7/52:54:00:00:00:01"));
  EXPECT_EQ(applied.fdb, from.fdb);
  EXPECT_EQ(applied.ports, to.ports);
}

// A port of the delta could not be entered in its segment's list, of which the delta says nothing.
TEST_F(AfterApplyTest, ASegmentThatFailedBesideTheDeltaIsWrittenAnew) {
  const state::HostState from = SampleState();
  state::HostState to = from;
  to.ports[MakePortId(2)].mac = MakeMac(2);
  const auto applied =
      AfterApply(from, state::ComputeDelta(from, to), Failing(datapath::ObjectKind::kSegment, "7"));
  const state::StateDelta again = state::ComputeDelta(applied, to);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again.segments.upserts.begin()->second, to.segments.begin()->second);
}

// A new segment may have left rows, a device in use: the next diff writes it anew, or removes it.
TEST_F(AfterApplyTest, ASegmentThatFailedIsThereToBeRemoved) {
  const state::HostState to = SampleState();
  const auto applied =
      AfterApply({}, state::ComputeDelta({}, to), Failing(datapath::ObjectKind::kSegment, "7"));
  EXPECT_EQ(state::ComputeDelta(applied, to).segments.upserts.size(), 1u);
  state::HostState without = applied;
  without.segments.clear();
  EXPECT_EQ(state::ComputeDelta(applied, without).segments.deletes.size(), 1u);
  EXPECT_EQ(applied.segments.at(MakeVni(7)).vteps, to.segments.at(MakeVni(7)).vteps);
}

TEST_F(AfterApplyTest, ASegmentWhoseChangeFailedIsTakenBack) {
  const state::HostState from = SampleState();
  state::HostState to = from;
  to.segments[MakeVni(7)].mtu = 9000;
  const auto applied =
      AfterApply(from, state::ComputeDelta(from, to), Failing(datapath::ObjectKind::kSegment, "7"));
  const state::StateDelta back = state::ComputeDelta(applied, from);
  ASSERT_EQ(back.segments.upserts.size(), 1u);
  EXPECT_EQ(back.segments.upserts.begin()->second, from.segments.at(MakeVni(7)));
}

TEST_F(AfterApplyTest, AMulticastGroupThatFailedIsThereToBeRemoved) {
  const state::MulticastKey key{.vni = MakeVni(7), .group = tests::Ip("239.1.2.3")};
  state::HostState from = SampleState();
  state::HostState to = from;
  to.multicast_groups[key] = {tests::Ip("192.0.2.1"), tests::Ip("192.0.2.2")};
  const auto failing = Failing(datapath::ObjectKind::kMulticastGroup, datapath::KeyText(key));
  auto applied = AfterApply(from, state::ComputeDelta(from, to), failing);
  EXPECT_EQ(state::ComputeDelta(applied, from).multicast_groups.deletes.size(), 1u);
  EXPECT_EQ(state::ComputeDelta(applied, to).multicast_groups.upserts.size(), 1u);
  from.multicast_groups[key] = {tests::Ip("192.0.2.1")};
  applied = AfterApply(from, state::ComputeDelta(from, to), failing);
  EXPECT_EQ(state::ComputeDelta(applied, from).multicast_groups.upserts.size(), 1u);
}

TEST_F(AfterApplyTest, AFailedDeleteIsStillThere) {
  const state::HostState from = SampleState();
  const auto applied =
      AfterApply(from, state::ComputeDelta(from, {}), Failing(datapath::ObjectKind::kSegment, "7"));
  EXPECT_EQ(applied.segments, from.segments);
  EXPECT_TRUE(applied.ports.empty());
}

TEST(AfterApply, AFailedDepartureIsTriedAgain) {
  state::StateDelta delta;
  delta.departures.upserts[kPort].migration_id = "m-1";
  datapath::ApplyResult result;
  result.failures.push_back(
      {datapath::ObjectKind::kDeparture, kPort.ToString(), absl::UnavailableError("busy")});
  EXPECT_EQ(AfterApply(SampleState(), delta, result), SampleState());
}

}  // namespace
}  // namespace outrider::agent
