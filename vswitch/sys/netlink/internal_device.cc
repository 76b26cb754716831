#include "vswitch/sys/netlink/internal_device.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <netlink/route/link/veth.h>

#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"

namespace outrider::sys {
namespace {

// Before the name of the switch's end.
constexpr char kAlias[] = "outrider internal port, switch's end ";

struct AddressCloser {
  void operator()(nl_addr* address) const { nl_addr_put(address); }
};
using AddressHandle = std::unique_ptr<nl_addr, AddressCloser>;

AddressHandle ToAddress(const MacAddress& mac) {
  return AddressHandle(nl_addr_build(AF_LLC, mac.bytes().data(), mac.bytes().size()));
}

// Name of the switch's end; empty: not the host's end of a pair of ours.
std::string PortDeviceOf(rtnl_link* link) {
  const char* const alias = rtnl_link_get_ifalias(link);
  if (alias == nullptr) return "";
  const std::string text = alias;
  const std::string prefix = kAlias;
  return text.starts_with(prefix) ? text.substr(prefix.size()) : "";
}

class RtnetlinkInternalDevices final : public InternalDevices {
 public:
  explicit RtnetlinkInternalDevices(SocketHandle socket) : socket_(std::move(socket)) {}

  absl::Status Ensure(const InternalDevice& device) override {
    auto existing = Get(device.name);
    if (!existing.ok() && !absl::IsNotFound(existing.status())) return existing.status();
    if (existing.ok() && PortDeviceOf(existing->get()) != device.port_device) {
      return absl::AlreadyExistsError(fmt::format(
          "device {}: exists and is not the switch's own; remove it or choose another name",
          device.name));
    }
    if (!existing.ok()) {
      RETURN_IF_ERROR(Make(device));
      ASSIGN_OR_RETURN(LinkHandle made, Get(device.name));
      RETURN_IF_ERROR(Change(
          made.get(),
          [&](rtnl_link* change) {
            rtnl_link_set_ifalias(change, (kAlias + device.port_device).c_str());
          },
          "name the pair of " + device.name));
    } else {
      RETURN_IF_ERROR(Adjust(existing->get(), device));
    }
    ASSIGN_OR_RETURN(LinkHandle peer, Get(device.port_device));
    return Change(
        peer.get(), [](rtnl_link* change) { rtnl_link_set_flags(change, IFF_UP); },
        "set device " + device.port_device + " up");
  }

  absl::Status Remove(const std::string& name) override {
    auto link = Get(name);
    if (absl::IsNotFound(link.status())) return absl::OkStatus();
    RETURN_IF_ERROR(link.status());
    if (PortDeviceOf(link->get()).empty()) return absl::OkStatus();
    return NetlinkStatus(rtnl_link_delete(socket_.get(), link->get()), "delete device " + name);
  }

  absl::StatusOr<std::map<std::string, std::string>> List() override {
    nl_cache* raw = nullptr;
    RETURN_IF_ERROR(
        NetlinkStatus(rtnl_link_alloc_cache(socket_.get(), AF_UNSPEC, &raw), "list devices"));
    const CacheHandle cache(raw);
    std::map<std::string, std::string> pairs;
    for (nl_object* object = nl_cache_get_first(raw); object != nullptr;
         object = nl_cache_get_next(object)) {
      auto* const link = reinterpret_cast<rtnl_link*>(object);
      const std::string port_device = PortDeviceOf(link);
      if (!port_device.empty()) pairs.emplace(rtnl_link_get_name(link), port_device);
    }
    return pairs;
  }

 private:
  absl::StatusOr<LinkHandle> Get(const std::string& name) {
    rtnl_link* raw = nullptr;
    const int error = rtnl_link_get_kernel(socket_.get(), 0, name.c_str(), &raw);
    if (error >= 0 && raw == nullptr) {
      return absl::NotFoundError("device " + name + ": no such device");
    }
    if (error < 0) return NetlinkStatus(error, "device " + name);
    return LinkHandle(raw);
  }

  absl::Status Make(const InternalDevice& device) {
    const LinkHandle link(rtnl_link_veth_alloc());
    if (link == nullptr) return absl::ResourceExhaustedError("create veth: out of memory");
    rtnl_link* const peer = rtnl_link_veth_get_peer(link.get());
    rtnl_link_set_name(link.get(), device.name.c_str());
    rtnl_link_set_mtu(link.get(), device.mtu);
    rtnl_link_set_addr(link.get(), ToAddress(device.mac).get());
    rtnl_link_set_name(peer, device.port_device.c_str());
    rtnl_link_set_mtu(peer, device.mtu);
    const absl::Status status =
        NetlinkStatus(rtnl_link_add(socket_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL),
                      fmt::format("create device {} with {}", device.name, device.port_device));
    // The reference that rtnl_link_veth_get_peer took.
    rtnl_link_put(peer);
    return status;
  }

  absl::Status Adjust(rtnl_link* link, const InternalDevice& device) {
    const Link present = ToLink(link);
    if (present.mtu == device.mtu && present.mac == device.mac) return absl::OkStatus();
    return Change(
        link,
        [&](rtnl_link* change) {
          if (present.mtu != device.mtu) rtnl_link_set_mtu(change, device.mtu);
          if (present.mac != device.mac) {
            rtnl_link_set_addr(change, ToAddress(device.mac).get());
          }
        },
        fmt::format("set MTU {} and MAC {} of device {}", device.mtu, device.mac.ToString(),
                    device.name));
  }

  template <typename Set>
  absl::Status Change(rtnl_link* link, Set set, const std::string& what) {
    const LinkHandle change(rtnl_link_alloc());
    rtnl_link_set_ifindex(change.get(), rtnl_link_get_ifindex(link));
    set(change.get());
    return NetlinkStatus(rtnl_link_change(socket_.get(), link, change.get(), 0), what);
  }

  const SocketHandle socket_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<InternalDevices>> InternalDevices::Create() {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("netlink socket: out of memory");
  RETURN_IF_ERROR(NetlinkStatus(nl_connect(socket.get(), NETLINK_ROUTE), "connect rtnetlink"));
  return std::make_unique<RtnetlinkInternalDevices>(std::move(socket));
}

}  // namespace outrider::sys
