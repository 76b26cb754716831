// Maps of VLANs to segments, one for each content, shared by the ports that have it. Owns
// or_vlan_segments and or_vlan_tags.
//
// A map is immutable: it is whole before a port's row names it, so that the port switches from one
// to another at once, and goes after no port names it and no frame walks by it any more. Thread
// rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_VLAN_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_VLAN_TABLE_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "vswitch/datapath/ebpf/inventory.h"

namespace outrider::datapath::ebpf {

class VlanTable {
 public:
  // `maps` must outlive this.
  explicit VlanTable(const DatapathMaps* maps) : maps_(maps) {}

  // Takes over the rows of an inventory without orphans (sweeper.h).
  void Load(const Inventory& inventory);

  // Id of the map with this content, which is in the kernel when this returns; 0 for an empty one.
  // Ids are never reused.
  absl::StatusOr<uint32_t> Acquire(const VlanMap& map);
  // Empty when there is no such map.
  const VlanMap& Find(uint32_t id) const;

  // Whether there are maps beside `used`.
  bool HasOthers(const std::set<uint32_t>& used) const { return ids_.size() > used.size(); }
  // Removes all maps but `used`; no frame may be on its way by them.
  absl::Status KeepOnly(const std::set<uint32_t>& used);

 private:
  absl::Status Write(uint32_t id, const VlanMap& map);

  const DatapathMaps* const maps_;
  std::map<VlanMap, uint32_t> ids_;
  VlanMaps contents_;
  uint32_t last_id_ = 0;
};

// Deletes the rows of a map. Absent rows are no error.
absl::Status DeleteVlanMap(const DatapathMaps& maps, uint32_t id, const VlanMap& map);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_VLAN_TABLE_H_
