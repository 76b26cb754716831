#include "vswitch/agent/port_devices.h"

#include <fmt/format.h>

#include <utility>

namespace outrider::agent {
namespace {

// Up to here links are asked for one by one; a list has all of the host.
constexpr size_t kFewLinks = 4;

absl::Status Refused(const std::string& name, const std::string& what) {
  return absl::FailedPreconditionError(fmt::format("device \"{}\" {}", name, what));
}

}  // namespace

absl::StatusOr<PortDevices> PortDevices::Read(sys::NetlinkSocket* netlink,
                                              const ReservedDevices* reserved,
                                              const std::set<std::string>& names) {
  PortDevices devices(reserved);
  if (names.empty()) return devices;
  if (names.size() <= kFewLinks) {
    for (const std::string& name : names) {
      const auto link = netlink->FindLink(name);
      if (absl::IsNotFound(link.status())) continue;
      RETURN_IF_ERROR(link.status());
      devices.links_.emplace(name, *link);
    }
  } else {
    ASSIGN_OR_RETURN(auto links, netlink->ListLinks());
    for (sys::Link& link : links) {
      if (names.contains(link.name)) devices.links_.emplace(link.name, std::move(link));
    }
  }
  RETURN_IF_ERROR(devices.ReadAddresses(netlink));
  return devices;
}

absl::StatusOr<PortDevices> PortDevices::Among(const std::vector<sys::Link>& links,
                                               sys::NetlinkSocket* netlink,
                                               const ReservedDevices* reserved) {
  PortDevices devices(reserved);
  for (const sys::Link& link : links) devices.links_.emplace(link.name, link);
  if (!links.empty()) RETURN_IF_ERROR(devices.ReadAddresses(netlink));
  return devices;
}

absl::Status PortDevices::ReadAddresses(sys::NetlinkSocket* netlink) {
  ASSIGN_OR_RETURN(const auto addresses, netlink->ListAddresses());
  for (const sys::LinkAddress& address : addresses) {
    addresses_[address.ifindex].push_back(address.address);
  }
  return absl::OkStatus();
}

absl::Status PortDevices::Check(const std::string& name) const {
  const auto link = links_.find(name);
  if (link == links_.end()) {
    return absl::NotFoundError(
        fmt::format("device \"{}\" does not exist on this host; create it first (ip tuntap add, or "
                    "start the guest), `ip link` lists devices",
                    name));
  }
  if (link->second.loopback) {
    return Refused(name, "is the loopback; attach a guest's tap or veth");
  }
  if (name == reserved_->tunnel) {
    return Refused(name, "is the switch's own tunnel; attach a guest's tap or veth");
  }
  for (const auto& [network, uplink] : reserved_->uplinks) {
    if (name != uplink) continue;
    return Refused(name, fmt::format("is the uplink to \"{}\"; attach a guest's tap or veth, or "
                                     "leave it out of --uplink",
                                     network));
  }
  return CheckAddresses(link->second);
}

absl::Status PortDevices::CheckAddresses(const sys::Link& link) const {
  const auto addresses = addresses_.find(link.ifindex);
  if (addresses == addresses_.end()) return absl::OkStatus();
  for (const IpAddress& address : addresses->second) {
    if (reserved_->vteps.Has(address)) {
      return Refused(link.name, fmt::format("carries this host's tunnels (VTEP {}); attach a "
                                            "guest's tap or veth",
                                            address.ToString()));
    }
    if (address.IsLinkLocal()) continue;
    return Refused(link.name,
                   fmt::format("is the host's own, with address {}: as a port it would be cut off; "
                               "attach a guest's tap or veth, or remove the address (ip address "
                               "flush dev {})",
                               address.ToString(), link.name));
  }
  return absl::OkStatus();
}

}  // namespace outrider::agent
