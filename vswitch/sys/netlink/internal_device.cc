#include "vswitch/sys/netlink/internal_device.h"

#include <fmt/format.h>
#include <linux/if.h>
#include <netlink/route/link/veth.h>

#include <optional>
#include <string_view>
#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"

namespace outrider::sys {
namespace {

constexpr std::string_view kPortDevicePrefix = "orp-";
constexpr size_t kNumberDigits = 8;
// Of the switch's end, before the name of the host's.
constexpr std::string_view kAlias = "outrider internal port ";
// The kernel's greatest: the host's end alone limits what passes, whatever its user sets there.
constexpr uint32_t kPortDeviceMtu = 65535;

struct AddressCloser {
  void operator()(nl_addr* address) const { nl_addr_put(address); }
};
using AddressHandle = std::unique_ptr<nl_addr, AddressCloser>;

AddressHandle ToAddress(const MacAddress& mac) {
  return AddressHandle(nl_addr_build(AF_LLC, mac.bytes().data(), mac.bytes().size()));
}

bool IsPortDeviceName(std::string_view name) {
  if (!name.starts_with(kPortDevicePrefix)) return false;
  name.remove_prefix(kPortDevicePrefix.size());
  return name.size() == kNumberDigits &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Name of the host's end when the pair was made; empty: it has none yet, since the kernel takes no
// alias while it creates a device; absent: not the switch's end of a pair of ours.
std::optional<std::string> HostNameOf(rtnl_link* link) {
  const char* const name = rtnl_link_get_name(link);
  const char* const kind = rtnl_link_get_type(link);
  if (name == nullptr || !IsPortDeviceName(name)) return std::nullopt;
  if (kind == nullptr || std::string_view(kind) != "veth") return std::nullopt;
  const char* const alias = rtnl_link_get_ifalias(link);
  if (alias == nullptr) return "";
  std::string_view text = alias;
  if (!text.starts_with(kAlias)) return std::nullopt;
  text.remove_prefix(kAlias.size());
  return std::string(text);
}

// ifindex of the other end of a veth; 0: it is in another network namespace.
int PeerOf(rtnl_link* link) {
  int32_t netns = 0;
  return rtnl_link_get_link_netnsid(link, &netns) == 0 ? 0 : rtnl_link_get_link(link);
}

absl::Status NotOurs(const std::string& name) {
  return absl::AlreadyExistsError(fmt::format(
      "device {}: exists and is not the switch's own; remove it or choose another name", name));
}

class RtnetlinkInternalDevices final : public InternalDevices {
 public:
  explicit RtnetlinkInternalDevices(SocketHandle socket) : socket_(std::move(socket)) {}

  absl::Status Ensure(const InternalDevice& device) override {
    auto port = Get(0, device.port_device);
    if (absl::IsNotFound(port.status())) {
      RETURN_IF_ERROR(Make(device));
      port = Get(0, device.port_device);
    }
    RETURN_IF_ERROR(port.status());
    ASSIGN_OR_RETURN(const LinkHandle host, HostEndOf(port->get(), device));
    if (host != nullptr) RETURN_IF_ERROR(Adjust(host.get(), device));
    return Finish(port->get(), device);
  }

  absl::Status Remove(const std::string& port_device) override {
    auto link = Get(0, port_device);
    if (absl::IsNotFound(link.status())) return absl::OkStatus();
    RETURN_IF_ERROR(link.status());
    if (!HostNameOf(link->get())) return absl::OkStatus();
    return NetlinkStatus(rtnl_link_delete(socket_.get(), link->get()),
                         "delete device " + port_device);
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
      if (const auto name = HostNameOf(link)) pairs.emplace(rtnl_link_get_name(link), *name);
    }
    return pairs;
  }

 private:
  // By ifindex when not 0, else by name.
  absl::StatusOr<LinkHandle> Get(int ifindex, const std::string& name) {
    rtnl_link* raw = nullptr;
    const int error =
        rtnl_link_get_kernel(socket_.get(), ifindex, ifindex != 0 ? nullptr : name.c_str(), &raw);
    if (error >= 0 && raw == nullptr) {
      return absl::NotFoundError("device " + name + ": no such device");
    }
    if (error < 0) return NetlinkStatus(error, "device " + name);
    return LinkHandle(raw);
  }

  // nullptr: it is in another network namespace. AlreadyExists: the pair is another's.
  absl::StatusOr<LinkHandle> HostEndOf(rtnl_link* port, const InternalDevice& device) {
    const std::optional<std::string> name = HostNameOf(port);
    if (!name || (!name->empty() && *name != device.name)) return NotOurs(device.port_device);
    const int ifindex = PeerOf(port);
    if (ifindex == 0) return LinkHandle();
    auto host = Get(ifindex, device.name);
    // It went elsewhere just now, or the pair is being deleted.
    if (absl::IsNotFound(host.status())) return LinkHandle();
    RETURN_IF_ERROR(host.status());
    // Half made, by an agent that was killed then; or somebody's, who likes our names.
    if (name->empty() && device.name != rtnl_link_get_name(host->get())) {
      return NotOurs(device.port_device);
    }
    return host;
  }

  // What creating the pair leaves undone.
  absl::Status Finish(rtnl_link* port, const InternalDevice& device) {
    const std::string alias = fmt::format("{}{}", kAlias, device.name);
    const bool up = (rtnl_link_get_flags(port) & IFF_UP) != 0;
    if (up && HostNameOf(port) == device.name) return absl::OkStatus();
    return Change(
        port,
        [&](rtnl_link* change) {
          rtnl_link_set_ifalias(change, alias.c_str());
          rtnl_link_set_flags(change, IFF_UP);
        },
        fmt::format("name device {} and set it up", device.port_device));
  }

  absl::Status Make(const InternalDevice& device) {
    const auto taken = Get(0, device.name);
    if (taken.ok()) return NotOurs(device.name);
    if (!absl::IsNotFound(taken.status())) return taken.status();
    const LinkHandle link(rtnl_link_veth_alloc());
    if (link == nullptr) return absl::ResourceExhaustedError("create veth: out of memory");
    rtnl_link* const peer = rtnl_link_veth_get_peer(link.get());
    rtnl_link_set_name(link.get(), device.name.c_str());
    rtnl_link_set_mtu(link.get(), device.mtu);
    rtnl_link_set_addr(link.get(), ToAddress(device.mac).get());
    rtnl_link_set_name(peer, device.port_device.c_str());
    rtnl_link_set_mtu(peer, kPortDeviceMtu);
    const absl::Status status =
        NetlinkStatus(rtnl_link_add(socket_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL),
                      fmt::format("create device {} with {}", device.name, device.port_device));
    // The reference that rtnl_link_veth_get_peer took.
    rtnl_link_put(peer);
    return status;
  }

  absl::Status Adjust(rtnl_link* link, const InternalDevice& device) {
    const Link present = ToLink(link);
    const bool set_mac = device.keep_mac && present.mac != device.mac;
    const bool set_mtu = device.keep_mtu && present.mtu != device.mtu;
    if (!set_mac && !set_mtu) return absl::OkStatus();
    return Change(
        link,
        [&](rtnl_link* change) {
          if (set_mtu) rtnl_link_set_mtu(change, device.mtu);
          if (set_mac) rtnl_link_set_addr(change, ToAddress(device.mac).get());
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

std::string PortDeviceName(uint32_t number) {
  return fmt::format("{}{:0{}x}", kPortDevicePrefix, number, kNumberDigits);
}

absl::StatusOr<std::unique_ptr<InternalDevices>> InternalDevices::Create() {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("netlink socket: out of memory");
  RETURN_IF_ERROR(NetlinkStatus(nl_connect(socket.get(), NETLINK_ROUTE), "connect rtnetlink"));
  return std::make_unique<RtnetlinkInternalDevices>(std::move(socket));
}

}  // namespace outrider::sys
