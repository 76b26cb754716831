// One network device and the echo replies (RFC 792, RFC 4443) of one identifier that leave by it,
// to whoever is behind it: AF_PACKET behind a seam. Sends frames onto the device, too. Knows
// nothing of who asks whom.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_ECHO_SOCKET_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_ECHO_SOCKET_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "vswitch/types/status.h"

namespace outrider::sys {

struct SeenFrame {
  // Ethernet, without FCS and VLAN tag.
  std::vector<uint8_t> bytes;
  // CLOCK_MONOTONIC, when the device got it.
  int64_t time_us = 0;
};

// Thread rule: one thread at a time.
class EchoSocket {
 public:
  virtual ~EchoSocket() = default;

  // The kernel's, in the calling thread's network namespace for its whole life. `mark` is skb->mark
  // of what is sent. NotFound: no such device.
  static absl::StatusOr<std::unique_ptr<EchoSocket>> Open(uint32_t ifindex, uint32_t mark,
                                                          uint16_t identifier);

  // An Ethernet frame without FCS; a VLAN tag is among its bytes. Does not wait: Unavailable when
  // the device takes no frame now. FailedPrecondition: it is down or gone.
  virtual absl::Status Send(const std::vector<uint8_t>& frame) = 0;
  // The oldest reply that was not taken yet; nullopt: none. Does not wait. Of replies that are not
  // taken the kernel keeps those that fit into its buffer, hundreds.
  virtual std::optional<SeenFrame> Take() = 0;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_ECHO_SOCKET_H_
