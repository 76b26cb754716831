// What the native datapath promises beyond the contract: devices, pins, other releases, repair,
// removal. Each test has a network namespace and a bpffs of its own.
#include "vswitch/datapath/ebpf/ebpf_datapath.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/datapath/ebpf/ebpf_host.h"
#include "tests/support/state_generator.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/sys/bpf/bpffs.h"
#include "vswitch/sys/bpf/tc_filters.h"

namespace outrider::datapath::ebpf {
namespace {

using state::HostState;
using state::PortPhase;
using sys::TcDirection;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using tests::MakeMac;
using tests::MakePortId;
using tests::MakeVni;

const PortId kPort = MakePortId(1);
const Vni kSegment = MakeVni(7);

class EbpfDatapathTest : public ::testing::Test {
 protected:
  EbpfDatapathTest() { host_.Start(); }

  static HostState OnePort() {
    HostState state;
    state.segments[kSegment] = {.mtu = 1400, .vteps = {tests::Ip("10.99.0.2")}};
    state::Port& port = state.ports[kPort];
    port.mac = MakeMac(1);
    port.vni = kSegment;
    port.phase = PortPhase::kActive;
    port.epoch = Epoch{1};
    port.device = "tap0";
    state.fdb.emplace(state::FdbKey{kSegment, MakeMac(1)}, state::FdbEntry{kPort, Epoch{1}});
    return state;
  }

  std::optional<uint32_t> Filter(const std::string& device, TcDirection direction) {
    const int ifindex = host_.FindLink(device).ifindex;
    return host_.In([&] { return filters_->Query(ifindex, direction).value(); });
  }

  std::string VersionDir() { return fmt::format("{}/v{}", host_.options().bpffs, OR_ABI_VERSION); }
  std::string MapsDir() { return VersionDir() + "/maps"; }
  std::vector<std::string> PinnedVersions() {
    return sys::ListPins(VersionDir() + "/progs").value();
  }

  EbpfHost host_;
  std::unique_ptr<sys::TcFilters> filters_ = sys::KernelTcFilters::Create().value();
};

TEST_F(EbpfDatapathTest, GivesADeviceItsMtuAndSilencesTheHost) {
  host_.AddDevice("tap0");
  host_.In([] { std::ofstream("/proc/sys/net/ipv6/conf/tap0/disable_ipv6") << 0; });
  host_.Become(OnePort());
  EXPECT_EQ(host_.FindLink("tap0").mtu, 1400u);
  host_.In([] {
    std::string value;
    std::ifstream("/proc/sys/net/ipv6/conf/tap0/disable_ipv6") >> value;
    EXPECT_EQ(value, "1");
  });

  HostState state = OnePort();
  state.segments[kSegment].mtu = 1300;
  host_.Become(state);
  EXPECT_EQ(host_.FindLink("tap0").mtu, 1300u);
}

TEST_F(EbpfDatapathTest, TakesItsFiltersAwayWithThePort) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  EXPECT_TRUE(Filter("tap0", TcDirection::kIngress).has_value());
  EXPECT_TRUE(Filter("tap0", TcDirection::kEgress).has_value());
  host_.Become({});
  EXPECT_EQ(Filter("tap0", TcDirection::kIngress), std::nullopt);
  EXPECT_EQ(Filter("tap0", TcDirection::kEgress), std::nullopt);
}

TEST_F(EbpfDatapathTest, ABlockedPortKeepsItsFilters) {
  host_.AddDevice("tap0");
  HostState state = OnePort();
  host_.Become(state);
  state.ports[kPort].phase = PortPhase::kBlocked;
  host_.Become(state);
  EXPECT_TRUE(Filter("tap0", TcDirection::kIngress).has_value());
  EXPECT_TRUE(Filter("tap0", TcDirection::kEgress).has_value());
}

TEST_F(EbpfDatapathTest, APortThatLostAFilterIsBlockedUntilItIsBoundAnew) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  const int ifindex = host_.FindLink("tap0").ifindex;
  ASSERT_TRUE(host_.In([&] { return filters_->Detach(ifindex, TcDirection::kEgress); }).ok());
  EXPECT_EQ(host_.Read().ports.at(kPort).device, std::nullopt);
  EXPECT_EQ(host_.Read().ports.at(kPort).phase, PortPhase::kBlocked);
  host_.Become(OnePort());
  EXPECT_TRUE(Filter("tap0", TcDirection::kEgress).has_value());
}

