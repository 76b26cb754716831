// Ties network devices to ports: the row that names the port, our programs on the device's ingress
// and egress, the settings a port's device needs. Owns or_devices and the filters on port devices.
// Does not know what a port is in.
//
// Thread rule: the datapath's thread, in its network namespace.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_DEVICE_BINDER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_DEVICE_BINDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/state/port_policy.h"
#include "vswitch/sys/bpf/tc_filters.h"
#include "vswitch/sys/netlink/netlink_socket.h"
#include "vswitch/sys/netlink/traffic_shaper.h"

namespace outrider::datapath::ebpf {

class DeviceBinder {
 public:
  // All must outlive this.
  DeviceBinder(const DatapathMaps* maps, sys::NetlinkSocket* netlink, sys::TcFilters* filters,
               const ProgramSet* programs, sys::TrafficShaper* shaper)
      : maps_(maps), netlink_(netlink), filters_(filters), programs_(programs), shaper_(shaper) {}

  // NotFound when there is no such device.
  absl::StatusOr<sys::Link> Find(const std::string& device) { return netlink_->FindLink(device); }
  // FailedPrecondition when the device does not take the MTU.
  absl::Status SetMtu(const sys::Link& link, uint32_t mtu);
  // Shapes what the device sends to the guest, or ceases to. FailedPrecondition when somebody else
  // has configured the device's queues.
  absl::Status SetShaper(const sys::Link& link, const state::Shaper& shaper);
  absl::StatusOr<bool> HasShaper(uint32_t ifindex, const state::Shaper& shaper);

  // Makes the device the port's: row, then both programs. From then on the host's own stack neither
  // hears the guest nor reaches it. Idempotent; writes only what is not there.
  absl::Status Bind(const sys::Link& link, uint32_t port_index);
  // The reverse, shaper included. A device that is gone, or has a filter of somebody else, is left
  // alone.
  absl::Status Unbind(uint32_t ifindex);

  // Indices of the ports whose device is there under its name, with row and programs in place.
  absl::StatusOr<std::set<uint32_t>> BoundPorts(const Inventory& inventory);
  // Of devices by interface index and name, those that are there under it, with programs.
  absl::StatusOr<std::set<uint32_t>> Whole(const std::map<uint32_t, std::string>& devices);
  // Puts the current programs in the place of older ones of ours, device by device. What has lost
  // its programs stays without: that is for ReadState to tell.
  absl::Status ReplaceOldPrograms(const Inventory& inventory);

 private:
  absl::Status AttachMissing(uint32_t ifindex, sys::TcDirection direction, Program program);
  // Both of our programs, in the current version.
  absl::StatusOr<bool> HasPrograms(uint32_t ifindex);

  const DatapathMaps* const maps_;
  sys::NetlinkSocket* const netlink_;
  sys::TcFilters* const filters_;
  const ProgramSet* const programs_;
  sys::TrafficShaper* const shaper_;
};

// Removes the filters of a device whose program `is_ours` recognises; others and missing devices
// are left alone.
absl::Status DetachPrograms(sys::TcFilters* filters, uint32_t ifindex,
                            const std::function<bool(uint32_t)>& is_ours);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_DEVICE_BINDER_H_
