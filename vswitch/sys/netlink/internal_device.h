// Pairs of devices that let the host itself be behind a port (Open vSwitch's type "internal"): the
// host uses one end, the switch has the other as the port's device. Owns how a pair is known again:
// by the switch's end, its name and alias, since the host's end may be moved into any network
// namespace. Knows nothing of bridges.
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

// Name of the switch's end of pair `number`.
std::string PortDeviceName(uint32_t number);

struct InternalDevice {
  // The host's end, 1..15 bytes.
  std::string name;
  // The switch's end: a PortDeviceName().
  std::string port_device;
  // Of the host's end when it is made; then its user may change them, ...
  MacAddress mac;
  // ... bytes, ...
  uint32_t mtu = 0;
  // ... unless they were asked for: then they are restored with each call.
  bool keep_mac = false;
  bool keep_mtu = false;
  bool operator==(const InternalDevice&) const = default;
};

class InternalDevices {
 public:
  static absl::StatusOr<std::unique_ptr<InternalDevices>> Create();
  virtual ~InternalDevices() = default;

  // Makes the pair exist; the switch's end is up, the host's is its user's. A host's end that is in
  // another network namespace stays there as it is. AlreadyExists: a device of one of the names is
  // somebody else's.
  virtual absl::Status Ensure(const InternalDevice& device) = 0;
  // Both ends, wherever the host's is. One that is not there, or not ours, is no error and left
  // alone.
  virtual absl::Status Remove(const std::string& port_device) = 0;
  // The pairs that are there, also those that were only half made: the switch's end, and the name
  // that the host's was made with ("": not known).
  virtual absl::StatusOr<std::map<std::string, std::string>> List() = 0;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_INTERNAL_DEVICE_H_
