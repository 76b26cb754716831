// Frames out of network devices, as they are: AF_PACKET behind a seam. Knows nothing of what is in
// them.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_FRAME_SENDER_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_FRAME_SENDER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/types/status.h"

namespace outrider::sys {

// Thread rule: one thread at a time.
class FrameSender {
 public:
  virtual ~FrameSender() = default;

  // The kernel's, in the calling thread's network namespace for its whole life.
  static absl::StatusOr<std::unique_ptr<FrameSender>> Create();

  // Sends an Ethernet frame without FCS; a VLAN tag is among its bytes. Does not wait: Unavailable
  // when the device takes no frame now or is down. NotFound: no such device.
  virtual absl::Status Send(const std::string& device, const std::vector<uint8_t>& frame) = 0;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_FRAME_SENDER_H_
