// The device that carries the overlay: a `vxlan external` device with our programs on it, up only
// while they are there. Owns the device. Which frame goes to which VTEP is the programs' business.
//
// Thread rule: the datapath's thread, in its network namespace.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_TUNNEL_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_TUNNEL_H_

#include <cstdint>
#include <string>

#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/sys/bpf/tc_filters.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::datapath::ebpf {

class Tunnel {
 public:
  // Both must outlive this. `port`: UDP, host byte order.
  Tunnel(sys::NetlinkSocket* netlink, sys::TcFilters* filters, std::string device, uint16_t port)
      : netlink_(netlink), filters_(filters), device_(std::move(device)), port_(port) {}

  // Makes the device exist, down when it is new. Returns its ifindex.
  absl::StatusOr<int> EnsureDevice();
  // Attaches the programs, in the place of other versions, and sets the device up.
  absl::Status Start(const ProgramSet& programs);
  // Whether device and programs are as Start() left them.
  absl::StatusOr<bool> IsWhole(const ProgramSet& programs);

 private:
  sys::NetlinkSocket* const netlink_;
  sys::TcFilters* const filters_;
  const std::string device_;
  const uint16_t port_;
  int ifindex_ = 0;
};

// Removes the device when it is one that Tunnel makes; one of somebody else stays. Ok without one.
absl::Status RemoveTunnelDevice(sys::NetlinkSocket* netlink, const sys::VxlanDevice& device);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_TUNNEL_H_
