// What a datapath that sends over the underlay by itself is told of it. Thread rule: as Datapath.
#ifndef OUTRIDER_VSWITCH_DATAPATH_UNDERLAY_PATH_H_
#define OUTRIDER_VSWITCH_DATAPATH_UNDERLAY_PATH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "vswitch/sys/netlink/next_hops.h"

namespace outrider::datapath {

// Since the programs are there.
struct UnderlayCounters {
  // Frames that went by the kernel's tunnel device, by why (or_abi.h, OR_DETOURS: "not_ip").
  std::map<std::string, uint64_t> detours;
  // Frames whose way was remembered from others of their flow, and ways that were remembered.
  uint64_t cache_hits = 0;
  uint64_t cache_fills = 0;
};

class UnderlayPath {
 public:
  virtual ~UnderlayPath() = default;

  // Routes, links or addresses have changed; or, with `hop`, only who that is.
  virtual void RefreshUnderlay(const std::optional<sys::NextHop>& hop) = 0;
  // What was found last still holds: somebody listens for changes. Without this call for
  // some seconds frames go by the kernel's own routes.
  virtual void RenewUnderlay() = 0;
  // Any thread.
  virtual absl::StatusOr<UnderlayCounters> ReadUnderlay() = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_UNDERLAY_PATH_H_