TEST_F(EbpfDatapathTest, FindsADeviceThatLostItsFilter) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  const auto lost = [this] {
    return host_.In([this] { return host_.datapath().FindLostPorts().value(); });
  };
  EXPECT_THAT(lost(), IsEmpty());
  const int ifindex = host_.FindLink("tap0").ifindex;
  ASSERT_TRUE(host_.In([&] { return filters_->Detach(ifindex, TcDirection::kIngress); }).ok());
  EXPECT_THAT(lost(), ::testing::ElementsAre(kPort));
  host_.Become(OnePort());
  EXPECT_THAT(lost(), IsEmpty());
}

// Without our programs its guest would talk to the host itself.
TEST_F(EbpfDatapathTest, ARenamedDeviceIsBlockedAndKeepsItsFilters) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  tests::RenameDevice(host_.netns(), "tap0", "tap9");
  const ApplyResult result = host_.Apply(state::ComputeDelta(host_.Read(), OnePort()));
  ASSERT_THAT(result.failures, SizeIs(1));
  EXPECT_TRUE(absl::IsNotFound(result.failures[0].status));
  EXPECT_EQ(host_.Read().ports.at(kPort).phase, PortPhase::kBlocked);
  EXPECT_TRUE(Filter("tap9", TcDirection::kIngress).has_value());
  EXPECT_TRUE(Filter("tap9", TcDirection::kEgress).has_value());
  host_.Become({});
  EXPECT_EQ(Filter("tap9", TcDirection::kIngress), std::nullopt) << "the port is no more";
}

TEST_F(EbpfDatapathTest, AForeignDeviceWithTheSameIfindexIsNotThePorts) {
  constexpr int kIfindex = 500;
  host_.AddDevice("tap0", kIfindex);
  host_.Become(OnePort());
  host_.RemoveDevice("tap0");
  host_.AddDevice("foreign", kIfindex);
  EXPECT_EQ(host_.Read().ports.at(kPort).device, std::nullopt);
  EXPECT_EQ(host_.Read().ports.at(kPort).phase, PortPhase::kBlocked);

  // Neither binding the port anew nor removing it touches the foreign device.
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  host_.Become({});
  EXPECT_EQ(Filter("foreign", TcDirection::kIngress), std::nullopt);
}

TEST_F(EbpfDatapathTest, ARestartUsesTheProgramsThatAreThere) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  const auto before = Filter("tap0", TcDirection::kIngress);
  host_.Start();
  EXPECT_EQ(Filter("tap0", TcDirection::kIngress), before);
  EXPECT_THAT(PinnedVersions(), SizeIs(1));
  EXPECT_TRUE(state::ComputeDelta(host_.Read(), OnePort()).empty());
}

TEST_F(EbpfDatapathTest, OtherProgramsTakeThePlaceOfOldOnes) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  const auto before = Filter("tap0", TcDirection::kIngress);
  const auto tunnel_before = Filter("or-vxlan", TcDirection::kIngress);
  const auto versions_before = PinnedVersions();
  host_.options().vteps = VtepPair(tests::Ip("10.99.0.9"));
  host_.Start();
  EXPECT_NE(Filter("tap0", TcDirection::kIngress), before);
  EXPECT_NE(Filter("or-vxlan", TcDirection::kIngress), tunnel_before);
  EXPECT_THAT(PinnedVersions(), SizeIs(1));
  EXPECT_NE(PinnedVersions(), versions_before);
  EXPECT_EQ(host_.Read(), OnePort());
}

