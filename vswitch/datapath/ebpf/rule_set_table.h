// Rule sets by digest: compiled into immutable images under ids that only grow while this object
// lives. Owns or_rule_sets and or_rule_counts. Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_RULE_SET_TABLE_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_RULE_SET_TABLE_H_

#include <cstdint>
#include <deque>
#include <future>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "vswitch/datapath/ebpf/group_table.h"
#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

class RuleSetTable {
 public:
  // Both must outlive this. `groups` gets the rules that name groups, before the set can be used.
  RuleSetTable(const DatapathMaps* maps, GroupTable* groups) : maps_(maps), groups_(groups) {}

  // Removes counters of sets that are no more.
  absl::Status Load(const Inventory& inventory);

  std::optional<uint32_t> IdOf(const Digest& digest) const;
  // Whether a set that is in force names groups.
  bool NamesGroups(uint32_t id) const { return groups_->IsNamedBy(id); }
  // Whether a frame's sender may have to be told that the set rejects it.
  bool MayReject(uint32_t id) const { return rejecting_.contains(id); }
  // No-op for a digest that is there: same digest, same content. ResourceExhausted names the limit
  // that the set exceeds.
  absl::Status Upsert(const Digest& digest, const state::RuleSet& set);
  // The caller made sure that no port refers to it and no frame still walks it.
  absl::Status Delete(const Digest& digest);

 private:
  // Returns when programs can see the set. The kernel's call goes on for a grace period, for
  // whoever replaced one; nobody needs that of a new id.
  absl::Status Insert(uint32_t id, std::vector<abi::or_acl_line> image);

  const DatapathMaps* const maps_;
  GroupTable* const groups_;
  std::map<Digest, uint32_t> ids_;
  std::set<uint32_t> rejecting_;
  uint32_t last_id_ = 0;
  // Calls that are still in the kernel; their ends wait for them.
  std::deque<std::future<absl::Status>> inserts_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_RULE_SET_TABLE_H_
