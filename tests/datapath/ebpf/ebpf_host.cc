#include "tests/datapath/ebpf/ebpf_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <thread>

#include "tests/support/packet_builder.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {
namespace {

// Until a neighbour that is there has answered.
constexpr std::chrono::milliseconds kResolveTime(50);

}  // namespace

EbpfHost::EbpfHost(const std::string& vtep) {
  options_.bpffs = bpffs_.path();
  options_.vteps = VtepPair(tests::Ip(vtep));
  options_.underlay_mtu = 1500;
  options_.uplinks = {{kUplink, kUplinkDevice}};
  netlink_ = In([] { return sys::NetlinkSocket::Create().value(); });
  AddDevice(kUplinkDevice);
}

EbpfHost::~EbpfHost() { Stop(); }

absl::Status EbpfHost::TryStart() {
  return In([this]() -> absl::Status {
    datapath_.reset();
    ASSIGN_OR_RETURN(datapath_, EbpfDatapath::Create(options_, netlink_.get()));
    return absl::OkStatus();
  });
}

void EbpfHost::Start() {
  if (const absl::Status status = TryStart(); !status.ok()) {
    throw std::runtime_error(status.ToString());
  }
}

void EbpfHost::Stop() {
  In([this] { datapath_.reset(); });
}

state::HostState EbpfHost::Read() {
  return In([this] { return datapath_->ReadState().value(); });
}

ApplyResult EbpfHost::Apply(const state::StateDelta& delta) {
  return In([&] { return datapath_->Apply(delta); });
}

void EbpfHost::Become(const state::HostState& to) {
  ASSERT_TRUE(state::Validate(to).ok()) << state::Validate(to);
  for (const ObjectFailure& failure : Apply(state::ComputeDelta(Read(), to)).failures) {
    ADD_FAILURE() << ToString(failure.kind) << " " << failure.key << ": " << failure.status;
  }
  ASSERT_EQ(Read(), to);
  if (!by_tunnel_device_) LookForWays(kResolveTime);
}

std::unique_ptr<sys::KernelBpfMaps> EbpfHost::Maps() const {
  return sys::KernelBpfMaps::OpenPinned(PinnedMapsDir(options_.bpffs), DatapathMaps::Names())
      .value();
}

bool EbpfHost::LookForWays(std::chrono::milliseconds time) {
  const auto maps = Maps();
  const DatapathMaps tables(maps.get());
  const auto deadline = std::chrono::steady_clock::now() + time;
  const auto missing = [&] {
    const auto rows = tables.vteps.Dump().value();
    return std::any_of(rows.begin(), rows.end(),
                       [](const auto& row) { return row.second.paths == 0; });
  };
  do {
    In([&] { datapath_->RefreshUnderlay(std::nullopt); });
  } while (missing() && std::chrono::steady_clock::now() < deadline);
  // Nobody renews it here.
  WriteUnderlay({.until_ns = std::numeric_limits<uint64_t>::max()});
  return !missing();
}

void EbpfHost::FindWays() { EXPECT_TRUE(LookForWays(std::chrono::seconds(5))) << "of some VTEP"; }

void EbpfHost::WriteUnderlay(const abi::or_underlay& row) {
  const auto maps = Maps();
  ASSERT_EQ(DatapathMaps(maps.get()).underlay.Update(0, row), absl::OkStatus());
}

void EbpfHost::AddDevice(const std::string& name, int ifindex) {
  tests::CreateVeth({.netns = &netns_, .name = name, .ifindex = ifindex},
                    {.netns = &guests_, .name = name});
}

void EbpfHost::RemoveDevice(const std::string& name) { tests::DeleteDevice(netns_, name); }

sys::Link EbpfHost::FindLink(const std::string& name) { return netlink_->FindLink(name).value(); }

uint64_t EbpfHost::PortDrops(const PortId& port, const std::string& reason) {
  const auto ports = datapath_->ReadPorts().value();
  const auto found = ports.find(port);
  if (found == ports.end()) return 0;
  const auto drops = found->second.drops.find(reason);
  return drops == found->second.drops.end() ? 0 : drops->second;
}

uint64_t EbpfHost::HostDrops(const std::string& reason) {
  const auto drops = datapath_->ReadHostDrops().value();
  const auto found = drops.find(reason);
  return found == drops.end() ? 0 : found->second;
}

uint64_t EbpfHost::AwaitPortDrops(const PortId& port, const std::string& reason, uint64_t count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  uint64_t drops = PortDrops(port, reason);
  while (drops < count && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
    drops = PortDrops(port, reason);
  }
  return drops;
}

}  // namespace outrider::datapath::ebpf
