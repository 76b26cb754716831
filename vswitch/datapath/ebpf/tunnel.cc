#include "vswitch/datapath/ebpf/tunnel.h"

#include <array>
#include <utility>

#include "vswitch/sys/netlink/sysctl.h"

namespace outrider::datapath::ebpf {
namespace {

// The largest the kernel takes. Segments have their own MTU, enforced before a frame gets here.
constexpr uint32_t kTunnelMtu = 65535;

constexpr std::array<std::pair<sys::TcDirection, Program>, 2> kTunnelPrograms = {
    {{sys::TcDirection::kEgress, Program::kTunnelGuard},
     {sys::TcDirection::kIngress, Program::kFromOverlay}}};

}  // namespace

absl::StatusOr<int> Tunnel::EnsureDevice() {
  ASSIGN_OR_RETURN(const sys::Link link,
                   netlink_->EnsureVxlan({.name = device_, .port = port_, .mtu = kTunnelMtu}));
  RETURN_IF_ERROR(sys::DisableIpv6(device_));
  ifindex_ = link.ifindex;
  return ifindex_;
}

absl::Status Tunnel::Start(const ProgramSet& programs) {
  for (const auto& [direction, program] : kTunnelPrograms) {
    ASSIGN_OR_RETURN(const auto id, filters_->Query(ifindex_, direction));
    if (id == programs.Id(program)) continue;
    RETURN_IF_ERROR(Annotate(filters_->Attach(ifindex_, direction, programs.Descriptor(program)),
                             "tunnel device " + device_));
  }
  ASSIGN_OR_RETURN(const sys::Link link, netlink_->FindLink(ifindex_));
  return link.admin_up ? absl::OkStatus() : netlink_->SetUp(ifindex_, true);
}

absl::StatusOr<bool> Tunnel::IsWhole(const ProgramSet& programs) {
  const absl::StatusOr<sys::Link> link = netlink_->FindLink(device_);
  if (absl::IsNotFound(link.status())) return false;
  RETURN_IF_ERROR(link.status());
  if (link->ifindex != ifindex_ || !link->admin_up) return false;
  for (const auto& [direction, program] : kTunnelPrograms) {
    ASSIGN_OR_RETURN(const auto id, filters_->Query(ifindex_, direction));
    if (id != programs.Id(program)) return false;
  }
  return true;
}

absl::Status RemoveTunnelDevice(sys::NetlinkSocket* netlink, const sys::VxlanDevice& device) {
  const absl::StatusOr<sys::Link> present = netlink->FindLink(device.name);
  if (absl::IsNotFound(present.status())) return absl::OkStatus();
  RETURN_IF_ERROR(present.status());
  sys::VxlanDevice as_it_is = device;
  as_it_is.mtu = present->mtu;
  const absl::StatusOr<sys::Link> ours = netlink->EnsureVxlan(as_it_is);
  if (absl::IsAlreadyExists(ours.status())) return absl::OkStatus();
  RETURN_IF_ERROR(ours.status());
  return netlink->DeleteLink(ours->ifindex);
}

}  // namespace outrider::datapath::ebpf
