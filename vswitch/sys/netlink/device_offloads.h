// What a network device leaves to who reads from it. Knows nothing of ports.
//
// Thread rule: any thread; in its network namespace.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_DEVICE_OFFLOADS_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_DEVICE_OFFLOADS_H_

#include <absl/status/statusor.h>

#include <string>

namespace outrider::sys {

// Whether frames without a checksum may be given to the device (ETHTOOL_GTXCSUM). Of a tap: whether
// its reader takes them, as QEMU does when the guest has said that it will (TUNSETOFFLOAD).
// NotFound: there is no device of that name.
absl::StatusOr<bool> TakesChecksums(const std::string& device);

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_DEVICE_OFFLOADS_H_
