// The rows of the FDB as the programs have them (vswitch/abi/or_fdb.h): reads the table, and has
// the program that writes it run. Knows neither what a row leads to nor where a row belongs. Thread
// rule: one writer, the datapath's thread; readers on any.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_ROWS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_ROWS_H_

#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "vswitch/abi/or_abi.h"
#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::datapath::ebpf {

class FdbRows {
 public:
  // `maps` must outlive this.
  explicit FdbRows(sys::BpfMaps* maps) : maps_(maps), more_(maps, "or_fdb_more") {}

  using Visitor = std::function<void(const abi::or_fdb_key& key, const abi::or_fdb& row)>;
  // Every row, in no order. Rows written meanwhile may be missed.
  absl::Status Visit(const Visitor& visit) const;
  absl::StatusOr<std::vector<std::pair<abi::or_fdb_key, abi::or_fdb>>> Dump() const;

  // Has `program`, or_write_fdb, do what `writes` say, in order; then they say what came of them.
  // An error leaves those that were not tried OR_FDB_UNTRIED.
  absl::Status Write(int program, std::span<abi::or_fdb_write> writes) const;
  // Rows that are not there are no error.
  absl::Status Delete(int program, const std::vector<abi::or_fdb_key>& keys) const;

 private:
  absl::Status VisitTable(const Visitor& visit) const;

  sys::BpfMaps* const maps_;
  sys::TypedMap<abi::or_fdb_key, abi::or_fdb_more> more_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_FDB_ROWS_H_
