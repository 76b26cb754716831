#include "vswitch/sys/netlink/netlink_error.h"

#include <net/if.h>
#include <netlink/errno.h>

#include <algorithm>
#include <array>
#include <cstdlib>

// <linux/if.h> cannot be included beside <net/if.h>.
#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

namespace outrider::sys {
namespace {

absl::StatusCode CodeOf(int error) {
  switch (std::abs(error)) {
    case NLE_OBJ_NOTFOUND:
    case NLE_NODEV:
      return absl::StatusCode::kNotFound;
    case NLE_EXIST:
      return absl::StatusCode::kAlreadyExists;
    case NLE_INVAL:
    case NLE_RANGE:
      return absl::StatusCode::kInvalidArgument;
    case NLE_PERM:
    case NLE_NOACCESS:
      return absl::StatusCode::kPermissionDenied;
    case NLE_NOMEM:
      return absl::StatusCode::kResourceExhausted;
    case NLE_BUSY:
    case NLE_AGAIN:
    case NLE_INTR:
    case NLE_DUMP_INTR:
      return absl::StatusCode::kUnavailable;
    case NLE_OPNOTSUPP:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kInternal;
  }
}

}  // namespace

absl::Status NetlinkStatus(int error, const std::string& what) {
  if (error >= 0) return absl::OkStatus();
  return absl::Status(CodeOf(error), what + ": " + nl_geterror(error));
}

Link ToLink(rtnl_link* link) {
  Link result;
  if (const char* name = rtnl_link_get_name(link)) result.name = name;
  if (const char* kind = rtnl_link_get_type(link)) result.kind = kind;
  result.ifindex = rtnl_link_get_ifindex(link);
  result.mtu = rtnl_link_get_mtu(link);
  const unsigned flags = rtnl_link_get_flags(link);
  result.admin_up = (flags & IFF_UP) != 0;
  result.carrier = (flags & IFF_LOWER_UP) != 0;
  result.loopback = (flags & IFF_LOOPBACK) != 0;
  result.promiscuous = (flags & IFF_PROMISC) != 0;
  int32_t namespace_id = 0;
  result.peer_elsewhere = rtnl_link_get_link_netnsid(link, &namespace_id) == 0;
  const nl_addr* address = rtnl_link_get_addr(link);
  if (address != nullptr && nl_addr_get_len(address) == 6) {
    const auto* bytes = static_cast<const uint8_t*>(nl_addr_get_binary_addr(address));
    std::array<uint8_t, 6> mac;
    std::copy_n(bytes, mac.size(), mac.begin());
    result.mac = MacAddress(mac);
  }
  return result;
}

}  // namespace outrider::sys
