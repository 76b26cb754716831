// Finds and removes what an interrupted Apply left behind: rows that nothing refers to, references
// to nothing. Only what no frame uses; what is merely half done is ReadState's to show. Thread
// rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_SWEEPER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_SWEEPER_H_

#include <map>
#include <vector>

#include "vswitch/datapath/ebpf/device_binder.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/program_set.h"

namespace outrider::datapath::ebpf {

// Keys of rows to delete.
struct Orphans {
  std::vector<uint32_t> devices;                     // ifindex: no port has that device
  std::vector<uint32_t> port_info;                   // port index: no such port
  std::vector<uint32_t> ports;                       // port index: nobody knows whose
  std::vector<abi::or_replication_key> replication;  // no segment names the list
  std::vector<abi::or_member_key> members;           // no such segment, or not in its list
  std::vector<abi::or_fdb_key> fdb;                  // leads nowhere
  std::vector<abi::or_multicast_member> multicast_members;
  std::vector<abi::or_multicast_group> multicast_groups;
  // Groups whose rows say another number of members than there are.
  std::vector<std::pair<abi::or_multicast_group, uint32_t>> multicast_counts;
  std::vector<uint32_t> departures;           // port index: no such port
  std::vector<abi::or_arrival_key> arrivals;  // no such port, or it has two
  std::vector<uint32_t> vteps;                // nobody refers to it
  VlanMaps vlan_maps;                         // no port names it
  std::vector<uint32_t> limits;               // no port names it
  // No port names the list; its rows by slot.
  std::map<uint32_t, std::vector<abi::or_allowed_row>> allowed;

  bool empty() const;
};

// Pure.
Orphans FindOrphans(const Inventory& inventory);

// Removes the rows. Devices without a port keep row and filters, and forward nothing: they may be
// of a port that could not be written, whose guest must not become a neighbour of the host itself.
absl::Status RemoveOrphans(const Orphans& orphans, const DatapathMaps& maps,
                           const ProgramSet& programs);

// For when all ports that are wanted had a chance to bind their devices: takes the filters off
// those RemoveOrphans left that no port has bound.
absl::Status UnbindUnclaimed(const DatapathMaps& maps, DeviceBinder* devices);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_SWEEPER_H_
