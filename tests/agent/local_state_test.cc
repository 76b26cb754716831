#include "vswitch/agent/local_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent/sample_states.h"

namespace outrider::agent {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::MakeLocalVni;

const Vni kTen = MakeLocalVni(10);
const PortId kPort = MakePortId(1);
const PortId kLocal = MakePortId(9);

// Port 9 with device "vnet9" in VLAN 10, of a MAC that is not known.
LocalState OneLocalPort() {
  LocalState local;
  local.segments[kTen] = MakeLocalSegment(9000);
  local.ports[kLocal] = MakeLocalPort("vnet9", std::nullopt);
  local.ports[kLocal].vni = kTen;
  return local;
}

// The controller's sample with its device.
state::HostState Controllers() {
  state::HostState state = SampleState();
  state.ports[kPort].device = "tap1";
  return state;
}

// What is said of the one problem there is.
std::string ProblemOf(const LocalState& local, state::HostState desired = Controllers(),
                      const PortId& id = kLocal) {
  const LocalOutcome outcome = AddLocal(local, {}, &desired);
  EXPECT_THAT(outcome.problems, SizeIs(1));
  EXPECT_EQ(state::Validate(desired), absl::OkStatus());
  const auto problem = outcome.problems.find(id);
  return problem == outcome.problems.end() ? "none of the port's" : problem->second;
}

TEST(AddLocal, ComesBesideWhatTheControllerWants) {
  state::HostState desired = Controllers();
  EXPECT_THAT(AddLocal(OneLocalPort(), {}, &desired).problems, IsEmpty());
  EXPECT_EQ(state::Validate(desired), absl::OkStatus());
  EXPECT_EQ(desired.ports.at(kLocal), OneLocalPort().ports.at(kLocal));
  EXPECT_EQ(WithoutLocalPart(desired), Controllers());
  EXPECT_EQ(LocalPartOf(desired), OneLocalPort());
}

TEST(AddLocal, AKnownMacIsFoundInAllSegments) {
  LocalState local = OneLocalPort();
  const Vni twenty = MakeLocalVni(20);
  local.segments[twenty] = MakeLocalSegment(1500);
  state::Port& port = local.ports[kLocal];
  port.mac = MakeMac(9);
  port.vlans = {.mode = state::VlanMode::kTrunk, .trunk = {{20, twenty}}};
  // The second one with this MAC has what is learned.
  local.ports[MakePortId(10)] = port;
  local.ports[MakePortId(10)].device = "vnet10";
  state::HostState desired;
  EXPECT_THAT(AddLocal(local, {}, &desired).problems, IsEmpty());
  const state::FdbEntry row{.where = kLocal, .epoch = {}};
  EXPECT_EQ(desired.fdb, (std::map<state::FdbKey, state::FdbEntry>{{{kTen, MakeMac(9)}, row},
                                                                   {{twenty, MakeMac(9)}, row}}));
}

TEST(AddLocal, HasTheEpochInForce) {
  state::HostState applied;
  applied.ports[kLocal].epoch = Epoch{5};
  state::HostState desired;
  AddLocal(OneLocalPort(), applied, &desired);
  EXPECT_EQ(desired.ports.at(kLocal).epoch, Epoch{5});
}

TEST(AddLocal, TheControllersPortWins) {
  LocalState local = OneLocalPort();
  local.ports[kPort] = local.ports[kLocal];
  local.ports.erase(kLocal);
  EXPECT_EQ(
      ProblemOf(local, Controllers(), kPort),
      "the port is the controller's, or attached with a profile; its VLANs are the profile's");
  state::HostState desired = Controllers();
  AddLocal(local, {}, &desired);
  EXPECT_EQ(desired.ports, Controllers().ports);
}

TEST(AddLocal, TheControllersDeviceWins) {
  LocalState local = OneLocalPort();
  local.ports[kLocal].device = "tap1";
  EXPECT_EQ(ProblemOf(local),
            "device tap1 is that of port " + kPort.ToString() + "; remove one of the two");
}

TEST(AddLocal, OfTwoLocalPortsWithOneDeviceOneIsIn) {
  LocalState local = OneLocalPort();
  local.ports[MakePortId(10)] = local.ports[kLocal];
  EXPECT_EQ(ProblemOf(local, {}, MakePortId(10)),
            "device vnet9 is that of port " + kLocal.ToString() + "; remove one of the two");
}

// The port has its neighbours on this host, and is told what is missing.
TEST(AddLocal, TheControllersVlanOfAnUplinkWins) {
  LocalState local = OneLocalPort();
  local.segments[kTen].provider = {.uplink = "physnet1", .vlan = 100};
  state::HostState desired = Controllers();
  desired.segments[MakeVni(7)].provider = local.segments[kTen].provider;
  EXPECT_EQ(ProblemOf(local, desired),
            "VLAN 100 of uplink \"physnet1\" is that of segment 7: the port reaches its neighbours "
            "on this host only");
  AddLocal(local, {}, &desired);
  EXPECT_EQ(desired.ports.at(kLocal).phase, state::PortPhase::kActive);
  EXPECT_FALSE(desired.segments.at(kTen).provider);
}

TEST(AddLocal, WhatIsNotValidStaysOutByName) {
  LocalState local = OneLocalPort();
  local.ports[kLocal].vni = MakeVni(7);
  EXPECT_EQ(ProblemOf(local), "the port is in no local segment");
  local = OneLocalPort();
  local.ports[kLocal].device.reset();
  EXPECT_EQ(ProblemOf(local), "the port has no device");
  local = OneLocalPort();
  local.ports[kLocal].device = "sixteen-bytes-xx";
  EXPECT_EQ(ProblemOf(local), "port " + kLocal.ToString() +
                                  ": device name \"sixteen-bytes-xx\" is not of 1..15 bytes");
  local = OneLocalPort();
  local.segments[kTen].mtu = 100;
  EXPECT_EQ(ProblemOf(local), "segment local/10: mtu 100 is not in 576..65485");
  local = OneLocalPort();
  local.segments.clear();
  EXPECT_EQ(ProblemOf(local), "port " + kLocal.ToString() + ": segment local/10 is not known");
}

TEST(AddLocal, ASegmentOfTheControllersIsNotTouched) {
  LocalState local = OneLocalPort();
  local.segments[MakeVni(7)] = MakeLocalSegment(600);
  state::HostState desired = Controllers();
  AddLocal(local, {}, &desired);
  EXPECT_EQ(desired.segments.at(MakeVni(7)), Controllers().segments.at(MakeVni(7)));
}

class PortLimitsTest : public ::testing::Test {
 protected:
  PortLimitsTest() {
    local_.limits[kPort] = {.ingress = {.rate_kbps = 1000, .burst_kb = 100},
                            .egress = {.min_kbps = 0, .max_kbps = 2000, .burst_kb = 10}};
  }
  const PortLimits& limits() { return local_.limits[kPort]; }

