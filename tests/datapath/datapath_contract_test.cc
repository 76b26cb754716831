// The promises of vswitch/datapath/datapath.h, over every implementation.
#include "tests/datapath/datapath_contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/datapath/contract_hosts.h"
#include "tests/support/packet_builder.h"
#include "tests/support/state_generator.h"

namespace outrider::datapath {
namespace {

using state::ComputeDelta;
using state::FdbEntry;
using state::FdbKey;
using state::HostState;
using state::Port;
using state::PortPhase;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using tests::Ip;
using tests::MakeDigest;
using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;

const PortId kPort1 = MakePortId(1);
const PortId kPort2 = MakePortId(2);
const Vni kSegment = MakeVni(7);

class DatapathContract : public ::testing::TestWithParam<ContractSubject> {
 protected:
  DatapathContract() : host_(GetParam().make_host()) {}

  Datapath& datapath() { return host_->datapath(); }
  HostState Read() { return datapath().ReadState().value(); }
  ApplyResult ApplyTo(const HostState& to) { return datapath().Apply(ComputeDelta(Read(), to)); }

  void Become(const HostState& to) {
    ASSERT_TRUE(state::Validate(to).ok()) << state::Validate(to);
    for (const ObjectFailure& failure : ApplyTo(to).failures) {
      ADD_FAILURE() << ToString(failure.kind) << " " << failure.key << ": " << failure.status;
    }
    ASSERT_EQ(Read(), to);
  }

  // The one failure of applying `to`.
  ObjectFailure OnlyFailure(const HostState& to) {
    const ApplyResult result = ApplyTo(to);
    EXPECT_EQ(result.failures.size(), 1u);
    if (result.failures.empty()) return {ObjectKind::kPort, "", absl::OkStatus()};
    return result.failures.front();
  }

  // Segment 7 and one active port on tap0.
  HostState OnePort() {
    HostState state;
    state.segments[kSegment] = {.mtu = 1400, .vteps = {Ip("10.99.0.2")}};
    Port& port = state.ports[kPort1];
    port.mac = MakeMac(1);
    port.vni = kSegment;
    port.profile = "web";
    port.profile_revision = 3;
    port.phase = PortPhase::kActive;
    port.epoch = Epoch{5};
    port.device = "tap0";
    state.fdb.emplace(FdbKey{kSegment, MakeMac(1)}, FdbEntry{kPort1, Epoch{5}});
    return state;
  }

  void ExpectBlocked(const PortId& id, const std::optional<std::string>& device) {
    const HostState state = Read();
    ASSERT_TRUE(state.ports.contains(id));
    EXPECT_EQ(state.ports.at(id).phase, PortPhase::kBlocked);
    EXPECT_EQ(state.ports.at(id).device, device);
  }

