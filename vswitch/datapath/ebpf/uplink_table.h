// Segments that VLANs of physical networks carry: the way out to each, the way in from it, and our
// program on the uplinks' devices. Owns or_providers, or_uplink_vlans and what is on the devices.
//
// A device has our program, and receives frames for whatever MAC, while a segment uses it; what is
// let in are the VLANs of these segments. A device that is not there, or goes, leaves its segments
// to the ports of this host; when it comes (back) they reach their network again.
//
// Thread rule: the datapath's thread, in its network namespace.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_UPLINK_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_UPLINK_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/grace_period.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/ebpf/uplinks.h"
#include "vswitch/state/host_state.h"
#include "vswitch/sys/bpf/tc_filters.h"
#include "vswitch/sys/netlink/netlink_socket.h"

namespace outrider::datapath::ebpf {

class UplinkTable {
 public:
  // All must outlive this.
  UplinkTable(const DatapathMaps* maps, sys::NetlinkSocket* netlink, sys::TcFilters* filters,
              const ProgramSet* programs, const Uplinks& uplinks);

  // Takes over the rows, removes those of no segment, lets go of devices that are uplinks no more.
  absl::Status Load(const Inventory& inventory);

  // Before the segment's row is written: its way out. FailedPrecondition, and nothing written, when
  // this host has no such uplink. Without a provider nothing is done.
  absl::Status Prepare(const Vni& vni, const state::Segment& segment);
  // After it: the way in; or, without a provider, neither way any more. An error says why the
  // segment does not reach its network; it is in force on this host all the same.
  absl::Status Open(const Vni& vni, const state::Segment& segment);
  // Before the segment's row is deleted, and after it.
  absl::Status Close(const Vni& vni);
  absl::Status Forget(const Vni& vni);

  // Looks for devices that came, went, or lost our program, and mends what it can; Lost() says what
  // it could not.
  void Refresh();
  // Segments that do not reach their network.
  std::set<Vni> Lost() const;

  // After a call of Apply: lets the wait for old rows begin.
  void EndApply() { grace_.Begin(); }

 private:
  using VlanKey = std::pair<uint32_t, uint32_t>;  // ifindex, VLAN

  struct Device {
    std::string name;
    int ifindex = 0;  // 0: not there
    uint32_t mtu = 0;
    bool in_use = false;
    // The flag is ours: we set it, and take it off again.
    bool made_promiscuous = false;
    absl::Status problem;  // why it takes no frames, though it is there
  };
  struct Entry {
    state::Provider provider;
    uint32_t segment_mtu = 0;
    bool open = false;
    absl::Status problem;  // why its rows are not what the device is
    std::optional<abi::or_provider> row;
    std::optional<VlanKey> way_in;
  };

  // Brings the rows of a segment to what the devices are.
  absl::Status Sync(const Vni& vni, Entry* entry);
  absl::Status WriteWayOut(const Vni& vni, const Device* device, Entry* entry);
  absl::Status WriteWayIn(const Vni& vni, const Device* device, Entry* entry);
  absl::Status RemoveWayIn(const Vni& vni, Entry* entry);
  // Why the segment does not reach its network; ok: it does.
  absl::Status Check(const Vni& vni, const Entry& entry) const;
  const Device* FindDevice(const Entry& entry) const;
  // The device as it is now, with or without our program as its use wants it.
  absl::Status Look(const std::string& uplink, Device* device);
  bool IsUsed(const std::string& uplink) const;
  absl::Status Use(const sys::Link& link, Device* device);
  absl::Status LetGo(int ifindex, bool made_promiscuous);
  absl::Status RemoveOrphans(const Inventory& inventory, std::set<uint32_t>* devices);

  const DatapathMaps* const maps_;
  sys::NetlinkSocket* const netlink_;
  sys::TcFilters* const filters_;
  const ProgramSet* const programs_;
  GracePeriod grace_;
  std::map<std::string, Device> devices_;  // by uplink
  std::map<Vni, Entry> entries_;
  std::map<VlanKey, Vni> ways_in_;
};

// For uninstalling: devices with our program are promiscuous no more if it was us who made them so.
absl::Status LetGoOfUplinks(const std::vector<sys::Link>& links, const std::string& bpffs,
                            sys::TcFilters* filters, sys::NetlinkSocket* netlink);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_UPLINK_TABLE_H_