  LocalState local_;
  state::HostState desired_ = Controllers();
};

TEST_F(PortLimitsTest, ComeWhereTheProfileHasNone) {
  const LocalOutcome outcome = AddLocal(local_, {}, &desired_);
  EXPECT_THAT(outcome.problems, IsEmpty());
  EXPECT_EQ(outcome.limits.at(kPort), limits());
  EXPECT_EQ(desired_.ports[kPort].ingress_policer, limits().ingress);
  EXPECT_EQ(desired_.ports[kPort].shaper, limits().egress);
}

TEST_F(PortLimitsTest, TheProfilesWinInTheirDirection) {
  const state::Policer profiled{.rate_kbps = 5, .burst_kb = 5};
  desired_.ports[kPort].ingress_policer = profiled;
  const LocalOutcome outcome = AddLocal(local_, {}, &desired_);
  EXPECT_EQ(outcome.problems.at(kPort),
            "profile \"web\" has a rate of what the guest sends, which stays in force");
  EXPECT_EQ(desired_.ports[kPort].ingress_policer, profiled);
  EXPECT_EQ(desired_.ports[kPort].shaper, limits().egress);
  EXPECT_EQ(outcome.limits.at(kPort), (PortLimits{.ingress = {}, .egress = limits().egress}));

  desired_ = Controllers();
  desired_.ports[kPort].egress_policer = profiled;
  EXPECT_EQ(AddLocal(local_, {}, &desired_).problems.at(kPort),
            "profile \"web\" has a rate of what the guest gets, which stays in force");
  EXPECT_EQ(desired_.ports[kPort].shaper, state::Shaper{});
}

TEST_F(PortLimitsTest, APortWithoutAProfileHasNone) {
  local_.limits[MakePortId(5)] = limits();
  desired_.ports[kPort].profile.clear();
  EXPECT_THAT(AddLocal(local_, {}, &desired_).limits, IsEmpty());
  EXPECT_EQ(desired_.ports[kPort].ingress_policer, state::Policer{});
}

}  // namespace
}  // namespace outrider::agent