TEST_F(EbpfDatapathTest, AnInterruptedStartIsCompleted) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  const std::string dir = VersionDir() + "/progs/" + PinnedVersions().front();
  ASSERT_TRUE(sys::Unpin(dir + "/or_tunnel_guard").ok());
  host_.Start();
  EXPECT_EQ(host_.Read(), OnePort());
  EXPECT_THAT(sys::ListPins(dir).value(), SizeIs(10));
}

TEST_F(EbpfDatapathTest, SweepsWhatAnInterruptedApplyLeft) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  host_.Stop();
  {
    const auto raw = sys::KernelBpfMaps::OpenPinned(MapsDir(), DatapathMaps::Names()).value();
    const DatapathMaps maps(raw.get());
    ASSERT_TRUE(maps.replication.Update({.list = 900, .slot = 0}, 1).ok());
    ASSERT_TRUE(maps.vteps.Update(900, {}).ok());
    ASSERT_TRUE(maps.port_info.Update(900, {}).ok());
    ASSERT_TRUE(maps.port_stats.Update(900, {}).ok());
    ASSERT_TRUE(maps.devices.Update(12345, 900).ok());
  }
  host_.Start();
  EXPECT_EQ(host_.Read(), OnePort());
  EXPECT_THAT(host_.Apply({}).failures, IsEmpty());
  const auto raw = sys::KernelBpfMaps::OpenPinned(MapsDir(), DatapathMaps::Names()).value();
  const DatapathMaps maps(raw.get());
  EXPECT_TRUE(absl::IsNotFound(maps.replication.Lookup({.list = 900, .slot = 0}).status()));
  EXPECT_TRUE(absl::IsNotFound(maps.vteps.Lookup(900).status()));
  EXPECT_TRUE(absl::IsNotFound(maps.port_info.Lookup(900).status()));
  EXPECT_TRUE(absl::IsNotFound(maps.port_stats.LookupSum(900).status()));
  EXPECT_TRUE(absl::IsNotFound(maps.devices.Lookup(12345).status()));
}

// A port whose row could not be written: its guest is no neighbour of the host's, not even while
// the next process starts.
TEST_F(EbpfDatapathTest, ASilencedPortsDeviceKeepsItsFiltersThroughARestart) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  const auto silence = [this] {
    host_.Stop();
    const auto raw = sys::KernelBpfMaps::OpenPinned(MapsDir(), DatapathMaps::Names()).value();
    const DatapathMaps maps(raw.get());
    const uint32_t index = maps.port_info.Keys().value().at(0);
    ASSERT_TRUE(maps.ports.Delete(index).ok());
    host_.Start();
  };
  silence();
  EXPECT_TRUE(Filter("tap0", TcDirection::kIngress).has_value());
  EXPECT_TRUE(Filter("tap0", TcDirection::kEgress).has_value());
  host_.Become(OnePort());
  EXPECT_TRUE(Filter("tap0", TcDirection::kIngress).has_value());
  silence();
  EXPECT_TRUE(host_.In([this] { return host_.datapath().FindLostPorts(); }).ok());
  EXPECT_EQ(Filter("tap0", TcDirection::kIngress), std::nullopt) << "nobody wants it";
  host_.Become(OnePort());
}

