// Notices at a destination that the state of a guest's card has been loaded: its QEMU then tells
// the tap what the guest's driver takes (TUNSETOFFLOAD), and the tap's features change. The
// source's guest stands still by then, and nothing has failed yet. Owns what is being looked at.
// Knows no ports.
//
// A QEMU that opens a tap tries what the kernel can do, on and off again within a millisecond (7.2,
// net/tap-linux.c, tap_probe_has_ufo): what is still on a moment later is meant. Guests without a
// driver for such a card, and cards that are reset, switch nothing on.
//
// Thread rule: the executor's thread.
#ifndef OUTRIDER_VSWITCH_AGENT_GUEST_LOADS_H_
#define OUTRIDER_VSWITCH_AGENT_GUEST_LOADS_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>

#include "vswitch/agent/executor.h"

namespace outrider::agent {

class GuestLoads {
 public:
  static constexpr Executor::Duration kSettle = std::chrono::milliseconds(3);

  // `executor` outlives the object, and runs nothing any more when that goes.
  struct Dependencies {
    Executor* executor;
    // As sys::TakesChecksums.
    std::function<absl::StatusOr<bool>(const std::string& device)> takes_checksums;
    WallClock clock;
    // When it was loaded, by `clock`. Also of a guest that was not moved: whose driver starts.
    std::function<void(const std::string& device, int64_t time_us)> loaded;
  };
  explicit GuestLoads(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  // Of a device's features.
  void Changed(const std::string& device);

 private:
  const Dependencies dependencies_;
  // Which are about to be looked at.
  std::set<std::string> changed_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_GUEST_LOADS_H_
