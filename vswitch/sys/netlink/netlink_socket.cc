#include "vswitch/sys/netlink/netlink_socket.h"

#include <fmt/format.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link/vxlan.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "vswitch/sys/netlink/netlink_error.h"

namespace outrider::sys {
namespace {

std::optional<IpAddress> ToIpAddress(const nl_addr* address) {
  if (address == nullptr) return std::nullopt;
  const auto* bytes = static_cast<const uint8_t*>(nl_addr_get_binary_addr(address));
  if (nl_addr_get_family(address) == AF_INET) {
    std::array<uint8_t, 4> v4;
    std::copy_n(bytes, v4.size(), v4.begin());
    return IpAddress::FromV4(v4);
  }
  if (nl_addr_get_family(address) != AF_INET6) return std::nullopt;
  std::array<uint8_t, 16> v6;
  std::copy_n(bytes, v6.size(), v6.begin());
  return IpAddress(v6);
}

class RtnetlinkSocket final : public NetlinkSocket {
 public:
  explicit RtnetlinkSocket(SocketHandle socket) : socket_(std::move(socket)) {}

  absl::StatusOr<Link> FindLink(const std::string& name) override {
    ASSIGN_OR_RETURN(const LinkHandle link, Get(0, name.c_str(), "device " + name));
    return ToLink(link.get());
  }

  absl::StatusOr<Link> FindLink(int ifindex) override {
    ASSIGN_OR_RETURN(const LinkHandle link,
                     Get(ifindex, nullptr, fmt::format("device {}", ifindex)));
    return ToLink(link.get());
  }

  absl::StatusOr<std::vector<Link>> ListLinks() override {
    nl_cache* raw = nullptr;
    RETURN_IF_ERROR(
        NetlinkStatus(rtnl_link_alloc_cache(socket_.get(), AF_UNSPEC, &raw), "list devices"));
    const CacheHandle cache(raw);
    std::vector<Link> links;
    for (nl_object* object = nl_cache_get_first(raw); object != nullptr;
         object = nl_cache_get_next(object)) {
      links.push_back(ToLink(reinterpret_cast<rtnl_link*>(object)));
    }
    return links;
  }

  absl::StatusOr<std::vector<LinkAddress>> ListAddresses() override {
    nl_cache* raw = nullptr;
    RETURN_IF_ERROR(NetlinkStatus(rtnl_addr_alloc_cache(socket_.get(), &raw), "list addresses"));
    const CacheHandle cache(raw);
    std::vector<LinkAddress> addresses;
    for (nl_object* object = nl_cache_get_first(raw); object != nullptr;
         object = nl_cache_get_next(object)) {
      auto* entry = reinterpret_cast<rtnl_addr*>(object);
      if (const auto address = ToIpAddress(rtnl_addr_get_local(entry))) {
        addresses.push_back({rtnl_addr_get_ifindex(entry), *address});
      }
    }
    return addresses;
  }

  absl::StatusOr<Link> EnsureVxlan(const VxlanDevice& device) override {
    auto existing = Get(0, device.name.c_str(), "device " + device.name);
    if (!existing.ok() && !absl::IsNotFound(existing.status())) return existing.status();
    if (existing.ok()) {
      RETURN_IF_ERROR(CheckVxlan(existing->get(), device));
    }
    // A former release's: group policies are a matter of birth.
    const bool stays = existing.ok() && HasGroupPolicy(existing->get());
    if (existing.ok() && !stays) {
      RETURN_IF_ERROR(DeleteLink(rtnl_link_get_ifindex(existing->get())));
    }
    if (stays) {
      if (rtnl_link_get_mtu(existing->get()) != device.mtu) {
        RETURN_IF_ERROR(SetMtu(rtnl_link_get_ifindex(existing->get()), device.mtu));
      }
    } else {
      RETURN_IF_ERROR(CreateVxlan(device));
    }
    return FindLink(device.name);
  }

  absl::Status DeleteLink(int ifindex) override {
    const LinkHandle link(rtnl_link_alloc());
    rtnl_link_set_ifindex(link.get(), ifindex);
    return NetlinkStatus(rtnl_link_delete(socket_.get(), link.get()),
                         fmt::format("delete device {}", ifindex));
  }

  absl::Status SetMtu(int ifindex, uint32_t mtu) override {
    ifinfomsg header{};
    header.ifi_index = ifindex;
    return Change(header, mtu, fmt::format("set mtu {} of device {}", mtu, ifindex));
  }

  absl::Status SetUp(int ifindex, bool up) override {
    ifinfomsg header{};
    header.ifi_index = ifindex;
    header.ifi_flags = up ? unsigned{IFF_UP} : 0u;
    header.ifi_change = IFF_UP;
    return Change(header, std::nullopt,
                  fmt::format("set device {} {}", ifindex, up ? "up" : "down"));
  }

  absl::Status SetPromiscuous(int ifindex, bool promiscuous) override {
    ifinfomsg header{};
    header.ifi_index = ifindex;
    header.ifi_flags = promiscuous ? unsigned{IFF_PROMISC} : 0u;
    header.ifi_change = IFF_PROMISC;
    return Change(
        header, std::nullopt,
        fmt::format("set device {} {}", ifindex, promiscuous ? "promiscuous" : "not promiscuous"));
  }

