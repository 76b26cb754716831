#include "vswitch/datapath/ebpf/rule_set_table.h"

#include "vswitch/datapath/ebpf/rule_codec.h"

namespace outrider::datapath::ebpf {

void RuleSetTable::Load(const Inventory& inventory) {
  for (const auto& [id, row] : inventory.rule_sets) {
    ids_[Digest(ToArray(row.digest))] = id;
    last_id_ = id;
  }
}

std::optional<uint32_t> RuleSetTable::IdOf(const Digest& digest) const {
  const auto found = ids_.find(digest);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

absl::Status RuleSetTable::Upsert(const Digest& digest, const state::RuleSet& set) {
  if (ids_.contains(digest)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const abi::or_rule_set row, EncodeRuleSet(digest, set));
  const uint32_t id = last_id_ + 1;
  RETURN_IF_ERROR(maps_->rule_sets.Update(id, row, sys::UpdateMode::kNoExist));
  last_id_ = id;
  ids_[digest] = id;
  return absl::OkStatus();
}

absl::Status RuleSetTable::Delete(const Digest& digest) {
  const auto id = IdOf(digest);
  if (!id) return absl::OkStatus();
  RETURN_IF_ERROR(maps_->rule_sets.Delete(*id));
  ids_.erase(digest);
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
