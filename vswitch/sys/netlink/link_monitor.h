// Tells when links and addresses of a network namespace change. Owns a netlink socket and a thread;
// keeps no state: what is there now is NetlinkSocket's to say.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_LINK_MONITOR_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_LINK_MONITOR_H_

#include <functional>
#include <memory>

#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::sys {

struct LinkEvent {
  enum class Kind {
    kLinkChanged,       // appeared, or any attribute changed; `link` as it is now
    kLinkRemoved,       // `link` as it was last
    kAddressesChanged,  // `link.ifindex` says of which device
    kResync,            // events were lost (ENOBUFS): list links and addresses anew
  };
  Kind kind = Kind::kResync;
  Link link{};
  // Of kLinkChanged: what the device leaves to others of a frame (checksums, segments) is another
  // (IFLA_EVENT_FEATURES, Linux 4.13). As it is now, TakesChecksums() says.
  bool features = false;
};

// Watches the namespace of the thread that called Create().
//
// Thread rule: the callback runs on the monitor's own thread and must not block for long; the
// destructor returns when it will not be called again and must not run inside the callback.
class LinkMonitor {
 public:
  using Callback = std::function<void(const LinkEvent&)>;

  // Events are reported from the moment this returns.
  static absl::StatusOr<std::unique_ptr<LinkMonitor>> Create(Callback callback);
  virtual ~LinkMonitor() = default;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_LINK_MONITOR_H_
