// Addresses whose ARP requests are answered here. Owns or_neighbors. Thread rule: the datapath's
// thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_NEIGHBOR_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_NEIGHBOR_TABLE_H_

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

class NeighborTable {
 public:
  // `maps` must outlive this.
  explicit NeighborTable(const DatapathMaps* maps) : maps_(maps) {}

  absl::Status Upsert(const state::NeighborKey& key, const MacAddress& mac);
  absl::Status Delete(const state::NeighborKey& key);

 private:
  const DatapathMaps* const maps_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_NEIGHBOR_TABLE_H_
