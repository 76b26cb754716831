#include "vswitch/datapath/ebpf/underlay_paths.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "vswitch/datapath/ebpf/c_arrays.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"

namespace outrider::datapath::ebpf {

abi::or_vtep UnderlayPaths::RowOf(const IpAddress& vtep) {
  abi::or_vtep row{};
  CopyBytes(vtep.bytes(), row.address);
  const VtepPair& own = programs_->constants().local_vteps;
  const auto& source = vtep.IsV4() ? own.v4() : own.v6();
  if (!source) return row;
  auto hops = dependencies_.next_hops->Find(vtep, *source);
  if (!hops.ok()) {
    spdlog::warn("underlay: {}; frames to VTEP {} go by the tunnel device", Message(hops.status()),
                 vtep.ToString());
    return row;
  }
  for (const sys::NextHop& hop : *hops) {
    const auto path = PathOf(hop);
    if (path && row.paths < OR_MAX_PATHS) row.path[row.paths++] = *path;
  }
  hops_[vtep] = *std::move(hops);
  return row;
}

std::optional<abi::or_path> UnderlayPaths::PathOf(const sys::NextHop& hop) {
  const auto link = dependencies_.netlink->FindLink(hop.ifindex);
  // Without Ethernet there is nothing to put in front; what is too large the kernel cuts.
  if (!link.ok() || !link->admin_up || !link->carrier || link->mac.IsZero() ||
      link->mtu < dependencies_.mtu) {
    return std::nullopt;
  }
  const auto mac = dependencies_.next_hops->Resolve(hop);
  if (!mac.ok()) spdlog::warn("underlay: {}", Message(mac.status()));
  if (!mac.ok() || !*mac) return std::nullopt;
  abi::or_path path{};
  path.ifindex = static_cast<uint32_t>(hop.ifindex);
  CopyBytes((*mac)->bytes(), path.eth_dst);
  CopyBytes(link->mac.bytes(), path.eth_src);
  return path;
}

std::set<IpAddress> UnderlayPaths::Behind(const sys::NextHop& hop) const {
  std::set<IpAddress> vteps;
  for (const auto& [vtep, hops] : hops_) {
    if (std::find(hops.begin(), hops.end(), hop) != hops.end()) vteps.insert(vtep);
  }
  return vteps;
}

std::set<int> UnderlayPaths::Devices() const {
  std::set<int> devices;
  for (const auto& [vtep, hops] : hops_) {
    for (const sys::NextHop& hop : hops) devices.insert(hop.ifindex);
  }
  for (const IpAddress& own : programs_->constants().local_vteps.All()) {
    const auto link = sys::FindVtepDevice(dependencies_.netlink, own);
    if (link.ok() && !link->loopback) devices.insert(link->ifindex);
  }
  return devices;
}

void UnderlayPaths::LetGoOfFormer(const std::set<int>& devices) {
  const auto links = dependencies_.netlink->ListLinks();
  if (!links.ok()) {
    spdlog::warn("underlay: {}", Message(links.status()));
    return;
  }
  for (const sys::Link& link : *links) {
    if (devices.contains(link.ifindex)) continue;
    const auto present = dependencies_.filters->Query(link.ifindex, sys::TcDirection::kIngress);
    if (!present.ok() || !*present || !programs_->IsOurs(**present, Program::kFromUnderlay)) {
      continue;
    }
    const absl::Status status =
        dependencies_.filters->Detach(link.ifindex, sys::TcDirection::kIngress);
    if (!status.ok()) spdlog::warn("underlay: {}", Message(status));
  }
  looked_for_former_ = true;
}

void UnderlayPaths::AttachPrograms() {
  const std::set<int> devices = Devices();
  if (!looked_for_former_) LetGoOfFormer(devices);
  for (const int device : devices) {
    const auto present = dependencies_.filters->Query(device, sys::TcDirection::kIngress);
    if (present.ok() && *present == programs_->Id(Program::kFromUnderlay)) continue;
    const absl::Status status = dependencies_.filters->Attach(
        device, sys::TcDirection::kIngress, programs_->Descriptor(Program::kFromUnderlay));
    if (!status.ok()) spdlog::warn("underlay: {}", Message(status));
  }
  for (const int former : attached_) {
    if (devices.contains(former)) continue;
    const absl::Status status = dependencies_.filters->Detach(former, sys::TcDirection::kIngress);
    if (!status.ok()) spdlog::warn("underlay: {}", Message(status));
  }
  attached_ = devices;
}

absl::Status LetGoOfUnderlay(int ifindex, const std::set<uint32_t>& ours, sys::TcFilters* filters) {
  const auto present = filters->Query(ifindex, sys::TcDirection::kIngress);
  if (absl::IsNotFound(present.status())) return absl::OkStatus();
  RETURN_IF_ERROR(present.status());
  if (!*present || !ours.contains(**present)) return absl::OkStatus();
  return filters->Detach(ifindex, sys::TcDirection::kIngress);
}

absl::Status UnderlayPaths::Renew() {
  uint64_t until_ns = 0;
  if (dependencies_.ipsec != nullptr) {
    const auto any = dependencies_.ipsec->Any();
    if (!any.ok()) spdlog::warn("underlay: {}", Message(any.status()));
    const bool has_ipsec = !any.ok() || *any;
    if (has_ipsec != std::exchange(has_ipsec_, has_ipsec)) {
      spdlog::info("underlay: frames to other hosts go {}",
                   has_ipsec ? "by the tunnel device: the host has IPsec policies"
                             : "without the tunnel device: the host has no IPsec policies");
    }
    if (!has_ipsec) until_ns = MonotonicNs() + kLeaseNs;
  }
  return maps_->underlay.Update(0, {.until_ns = until_ns});
}

}  // namespace outrider::datapath::ebpf