TEST_F(EbpfDatapathTest, LeavesNoRowsBehind) {
  host_.AddDevice("tap0");
  HostState state = OnePort();
  state.rule_sets[tests::MakeDigest(1)] = {};
  state.ports[kPort].ingress_rule_set = tests::MakeDigest(1);
  state.ports[kPort].ingress_policer = {.rate_kbps = 1000, .burst_kb = 100};
  state.neighbors.emplace(state::NeighborKey{kSegment, tests::Ip("10.0.0.1")}, MakeMac(1));
  host_.Become(state);
  host_.Become({});
  // The last lists go when no frame can walk them any more, at the latest with the next process.
  host_.Start();
  const auto raw = sys::KernelBpfMaps::OpenPinned(MapsDir(), DatapathMaps::Names()).value();
  for (const std::string& name : DatapathMaps::Names()) {
    // A ring, and arrays, whose elements are always there.
    const std::set<std::string> arrays = {
        "or_capture",    "or_capture_missed", "or_group_revision", "or_ports",
        "or_departures", "or_moves",          "or_move_counts",    "or_underlay",
        "or_detours",    "or_changes",        "or_flow_counts",    "or_policers",
        "or_fdb",        "or_fdb_epochs",     "or_fdb_head",       "or_fdb_batch"};
    if (name == "or_events" || arrays.contains(name)) continue;
    EXPECT_THAT(raw->Keys(name).value(), IsEmpty()) << name;
  }
  EXPECT_THAT(DatapathMaps(raw.get()).ports.Dump().value(), IsEmpty());
  EXPECT_THAT(DatapathMaps(raw.get()).fdb.Dump().value(), IsEmpty());
}

TEST_F(EbpfDatapathTest, ARemovedTunnelDeviceIsMadeAnew) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  host_.RemoveDevice("or-vxlan");
  EXPECT_EQ(host_.Read(), OnePort());
  const sys::Link tunnel = host_.FindLink("or-vxlan");
  EXPECT_EQ(tunnel.kind, "vxlan");
  EXPECT_TRUE(tunnel.admin_up);
  EXPECT_TRUE(Filter("or-vxlan", TcDirection::kIngress).has_value());
  EXPECT_TRUE(Filter("or-vxlan", TcDirection::kEgress).has_value());
}

TEST_F(EbpfDatapathTest, ATunnelDeviceThatWasSetDownIsFoundAndMended) {
  ASSERT_TRUE(host_.netlink()->SetUp(host_.FindLink("or-vxlan").ifindex, false).ok());
  EXPECT_TRUE(host_.In([this] { return host_.datapath().FindLostPorts(); }).ok());
  EXPECT_TRUE(host_.FindLink("or-vxlan").admin_up);
}

TEST_F(EbpfDatapathTest, ADeviceOfSomebodyElseIsNoTunnel) {
  host_.Stop();
  host_.options().tunnel_device = "tap9";
  host_.AddDevice("tap9");
  const absl::Status status = host_.TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(Message(status), HasSubstr("device tap9: exists and is no vxlan device"));
}

TEST_F(EbpfDatapathTest, PinsOfAnotherReleaseAreRefused) {
  host_.Stop();
  ASSERT_TRUE(sys::EnsureBpffs(host_.options().bpffs + "/v99").ok());
  const absl::Status status = host_.TryStart();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Message(status), HasSubstr("v99"));
  EXPECT_THAT(Message(status), HasSubstr("--uninstall"));
}