 private:
  // By ifindex when not 0, else by name.
  absl::StatusOr<LinkHandle> Get(int ifindex, const char* name, const std::string& what) {
    rtnl_link* raw = nullptr;
    const int error = rtnl_link_get_kernel(socket_.get(), ifindex, name, &raw);
    // Older libnl reports a missing device as success without an object for some kernels.
    if (error >= 0 && raw == nullptr) return absl::NotFoundError(what + ": no such device");
    if (error < 0) return NetlinkStatus(error, what);
    return LinkHandle(raw);
  }

  absl::Status Change(ifinfomsg header, std::optional<uint32_t> mtu, const std::string& what) {
    nl_msg* message = nlmsg_alloc_simple(RTM_NEWLINK, 0);
    if (message == nullptr) return absl::ResourceExhaustedError(what + ": out of memory");
    int error = nlmsg_append(message, &header, sizeof(header), NLMSG_ALIGNTO);
    if (error >= 0 && mtu) error = nla_put_u32(message, IFLA_MTU, *mtu);
    if (error < 0) {
      nlmsg_free(message);
      return NetlinkStatus(error, what);
    }
    // nl_send_sync frees the message in every case.
    return NetlinkStatus(nl_send_sync(socket_.get(), message), what);
  }

  absl::Status CheckVxlan(rtnl_link* link, const VxlanDevice& wanted) {
    if (!rtnl_link_is_vxlan(link)) {
      return absl::AlreadyExistsError(
          fmt::format("device {}: exists and is no vxlan device; remove it or choose another "
                      "tunnel device name",
                      wanted.name));
    }
    uint32_t port = 0;
    const bool ours = rtnl_link_vxlan_get_collect_metadata(link) > 0 &&
                      rtnl_link_vxlan_get_learning(link) == 0 &&
                      rtnl_link_vxlan_get_port(link, &port) == 0 && port == wanted.port;
    if (ours) return absl::OkStatus();
    return absl::AlreadyExistsError(
        fmt::format("device {}: is a vxlan device, but not `external nolearning dstport {}`; "
                    "remove it or choose "
                    "another tunnel device name",
                    wanted.name, wanted.port));
  }

  static bool HasGroupPolicy(rtnl_link* link) {
    uint32_t flags = 0;
    return rtnl_link_vxlan_get_flags(link, &flags) == 0 && (flags & RTNL_LINK_VXLAN_F_GBP) != 0;
  }

  absl::Status CreateVxlan(const VxlanDevice& device) {
    const LinkHandle link(rtnl_link_vxlan_alloc());
    if (link == nullptr) return absl::ResourceExhaustedError("create vxlan: out of memory");
    rtnl_link_set_name(link.get(), device.name.c_str());
    rtnl_link_set_mtu(link.get(), device.mtu);
    rtnl_link_vxlan_set_port(link.get(), device.port);
    rtnl_link_vxlan_set_collect_metadata(link.get(), 1);
    rtnl_link_vxlan_set_learning(link.get(), 0);
    rtnl_link_vxlan_set_flags(link.get(), RTNL_LINK_VXLAN_F_GBP, 1);
    rtnl_link_vxlan_set_udp_csum(link.get(), 1);
    // Over IPv6, too, VTEPs may send none (RFC 6935), as ours do unless they are told to.
    rtnl_link_vxlan_set_udp_zero_csum6_rx(link.get(), 1);
    return NetlinkStatus(
        rtnl_link_add(socket_.get(), link.get(), NLM_F_CREATE | NLM_F_EXCL),
        fmt::format("create vxlan device {} on UDP port {}", device.name, device.port));
  }

  const SocketHandle socket_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<NetlinkSocket>> NetlinkSocket::Create() {
  SocketHandle socket(nl_socket_alloc());
  if (socket == nullptr) return absl::ResourceExhaustedError("netlink socket: out of memory");
  RETURN_IF_ERROR(NetlinkStatus(nl_connect(socket.get(), NETLINK_ROUTE), "connect rtnetlink"));
  return std::make_unique<RtnetlinkSocket>(std::move(socket));
}

absl::StatusOr<Link> FindVtepDevice(NetlinkSocket* netlink, const IpAddress& vtep) {
  ASSIGN_OR_RETURN(const std::vector<LinkAddress> addresses, netlink->ListAddresses());
  for (const LinkAddress& entry : addresses) {
    if (entry.address == vtep) return netlink->FindLink(entry.ifindex);
  }
  return absl::FailedPreconditionError(fmt::format(
      "vtep {}: no device of this host has the address; configure it or name another VTEP",
      vtep.ToString()));
}

absl::StatusOr<uint32_t> UnderlayMtu(NetlinkSocket* netlink, const VtepPair& vteps,
                                     uint32_t configured) {
  uint32_t least = std::numeric_limits<uint32_t>::max();
  for (const IpAddress& vtep : vteps.All()) {
    ASSIGN_OR_RETURN(const Link link, FindVtepDevice(netlink, vtep));
    least = std::min(least, link.mtu);
    if (configured != 0 || !link.loopback) continue;
    return absl::FailedPreconditionError(fmt::format(
        "vtep {}: is on loopback, whose MTU says nothing about the underlay; configure the "
        "underlay's MTU",
        vtep.ToString()));
  }
  return configured != 0 ? configured : least;
}

}  // namespace outrider::sys
