#include "vswitch/datapath/ebpf/device_binder.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "vswitch/datapath/ebpf/port_codec.h"
#include "vswitch/sys/netlink/sysctl.h"

namespace outrider::datapath::ebpf {
namespace {

constexpr std::array<std::pair<sys::TcDirection, Program>, 2> kPortPrograms = {
    {{sys::TcDirection::kEgress, Program::kPortGuard},
     {sys::TcDirection::kIngress, Program::kFromPort}}};

sys::ShapedRate ToRate(const state::Shaper& shaper) {
  constexpr uint64_t kBytesPerKilobit = 125;
  const auto bytes = [](uint64_t kilobits) {
    constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
    return kilobits > kMax / kBytesPerKilobit ? kMax : kilobits * kBytesPerKilobit;
  };
  // Without a guarantee the class has what is there: nobody else is on a port's device.
  return {.guaranteed = bytes(shaper.min_kbps == 0 ? shaper.max_kbps : shaper.min_kbps),
          .ceiling = bytes(shaper.max_kbps),
          .burst = bytes(shaper.burst_kb)};
}

// The device is gone in the meantime: no error where the aim is that nothing of ours is on it.
absl::StatusOr<std::optional<uint32_t>> QueryPresent(sys::TcFilters* filters, uint32_t ifindex,
                                                     sys::TcDirection direction) {
  auto id = filters->Query(static_cast<int>(ifindex), direction);
  if (absl::IsNotFound(id.status())) return std::optional<uint32_t>();
  return id;
}

}  // namespace

absl::Status DeviceBinder::SetMtu(const sys::Link& link, uint32_t mtu) {
  if (link.mtu == mtu) return absl::OkStatus();
  const absl::Status status = netlink_->SetMtu(link.ifindex, mtu);
  if (status.ok() || absl::IsNotFound(status)) return status;
  return absl::FailedPreconditionError(
      fmt::format("device {}: does not take mtu {}: {}", link.name, mtu, Message(status)));
}

absl::Status DeviceBinder::SetShaper(const sys::Link& link, const state::Shaper& shaper) {
  const absl::Status status = shaper.max_kbps == 0 ? shaper_->Unshape(link.ifindex)
                                                   : shaper_->Shape(link.ifindex, ToRate(shaper));
  if (status.ok() || absl::IsNotFound(status)) return status;
  return absl::FailedPreconditionError(fmt::format("device {}: {}", link.name, Message(status)));
}

absl::StatusOr<bool> DeviceBinder::HasShaper(uint32_t ifindex, const state::Shaper& shaper) {
  return shaper_->IsShaped(static_cast<int>(ifindex), ToRate(shaper));
}

absl::Status DeviceBinder::Bind(const sys::Link& link, uint32_t port_index) {
  const auto ifindex = static_cast<uint32_t>(link.ifindex);
  const absl::StatusOr<uint32_t> row = maps_->devices.Lookup(ifindex);
  if (!row.ok() && !absl::IsNotFound(row.status())) return row.status();
  if (!row.ok() || *row != port_index) {
    RETURN_IF_ERROR(sys::DisableIpv6(link.name));
    RETURN_IF_ERROR(maps_->devices.Update(ifindex, port_index));
  }
  for (const auto& [direction, program] : kPortPrograms) {
    RETURN_IF_ERROR(Annotate(AttachMissing(ifindex, direction, program), "device " + link.name));
  }
  return absl::OkStatus();
}

absl::Status DeviceBinder::Unbind(uint32_t ifindex) {
  RETURN_IF_ERROR(shaper_->Unshape(static_cast<int>(ifindex)));
  RETURN_IF_ERROR(
      DetachPrograms(filters_, ifindex, [this](uint32_t id) { return programs_->IsOurs(id); }));
  const absl::Status status = maps_->devices.Delete(ifindex);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::StatusOr<std::set<uint32_t>> DeviceBinder::BoundPorts(const Inventory& inventory) {
  std::map<uint32_t, std::string> devices;
  for (const auto& [ifindex, index] : inventory.devices) {
    const auto port = inventory.ports.find(index);
    const auto info = inventory.port_info.find(index);
    if (port != inventory.ports.end() && port->second.ifindex == ifindex &&
        info != inventory.port_info.end()) {
      devices[ifindex] = DecodeDevice(info->second);
    }
  }
  ASSIGN_OR_RETURN(const std::set<uint32_t> whole, Whole(devices));
  std::set<uint32_t> bound;
  for (const uint32_t ifindex : whole) bound.insert(inventory.devices.at(ifindex));
  return bound;
}

absl::StatusOr<std::set<uint32_t>> DeviceBinder::Whole(
    const std::map<uint32_t, std::string>& devices) {
  ASSIGN_OR_RETURN(const std::vector<sys::Link> links, netlink_->ListLinks());
  std::set<uint32_t> whole;
  for (const sys::Link& link : links) {
    const auto device = devices.find(static_cast<uint32_t>(link.ifindex));
    if (device == devices.end() || device->second != link.name) continue;
    ASSIGN_OR_RETURN(const bool has_programs, HasPrograms(device->first));
    if (has_programs) whole.insert(device->first);
  }
  return whole;
}

absl::Status DeviceBinder::ReplaceOldPrograms(const Inventory& inventory) {
  for (const auto& [ifindex, index] : inventory.devices) {
    for (const auto& [direction, program] : kPortPrograms) {
      ASSIGN_OR_RETURN(const auto id, QueryPresent(filters_, ifindex, direction));
      if (!id || *id == programs_->Id(program) || !programs_->IsOurs(*id)) continue;
      RETURN_IF_ERROR(
          filters_->Attach(static_cast<int>(ifindex), direction, programs_->Descriptor(program)));
    }
  }
  return absl::OkStatus();
}

absl::Status DeviceBinder::AttachMissing(uint32_t ifindex, sys::TcDirection direction,
                                         Program program) {
  ASSIGN_OR_RETURN(const auto id, filters_->Query(static_cast<int>(ifindex), direction));
  if (id == programs_->Id(program)) return absl::OkStatus();
  return filters_->Attach(static_cast<int>(ifindex), direction, programs_->Descriptor(program));
}

absl::StatusOr<bool> DeviceBinder::HasPrograms(uint32_t ifindex) {
  for (const auto& [direction, program] : kPortPrograms) {
    ASSIGN_OR_RETURN(const auto id, QueryPresent(filters_, ifindex, direction));
    if (id != programs_->Id(program)) return false;
  }
  return true;
}

absl::Status DetachPrograms(sys::TcFilters* filters, uint32_t ifindex,
                            const std::function<bool(uint32_t)>& is_ours) {
  for (const auto& [direction, program] : kPortPrograms) {
    ASSIGN_OR_RETURN(const auto id, QueryPresent(filters, ifindex, direction));
    if (!id || !is_ours(*id)) continue;
    RETURN_IF_ERROR(filters->Detach(static_cast<int>(ifindex), direction));
  }
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
