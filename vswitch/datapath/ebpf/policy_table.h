// What rows of ports refer to by id: limits, and lists of allowed addresses. Immutable rows under
// ids that only grow while this object lives; equal content has one id, so that ports of one
// profile share their limits and an unchanged port's row stays as it is. Owns or_limits,
// or_allowed_rows, or_allowed_macs and or_allowed. Does not know ports.
//
// Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_POLICY_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_POLICY_TABLE_H_

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "vswitch/datapath/ebpf/policy_codec.h"

namespace outrider::datapath::ebpf {

class PolicyTable {
 public:
  // `maps` must outlive this.
  explicit PolicyTable(const DatapathMaps* maps) : maps_(maps) {}

  // Takes over the rows of an inventory without orphans (sweeper.h).
  void Load(const Inventory& inventory);

  // Ids of rows with the port's content, written where there were none.
  absl::StatusOr<PolicyIds> Ensure(const state::Port& port);
  // All zero for id 0 and for unknown ones.
  abi::or_limits LimitsOf(uint32_t id) const;

  // Marks all but `used`, which no row of a port names, for removal.
  void Retire(const std::set<uint32_t>& used_limits, const std::set<uint32_t>& used_allowed);
  // Removes what is marked and was not asked for again. The caller made sure that no frame reads it
  // any more. What fails stays marked.
  absl::Status RemoveRetired();

 private:
  using AllowedRows = std::vector<abi::or_allowed_row>;
  struct LessBytes {
    bool operator()(const abi::or_limits& a, const abi::or_limits& b) const;
    bool operator()(const AllowedRows& a, const AllowedRows& b) const;
  };

  absl::StatusOr<uint32_t> EnsureLimits(const abi::or_limits& limits);
  absl::StatusOr<uint32_t> EnsureAllowed(const AllowedRows& rows);

  const DatapathMaps* const maps_;
  std::map<abi::or_limits, uint32_t, LessBytes> limit_ids_;
  std::map<uint32_t, abi::or_limits> limits_;
  std::map<AllowedRows, uint32_t, LessBytes> allowed_ids_;
  std::map<uint32_t, AllowedRows> allowed_;
  std::set<uint32_t> retired_limits_;
  std::set<uint32_t> retired_allowed_;
  uint32_t last_limits_ = 0;
  uint32_t last_allowed_ = 0;
};

// Rows of a list, what the programs see of it first and what tells of it last. Absent rows are no
// error.
absl::Status DeleteAllowedList(const DatapathMaps& maps, uint32_t list,
                               const std::vector<abi::or_allowed_row>& rows);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_POLICY_TABLE_H_
