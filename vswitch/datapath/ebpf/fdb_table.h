// Where MACs are. Owns or_fdb; keeps no copy of it, only counts. Thread rule: the datapath's
// thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/vtep_table.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

class FdbTable {
 public:
  // Both must outlive this.
  FdbTable(const DatapathMaps* maps, VtepTable* vteps) : maps_(maps), vteps_(vteps) {}

  void Load(const Inventory& inventory);

  // `local_port`: the index of the port when the entry names one that is in force.
  // FailedPrecondition for an epoch older than the one in force (epoch 0, a station without a port
  // of ours behind it, has none), and for a port that is not in force.
  absl::Status Upsert(const state::FdbKey& key, const state::FdbEntry& entry,
                      std::optional<uint32_t> local_port);
  absl::Status Delete(const state::FdbKey& key);
  // Removes what still points to a port whose index is about to be free.
  absl::Status DropPort(uint32_t port_index);

 private:
  // The row that `entry` amounts to, with its VTEP reference taken.
  absl::StatusOr<abi::or_fdb> Encode(const state::FdbEntry& entry,
                                     std::optional<uint32_t> local_port);
  void Count(const abi::or_fdb& row);
  absl::Status Discount(const abi::or_fdb& row);

  const DatapathMaps* const maps_;
  VtepTable* const vteps_;
  std::map<uint32_t, uint64_t> local_references_;  // by port index
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_TABLE_H_
