// What the kernel counts of every network device, with the device itself, in one listing. Knows
// nothing of ports.
//
// Thread rule: one thread at a time, in the network namespace of the thread that called Create().
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_DEVICE_COUNTERS_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_DEVICE_COUNTERS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::sys {

// struct rtnl_link_stats64 of linux/if_link.h: rx is what the host received from the device.
struct DeviceCounters {
  uint64_t rx_packets = 0;
  uint64_t rx_bytes = 0;
  uint64_t rx_errors = 0;
  uint64_t rx_dropped = 0;
  uint64_t rx_frame_errors = 0;
  uint64_t rx_over_errors = 0;
  uint64_t rx_crc_errors = 0;
  uint64_t tx_packets = 0;
  uint64_t tx_bytes = 0;
  uint64_t tx_errors = 0;
  uint64_t tx_dropped = 0;
  uint64_t collisions = 0;
};

struct CountedDevice {
  Link link;
  DeviceCounters counters;
};

class DeviceCounterReader {
 public:
  static absl::StatusOr<std::unique_ptr<DeviceCounterReader>> Create();
  virtual ~DeviceCounterReader() = default;
  virtual absl::StatusOr<std::vector<CountedDevice>> Read() = 0;
  // One. NotFound: there is none of that name.
  virtual absl::StatusOr<CountedDevice> Read(const std::string& name) = 0;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_DEVICE_COUNTERS_H_
