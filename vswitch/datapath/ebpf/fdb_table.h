// Where MACs are. Owns the FDB's rows; keeps no copy of them, only counts. Thread rule: the
// datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_TABLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/ebpf/vtep_table.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// One entry to write; what it points to must outlive the call.
struct FdbUpsert {
  const state::FdbKey* key;
  const state::FdbEntry* entry;
  // The index of the port when the entry names one that is in force.
  std::optional<uint32_t> local_port;
};

class FdbTable {
 public:
  // All must outlive this.
  FdbTable(const DatapathMaps* maps, const ProgramSet* programs, VtepTable* vteps)
      : maps_(maps), programs_(programs), vteps_(vteps) {}

  void Load(const Inventory& inventory);

  // As many at a time as are worth a system call.
  static constexpr size_t kBatch = OR_FDB_BATCH;

  // What became of each, in order: FailedPrecondition for an epoch older than the one in force
  // (epoch 0, a station without a port of ours behind it, has none), and for a port that is not in
  // force; ResourceExhausted when there is no room. No key comes twice.
  std::vector<absl::Status> Upsert(std::span<const FdbUpsert> upserts);
  // Likewise; a key that is not there is no error.
  std::vector<absl::Status> Delete(std::span<const state::FdbKey> keys);
  // Removes what still points to a port whose index is about to be free.
  absl::Status DropPort(uint32_t port_index);

 private:
  // The row that an entry amounts to, with its VTEP reference taken.
  absl::StatusOr<abi::or_fdb> Encode(const FdbUpsert& upsert);
  int program() const { return programs_->Descriptor(Program::kWriteFdb); }
  // What came of one write: `row` is what it was to put, `run` the status of all.
  absl::Status Finish(const state::FdbKey& key, const abi::or_fdb& row,
                      const abi::or_fdb_write& write, const absl::Status& run);
  void Count(const abi::or_fdb& row);
  absl::Status Discount(const abi::or_fdb& row);

  const DatapathMaps* const maps_;
  const ProgramSet* const programs_;
  VtepTable* const vteps_;
  std::map<uint32_t, uint64_t> local_references_;  // by port index
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_TABLE_H_
