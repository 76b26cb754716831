// A network device that was made a port on this host: what the agent's local operations keep and
// the controller is told. A value; any thread.
#ifndef OUTRIDER_VSWITCH_STATE_ATTACHMENT_H_
#define OUTRIDER_VSWITCH_STATE_ATTACHMENT_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::state {

// Whose word it is; only who attached detaches.
enum class AttachmentOwner : uint8_t {
  kLocalApi,
  // The Open_vSwitch database: gone with its Interface row.
  kOvsdb,
};

struct Attachment {
  // Network device name, 1..15 bytes.
  std::string device;
  MacAddress mac;
  std::set<IpAddress> ips;
  // Empty: keep what the controller has. At most 63 bytes.
  std::string profile;
  // Free text, at most 255 bytes.
  std::string vm_id;
  AttachmentOwner owner = AttachmentOwner::kLocalApi;
  // Path of a QMP socket of the guest's QEMU; empty: none. At most 107 bytes.
  std::string qmp = {};

  // Whether a port the controller does not know is to stay so. Who plugs a guest without naming a
  // profile may mean a port that is known, or a plain one.
  bool KnownOnly() const { return owner == AttachmentOwner::kOvsdb && profile.empty(); }
  bool operator==(const Attachment&) const = default;
};

using Attachments = std::map<PortId, Attachment>;

}  // namespace outrider::state

#endif  // OUTRIDER_VSWITCH_STATE_ATTACHMENT_H_
