// The rate at which frames leave a network device: a hierarchical token bucket (tc-htb) as its root
// queueing discipline, one class for all frames. Owns the disciplines with handle 4f52: and no
// other. Knows nothing of ports.
//
// The kernel accounts super-packets as the frames they become. A discipline stays until it is
// removed or its device is.
//
// The namespace is that of the thread that called Create(). Thread rule: one thread at a time.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_TRAFFIC_SHAPER_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_TRAFFIC_SHAPER_H_

#include <cstdint>
#include <memory>

#include "vswitch/types/status.h"

namespace outrider::sys {

// Bytes per second of Ethernet frames without FCS, and bytes. None is 0.
struct ShapedRate {
  // What the class gets when others want the device, too.
  uint64_t guaranteed = 0;
  uint64_t ceiling = 0;
  uint64_t burst = 0;
  bool operator==(const ShapedRate&) const = default;
};

// Seam: the real one is Create(); tests of policy use a fake.
class TrafficShaper {
 public:
  virtual ~TrafficShaper() = default;

  // The kernel's rtnetlink, in the calling thread's network namespace.
  static absl::StatusOr<std::unique_ptr<TrafficShaper>> Create();

  // Makes the rate that of the device; a rate of before goes on until then, frames wait where they
  // are. Writes nothing when it is in force already. NotFound: no such device. AlreadyExists: the
  // device has a discipline that somebody else configured; it stays.
  virtual absl::Status Shape(int ifindex, const ShapedRate& rate) = 0;
  // Removes what Shape() made. No error when there is nothing of ours, or no device.
  virtual absl::Status Unshape(int ifindex) = 0;
  // Whether exactly this rate is in force.
  virtual absl::StatusOr<bool> IsShaped(int ifindex, const ShapedRate& rate) = 0;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_TRAFFIC_SHAPER_H_
