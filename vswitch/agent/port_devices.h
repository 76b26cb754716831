// Which network devices of this host may be ports: one look at links and addresses, then any number
// of questions. Knows no ports.
//
// Thread rule: a value; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_PORT_DEVICES_H_
#define OUTRIDER_VSWITCH_AGENT_PORT_DEVICES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "vswitch/sys/netlink/netlink_socket.h"
#include "vswitch/types/vtep_pair.h"

namespace outrider::agent {

// Never a port.
struct ReservedDevices {
  std::string tunnel;
  // Device by physical network.
  std::map<std::string, std::string> uplinks = {};
  // The device that holds one of these.
  VtepPair vteps;
};

class PortDevices {
 public:
  // Looks at the devices of these names; others are as if they were not there. `reserved` outlives
  // the object.
  static absl::StatusOr<PortDevices> Read(sys::NetlinkSocket* netlink,
                                          const ReservedDevices* reserved,
                                          const std::set<std::string>& names);
  // The same of links that somebody has looked at already.
  static absl::StatusOr<PortDevices> Among(const std::vector<sys::Link>& links,
                                           sys::NetlinkSocket* netlink,
                                           const ReservedDevices* reserved);

  bool Exists(const std::string& name) const { return links_.contains(name); }
  // NotFound, or FailedPrecondition with what it is instead.
  absl::Status Check(const std::string& name) const;

 private:
  explicit PortDevices(const ReservedDevices* reserved) : reserved_(reserved) {}
  absl::Status ReadAddresses(sys::NetlinkSocket* netlink);
  absl::Status CheckAddresses(const sys::Link& link) const;

  const ReservedDevices* reserved_;
  std::map<std::string, sys::Link> links_;
  // By ifindex.
  std::map<int, std::vector<IpAddress>> addresses_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PORT_DEVICES_H_
