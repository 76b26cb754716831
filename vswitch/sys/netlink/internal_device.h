// Pairs of devices that let the host itself be behind a port (Open vSwitch's type "internal"): the
// host uses one end, the switch has the other as the port's device. Owns how a pair is known again:
// by the alias of the host's end. Knows nothing of bridges.
//
// Thread rule: one thread at a time, in the network namespace of the thread that called Create().
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_INTERNAL_DEVICE_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_INTERNAL_DEVICE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "vswitch/sys/netlink/netlink_socket.h"

struct nl_sock;

namespace outrider::sys {

struct InternalDevice {
  // The host's end, 1..15 bytes.
  std::string name;
  // The switch's end.
  std::string port_device;
  MacAddress mac;
  // Bytes; of the host's end when it is made and whenever it is another in the next call.
  uint32_t mtu = 0;
  bool operator==(const InternalDevice&) const = default;
};

class InternalDevices {
 public:
  static absl::StatusOr<std::unique_ptr<InternalDevices>> Create();
  virtual ~InternalDevices() = default;

  // Makes the pair exist, with this MAC and MTU; the switch's end is up, the host's is its user's.
  // AlreadyExists: a device of one of the names is somebody else's.
  virtual absl::Status Ensure(const InternalDevice& device) = 0;
  // Both ends. One that is not there, or not ours, is no error and left alone.
  virtual absl::Status Remove(const std::string& name) = 0;
  // The pairs that are there: name of the host's end, and that of the switch's.
  virtual absl::StatusOr<std::map<std::string, std::string>> List() = 0;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_INTERNAL_DEVICE_H_