TEST_F(EbpfDatapathTest, AHostWithoutAVtepIsRefused) {
  host_.Stop();
  host_.options().vteps = VtepPair();
  EXPECT_EQ(host_.TryStart().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(EbpfDatapathTest, UninstallLeavesNothing) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  host_.Stop();
  const auto uninstall = [this] {
    return host_.In([this] { return EbpfDatapath::Uninstall(host_.options(), host_.netlink()); });
  };
  EXPECT_TRUE(uninstall().ok());
  EXPECT_EQ(Filter("tap0", TcDirection::kIngress), std::nullopt);
  EXPECT_EQ(Filter("tap0", TcDirection::kEgress), std::nullopt);
  EXPECT_TRUE(absl::IsNotFound(host_.netlink()->FindLink("or-vxlan").status()));
  EXPECT_THAT(sys::ListPins(VersionDir()).value(), IsEmpty());
  EXPECT_TRUE(uninstall().ok()) << "nothing is there";

  host_.Start();
  EXPECT_EQ(host_.Read(), HostState());
  host_.Become(OnePort());
}

// As the message about another release's pins says.
TEST_F(EbpfDatapathTest, UninstallTakesTheFiltersOfAnotherReleaseOff) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  host_.Stop();
  std::filesystem::rename(VersionDir(), host_.options().bpffs + "/v1");
  EXPECT_EQ(host_.TryStart().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(
      host_.In([this] { return EbpfDatapath::Uninstall(host_.options(), host_.netlink()); }).ok());
  EXPECT_EQ(Filter("tap0", TcDirection::kIngress), std::nullopt);
  EXPECT_EQ(Filter("tap0", TcDirection::kEgress), std::nullopt);
  host_.Start();
  host_.Become(OnePort());
}

// A map is missing and another has a layout that is not ours: refused, and not forgotten.
TEST_F(EbpfDatapathTest, MapsOfAnotherLayoutLeaveThePinsForUninstall) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  host_.Stop();
  ASSERT_TRUE(sys::Unpin(MapsDir() + "/or_devices").ok());
  std::filesystem::remove(MapsDir() + "/or_fdb");
  std::filesystem::rename(MapsDir() + "/or_vteps", MapsDir() + "/or_fdb");
  EXPECT_FALSE(host_.TryStart().ok());
  ASSERT_TRUE(
      host_.In([this] { return EbpfDatapath::Uninstall(host_.options(), host_.netlink()); }).ok());
  EXPECT_EQ(Filter("tap0", TcDirection::kIngress), std::nullopt);
}

TEST_F(EbpfDatapathTest, UninstallNeedsNoWholeMaps) {
  host_.AddDevice("tap0");
  host_.Become(OnePort());
  host_.Stop();
  ASSERT_TRUE(sys::Unpin(MapsDir() + "/or_devices").ok());
  host_.AddDevice("somebodys");
  ASSERT_TRUE(
      host_.In([this] { return EbpfDatapath::Uninstall(host_.options(), host_.netlink()); }).ok());
  EXPECT_EQ(Filter("tap0", TcDirection::kIngress), std::nullopt);
  EXPECT_THAT(sys::ListPins(VersionDir()).value(), IsEmpty());

  Options others = host_.options();
  others.tunnel_device = "somebodys";
  ASSERT_TRUE(host_.In([&] { return EbpfDatapath::Uninstall(others, host_.netlink()); }).ok());
  EXPECT_EQ(host_.FindLink("somebodys").name, "somebodys") << "no tunnel of ours";
}

TEST_F(EbpfDatapathTest, MoreCopiesThanAFrameCanBeMadeAreRefused) {
  HostState state;
  state.segments[kSegment].mtu = 1400;
  for (int i = 0; i <= OR_MAX_COPIES; ++i) {
    state.segments[kSegment].vteps.insert(
        IpAddress::FromV4({10, 98, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}));
  }
  const ApplyResult result = host_.Apply(state::ComputeDelta({}, state));
  ASSERT_THAT(result.failures, SizeIs(1));
  EXPECT_EQ(result.failures[0].status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(result.failures[0].status), HasSubstr("segment 7"));

  state.segments[kSegment].vteps.erase(state.segments[kSegment].vteps.begin());
  host_.Become(state);
}