  std::unique_ptr<ContractHost> host_;
};

TEST_P(DatapathContract, StartsEmpty) {
  EXPECT_EQ(Read(), HostState());
  const ApplyResult result = datapath().Apply({});
  EXPECT_EQ(result.written + result.deleted, 0u);
  EXPECT_THAT(result.failures, IsEmpty());
}

TEST_P(DatapathContract, ReadsBackWhatWasAppliedForAnyStates) {
  const std::vector<std::string> devices = {"tap0", "tap1", "tap2", "tap3", "tap4"};
  for (const std::string& device : devices) host_->AddDevice(device);
  tests::StateGenerator generator(3, devices, /*local=*/true);
  for (int i = 0; i < 25; ++i) {
    const HostState from = Read();
    const HostState to = generator.Next();
    ASSERT_TRUE(state::Validate(to).ok()) << state::Validate(to);
    const state::StateDelta delta = ComputeDelta(from, to);
    const ApplyResult result = datapath().Apply(delta);
    for (const ObjectFailure& failure : result.failures) {
      ADD_FAILURE() << ToString(failure.kind) << " " << failure.key << ": " << failure.status;
    }
    EXPECT_EQ(result.written + result.deleted, delta.size());
    ASSERT_EQ(Read(), to) << "step " << i;
    if (i % 5 == 0) {
      host_->Restart();
      ASSERT_EQ(Read(), to) << "after the restart in step " << i;
    }
  }
  Become({});
}

TEST_P(DatapathContract, ApplyingWhatIsInForceIsNoError) {
  host_->AddDevice("tap0");
  const HostState state = OnePort();
  Become(state);
  const ApplyResult again = datapath().Apply(ComputeDelta({}, state));
  EXPECT_THAT(again.failures, IsEmpty());
  EXPECT_EQ(Read(), state);
}

TEST_P(DatapathContract, DeletingWhatIsGoneIsNoError) {
  host_->AddDevice("tap0");
  Become(OnePort());
  const state::StateDelta removal = ComputeDelta(OnePort(), {});
  EXPECT_THAT(datapath().Apply(removal).failures, IsEmpty());
  EXPECT_THAT(datapath().Apply(removal).failures, IsEmpty());
  EXPECT_EQ(Read(), HostState());
}

TEST_P(DatapathContract, ARestartWithTheSameStateHasNothingToDo) {
  host_->AddDevice("tap0");
  const HostState state = OnePort();
  Become(state);
  host_->Restart();
  EXPECT_TRUE(ComputeDelta(Read(), state).empty());
}

TEST_P(DatapathContract, APortWithoutItsDeviceIsBlockedUntilItIsThere) {
  const HostState state = OnePort();
  const ObjectFailure failure = OnlyFailure(state);
  EXPECT_EQ(failure.kind, ObjectKind::kPort);
  EXPECT_EQ(failure.key, kPort1.ToString());
  EXPECT_EQ(failure.status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Message(failure.status), HasSubstr("tap0"));
  ExpectBlocked(kPort1, std::nullopt);

  host_->AddDevice("tap0");
  Become(state);
}

TEST_P(DatapathContract, AVanishedDeviceBlocksItsPort) {
  host_->AddDevice("tap0");
  Become(OnePort());
  host_->RemoveDevice("tap0");
  ExpectBlocked(kPort1, std::nullopt);
  EXPECT_TRUE(absl::IsNotFound(OnlyFailure(OnePort()).status));
  ExpectBlocked(kPort1, std::nullopt);

  host_->AddDevice("tap0");
  ExpectBlocked(kPort1, std::nullopt);
  Become(OnePort());
}

TEST_P(DatapathContract, AReplacedDeviceBlocksItsPortUntilItIsBoundAnew) {
  host_->AddDevice("tap0");
  Become(OnePort());
  host_->RemoveDevice("tap0");
  host_->AddDevice("tap0");
  ExpectBlocked(kPort1, std::nullopt);
  Become(OnePort());
}

TEST_P(DatapathContract, DevicesAreExchangedInOneDelta) {
  host_->AddDevice("tap0");
  host_->AddDevice("tap1");
  HostState state = OnePort();
  state.ports[kPort2] = state.ports[kPort1];
  state.ports[kPort2].mac = MakeMac(2);
  state.ports[kPort2].device = "tap1";
  Become(state);
  std::swap(state.ports[kPort1].device, state.ports[kPort2].device);
  Become(state);
}

TEST_P(DatapathContract, ADeviceGoesFromALeavingPortToANewOne) {
  host_->AddDevice("tap0");
  Become(OnePort());
  HostState state = OnePort();
  state.ports[kPort2] = state.ports[kPort1];
  state.ports[kPort2].mac = MakeMac(2);
  state.ports.erase(kPort1);
  state.fdb.clear();
  Become(state);
}

TEST_P(DatapathContract, AnExpectedPortNeedsNoDevice) {
  HostState state = OnePort();
  state.ports[kPort1].device.reset();
  state.ports[kPort1].phase = PortPhase::kArmed;
  state.ports[kPort1].migration_id = "m-1";
  Become(state);
}

TEST_P(DatapathContract, ADepartureNeedsItsPort) {
  state::StateDelta delta;
  delta.departures.upserts[kPort1] = {.migration_id = "m-1"};
  const ApplyResult result = datapath().Apply(delta);
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_EQ(result.failures[0].kind, ObjectKind::kDeparture);
  EXPECT_EQ(result.failures[0].key, kPort1.ToString());
  EXPECT_EQ(result.failures[0].status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Read(), HostState());
}

TEST_P(DatapathContract, ADepartedPortNeedsNoDevice) {
  host_->AddDevice("tap0");
  HostState state = OnePort();
  state.departures[kPort1] = {
      .migration_id = "m-1", .vtep = tests::Ip("192.0.2.9"), .epoch = Epoch{2}, .label = 7};
  Become(state);
  state.ports[kPort1].phase = PortPhase::kDeparted;
  Become(state);
  host_->RemoveDevice("tap0");
  EXPECT_THAT(*datapath().FindLostPorts(), IsEmpty());
  // As its attachment still has it.
  EXPECT_THAT(datapath().Apply(ComputeDelta({}, state)).failures, IsEmpty());
  state.ports[kPort1].device.reset();
  EXPECT_EQ(Read(), state);
  host_->Restart();
  EXPECT_EQ(Read(), state);
}

TEST_P(DatapathContract, AMovesEndsAreChangedAndTaken) {
  host_->AddDevice("tap0");
  HostState state = OnePort();
  state.ports[kPort1].arrival = state::Arrival{.vtep = tests::Ip("192.0.2.8"), .label = 3};
  state.departures[kPort1] = {.migration_id = "m-1", .epoch = Epoch{2}};
  Become(state);
  // The way to the destination comes later, and may change.
  state.departures[kPort1].vtep = tests::Ip("192.0.2.9");
  state.departures[kPort1].label = 7;
  Become(state);
  state.departures[kPort1].vtep = tests::Ip("2001:db8::9");
  state.ports[kPort1].arrival->label = 4;
  Become(state);
  state.departures[kPort1].migration_id = "m-2";
  Become(state);
  host_->Restart();
  EXPECT_EQ(Read(), state);
  state.departures.clear();
  state.ports[kPort1].arrival.reset();
  Become(state);
  Become({});
}

TEST_P(DatapathContract, AnMtuThatDoesNotFitIsRefusedByName) {
  host_->AddDevice("tap0");
  HostState state = OnePort();
  state.segments[kSegment].mtu = 9000;
  const ObjectFailure failure = OnlyFailure(state);
  EXPECT_EQ(failure.key, kPort1.ToString());
  EXPECT_EQ(failure.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Message(failure.status),
            "port " + kPort1.ToString() +
                ": segment 7 mtu 9000 needs an underlay of 9050 bytes, this host has 1500; lower "
                "the segment's mtu or raise the underlay's");
  ExpectBlocked(kPort1, "tap0");

  state.segments[kSegment].mtu = 1450;
  Become(state);
}

TEST_P(DatapathContract, PortsFollowTheirSegmentsMtu) {
  host_->AddDevice("tap0");
  HostState state = OnePort();
  Become(state);
  state.segments[kSegment].mtu = 1300;
  Become(state);

  // Only the segment is in the delta; the port is what cannot be had.
  state.segments[kSegment].mtu = 1451;
  const ObjectFailure failure = OnlyFailure(state);
  EXPECT_EQ(failure.kind, ObjectKind::kPort);
  EXPECT_EQ(failure.status.code(), absl::StatusCode::kFailedPrecondition);
  ExpectBlocked(kPort1, "tap0");
}

TEST_P(DatapathContract, ARuleSetThatIsNotThereBlocksThePort) {
  host_->AddDevice("tap0");
  HostState state = OnePort();
  state.ports[kPort1].ingress_rule_set = MakeDigest(1);
  const ObjectFailure failure = OnlyFailure(state);
  EXPECT_EQ(failure.status.code(), absl::StatusCode::kFailedPrecondition);
  ExpectBlocked(kPort1, "tap0");

  state.rule_sets[MakeDigest(1)] = {};
  Become(state);
}

TEST_P(DatapathContract, ARuleSetInUseStays) {
  host_->AddDevice("tap0");
  HostState state = OnePort();
  state.rule_sets[MakeDigest(1)] = {};
  state.ports[kPort1].egress_rule_set = MakeDigest(1);
  Become(state);
  state::StateDelta delta;
  delta.rule_sets.deletes.push_back(MakeDigest(1));
  const ApplyResult result = datapath().Apply(delta);
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_EQ(result.failures[0].status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Read(), state);
}

TEST_P(DatapathContract, GroupsChangeMemberByMember) {
  HostState state;
  state.rule_sets[MakeDigest(1)].rules.resize(1);
  state.rule_sets[MakeDigest(1)].rules[0].src_group = "address/web";
  const auto member = [](const std::string& group, const std::string& prefix) {
    return state::GroupMember{.group = group, .prefix = *IpPrefix::Parse(prefix)};
  };
  state.group_members = {member("address/web", "10.0.0.0/8"), member("address/web", "10.1.0.0/16"),
                         member("port/db", "10.1.0.0/16"), member("port/db", "::/0")};
  Become(state);
  state.group_members.erase(member("address/web", "10.0.0.0/8"));
  Become(state);
  host_->Restart();
  EXPECT_TRUE(ComputeDelta(Read(), state).empty());
  state.group_members.insert(member("address/web", "10.1.2.0/24"));
  state.rule_sets.clear();
  Become(state);
  state.group_members.clear();
  Become(state);
}

TEST_P(DatapathContract, AnOlderEpochChangesNothing) {
  host_->AddDevice("tap0");
  HostState state = OnePort();
  state.fdb.emplace(FdbKey{kSegment, MakeMac(9)}, FdbEntry{Ip("10.99.0.2"), Epoch{5}});
  Become(state);

  HostState stale = state;
  stale.ports[kPort1].epoch = Epoch{4};
  stale.ports[kPort1].phase = PortPhase::kBlocked;
  stale.fdb.at(FdbKey{kSegment, MakeMac(9)}) = {Ip("10.99.0.3"), Epoch{4}};
  const ApplyResult result = ApplyTo(stale);
  ASSERT_EQ(result.failures.size(), 2u);
  EXPECT_EQ(result.failures[0].status,
            absl::FailedPreconditionError("port " + kPort1.ToString() +
                                          ": epoch 4 is older than 5, which is in force"));
  EXPECT_EQ(result.failures[1].key, "7/52:54:00:00:00:09");
  EXPECT_EQ(result.failures[1].status,
            absl::FailedPreconditionError(
                "fdb 7/52:54:00:00:00:09: epoch 4 is older than 5, which is in force"));
  EXPECT_EQ(Read(), state);
}

TEST_P(DatapathContract, AnOlderEpochIsTakenOnceWhenAllowed) {
  host_->AddDevice("tap0");
  Become(OnePort());
  HostState older = OnePort();
  older.ports[kPort1].epoch = Epoch{1};
  datapath().AllowOlderEpoch(kPort1);
  EXPECT_EQ(Read().ports.at(kPort1).phase, PortPhase::kActive) << "forwards until then";
  older.fdb.clear();
  Become(older);
  older.ports[kPort1].epoch = Epoch{0};
  EXPECT_EQ(OnlyFailure(older).status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(DatapathContract, FindsThePortsWhoseDeviceIsGone) {
  host_->AddDevice("tap0");
  Become(OnePort());
  EXPECT_EQ(datapath().FindLostPorts().value(), std::set<PortId>());
  host_->RemoveDevice("tap0");
  EXPECT_EQ(datapath().FindLostPorts().value(), std::set<PortId>{kPort1});
  host_->AddDevice("tap0");
  EXPECT_EQ(datapath().FindLostPorts().value(), std::set<PortId>{kPort1});
  Become(OnePort());
  EXPECT_EQ(datapath().FindLostPorts().value(), std::set<PortId>());
}

TEST_P(DatapathContract, AnEpochStartsAnewAfterADelete) {
  host_->AddDevice("tap0");
  Become(OnePort());
  Become({});
  HostState state = OnePort();
  state.ports[kPort1].epoch = Epoch{1};
  state.fdb.at(FdbKey{kSegment, MakeMac(1)}).epoch = Epoch{1};
  Become(state);
}

TEST_P(DatapathContract, AStationWithoutAnEpochMayTakeAMacOver) {
  host_->AddDevice("tap0");
  HostState state = OnePort();
  Become(state);
  state.fdb.at(FdbKey{kSegment, MakeMac(1)}) = {Ip("10.99.0.2"), Epoch{0}};
  Become(state);
}

TEST_P(DatapathContract, AnFdbEntryOfAnUnknownPortIsRefused) {
  HostState state;
  state.segments[kSegment].mtu = 1400;
  state.fdb.emplace(FdbKey{kSegment, MakeMac(1)}, FdbEntry{kPort1, Epoch{1}});
  const ObjectFailure failure = OnlyFailure(state);
  EXPECT_EQ(failure.kind, ObjectKind::kFdb);
  EXPECT_EQ(failure.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Read().fdb, IsEmpty());
}

TEST_P(DatapathContract, OneFailureDoesNotHoldUpTheRest) {
  host_->AddDevice("tap1");
  HostState state = OnePort();
  state.ports[kPort2] = state.ports[kPort1];
  state.ports[kPort2].mac = MakeMac(2);
  state.ports[kPort2].device = "tap1";
  EXPECT_TRUE(absl::IsNotFound(OnlyFailure(state).status));
  HostState expected = state;
  expected.ports[kPort1].device.reset();
  expected.ports[kPort1].phase = PortPhase::kBlocked;
  EXPECT_EQ(Read(), expected);
}

INSTANTIATE_TEST_SUITE_P(Datapaths, DatapathContract,
                         ::testing::Values(ContractSubject{"Fake", MakeFakeHost},
                                           ContractSubject{"Ebpf", MakeEbpfHost}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace outrider::datapath
