// The few kernel settings (/proc/sys/net) that have no netlink form. Acts in the network namespace
// of the calling thread. Any thread.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_SYSCTL_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_SYSCTL_H_

#include <string>

#include "vswitch/types/status.h"

namespace outrider::sys {

// Stops the host from speaking IPv6 on a device (address autoconfiguration, neighbour and router
// solicitations, MLD): frames of the host's own that a guest would see. Ok where IPv6 is absent.
absl::Status DisableIpv6(const std::string& device);

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_SYSCTL_H_
