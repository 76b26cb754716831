// How the kernel would send to an address of the underlay: the next hops of the route, and their
// MACs. Neighbours that are asked for are kept resolved by the kernel.
//
// The namespace is that of the thread that called Create(). Thread rule: one thread at a time.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_NEXT_HOPS_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_NEXT_HOPS_H_

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"
#include "vswitch/types/status.h"

namespace outrider::sys {

struct NextHop {
  int ifindex = 0;
  // The router, or the destination itself where it is on the link.
  IpAddress neighbor;
  auto operator<=>(const NextHop&) const = default;
};

// Seam: the real one is Create(); tests of policy use a fake.
class NextHops {
 public:
  virtual ~NextHops() = default;
  static absl::StatusOr<std::unique_ptr<NextHops>> Create();

  // Of the route that the kernel takes from `source`, an address of this host; more than one when
  // it spreads flows over them. Those whose link is down are left out. Empty: there is no route.
  virtual absl::StatusOr<std::vector<NextHop>> Find(const IpAddress& destination,
                                                    const IpAddress& source) = 0;
  // What the kernel takes for the neighbour's MAC; nullopt: it has not been heard, or not for long.
  // From then on the kernel keeps asking (NTF_EXT_MANAGED, Linux 5.16).
  virtual absl::StatusOr<std::optional<MacAddress>> Resolve(const NextHop& hop) = 0;
};

struct NextHopEvent {
  enum class Kind {
    kRoutes,    // a route, rule, link or address: Find() may say something else
    kNeighbor,  // `hop`: Resolve() may, of this one
  };
  Kind kind = Kind::kRoutes;
  NextHop hop{};
};

// Tells of changes in the namespace of the thread that called Create(); keeps no state.
//
// Thread rule: the callback runs on the watch's own thread and must not block for long; the
// destructor returns when it will not be called again and must not run inside the callback.
class NextHopWatch {
 public:
  using Callback = std::function<void(const NextHopEvent&)>;

  // From the moment this returns.
  static absl::StatusOr<std::unique_ptr<NextHopWatch>> Create(Callback callback);
  virtual ~NextHopWatch() = default;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_NEXT_HOPS_H_