// The programs count them anew; without this a full map would let no new MAC pass.
TEST_F(EbpfDatapathTest, ForgetsSourceMacsOfWindowsThatAreOver) {
  host_.AddDevice("tap0");
  HostState state = OnePort();
  state.ports[kPort].mac_anti_spoof = false;
  state.ports[kPort].max_macs = 10;
  host_.Become(state);
  auto raw = sys::KernelBpfMaps::OpenPinned(MapsDir(), DatapathMaps::Names()).value();
  const DatapathMaps maps(raw.get());
  const uint32_t index = maps.mac_windows.Keys().value().at(0);
  ASSERT_EQ(maps.mac_windows.Update(index, {0, 1, 1000}), absl::OkStatus());
  const abi::or_source_mac current = {.port = index, .mac = {2}, .pad = 0};
  ASSERT_EQ(maps.source_macs.Update(current, 1000), absl::OkStatus());
  ASSERT_EQ(maps.source_macs.Update({.port = index, .mac = {4}, .pad = 0}, 999), absl::OkStatus());
  ASSERT_EQ(maps.source_macs.Update({.port = 77, .mac = {6}, .pad = 0}, 1000), absl::OkStatus());
  ASSERT_TRUE(host_.In([&] { return host_.datapath().FindLostPorts(); }).ok());
  EXPECT_THAT(maps.source_macs.Keys().value(), SizeIs(1));
  EXPECT_EQ(*maps.source_macs.Lookup(current), 1000u);
  state.ports[kPort].max_macs = 0;
  host_.Become(state);
  EXPECT_THAT(maps.mac_windows.Keys().value(), IsEmpty());
}

// Rows that ports refer to: shared by equal ports, gone with the last one.
TEST_F(EbpfDatapathTest, LimitsAndListsAreSharedAndRemoved) {
  HostState state = OnePort();
  state.ports[kPort].device.reset();
  state.ports[kPort].egress_policer = {.rate_kbps = 8, .burst_kb = 9};
  state.ports[kPort].allowed = {
      {.mac = MakeMac(9),
       .prefixes = {*IpPrefix::Parse("10.0.0.0/8"), *IpPrefix::Parse("fd00::1/128")}}};
  state.ports[MakePortId(2)] = state.ports[kPort];
  host_.Become(state);
  auto raw = sys::KernelBpfMaps::OpenPinned(MapsDir(), DatapathMaps::Names()).value();
  const DatapathMaps maps(raw.get());
  EXPECT_THAT(maps.limits.Keys().value(), SizeIs(1));
  EXPECT_THAT(maps.allowed_rows.Keys().value(), SizeIs(3));
  EXPECT_THAT(maps.allowed_macs.Keys().value(), SizeIs(1));
  EXPECT_THAT(maps.allowed.Keys().value(), SizeIs(2));
  abi::or_policer used = {};
  used.bytes.last_ns = 1;
  std::vector<uint32_t> buckets;
  const std::vector<uint32_t> indices = maps.port_info.Keys().value();
  for (const uint32_t index : indices) {
    buckets.push_back(OR_POLICER(index, abi::OR_LIMIT_EGRESS));
    EXPECT_TRUE(maps.policers.Update(buckets.back(), used).ok());
  }
  host_.Start();
  EXPECT_EQ(host_.Read(), state);
  // What is replaced goes with a later call, when no frame can read it.
  for (uint64_t rate : {10, 11}) {
    for (const PortId& id : {kPort, MakePortId(2)}) {
      state.ports[id].egress_policer.rate_kbps = rate;
      state.ports[id].allowed.clear();
    }
    host_.Become(state);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (maps.limits.Keys()->size() > 1 && std::chrono::steady_clock::now() < deadline) {
    EXPECT_THAT(host_.Apply({}).failures, IsEmpty());
  }
  EXPECT_THAT(maps.limits.Keys().value(), SizeIs(1));
  EXPECT_THAT(maps.allowed_rows.Keys().value(), IsEmpty());
  EXPECT_THAT(maps.allowed_macs.Keys().value(), IsEmpty());
  EXPECT_THAT(maps.allowed.Keys().value(), IsEmpty());
  host_.Become({});
  host_.Start();
  EXPECT_THAT(maps.limits.Keys().value(), IsEmpty()) << "nobody names it any more";
  for (const uint32_t bucket : buckets) {
    EXPECT_EQ(maps.policers.Lookup(bucket)->bytes.last_ns, 0u) << "the next port's is full";
  }
}

}  // namespace
}  // namespace outrider::datapath::ebpf
