// libnl's errors and handles in this folder's terms. Private to vswitch/sys/netlink. Any thread.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_NETLINK_ERROR_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_NETLINK_ERROR_H_

#include <netlink/addr.h>
#include <netlink/cache.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>

#include <memory>
#include <string>

#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::sys {

// Status of a failed libnl call; `error` as returned (0 or a negative NLE_*). `what` names the call
// and the object.
absl::Status NetlinkStatus(int error, const std::string& what);

struct SocketCloser {
  void operator()(nl_sock* socket) const { nl_socket_free(socket); }
};
using SocketHandle = std::unique_ptr<nl_sock, SocketCloser>;

struct LinkCloser {
  void operator()(rtnl_link* link) const { rtnl_link_put(link); }
};
using LinkHandle = std::unique_ptr<rtnl_link, LinkCloser>;

struct CacheCloser {
  void operator()(nl_cache* cache) const { nl_cache_free(cache); }
};
using CacheHandle = std::unique_ptr<nl_cache, CacheCloser>;

Link ToLink(rtnl_link* link);

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_NETLINK_ERROR_H_
