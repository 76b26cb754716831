#include "vswitch/datapath/ebpf/rule_set_table.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

#include "vswitch/datapath/ebpf/acl/compiler.h"
#include "vswitch/datapath/ebpf/counters.h"

namespace outrider::datapath::ebpf {
namespace {

// Threads that wait out the rest of an insertion.
constexpr size_t kMaxInserts = 16;
constexpr std::chrono::microseconds kInsertPoll(50);

bool Rejects(const state::RuleSet& set) {
  return set.default_action == state::AclAction::kReject ||
         std::any_of(set.rules.begin(), set.rules.end(), [](const state::AclRule& rule) {
           return rule.action == state::AclAction::kReject;
         });
}

}  // namespace

absl::Status RuleSetTable::Load(const Inventory& inventory) {
  for (const auto& [id, loaded] : inventory.rule_sets) {
    ids_[loaded.digest] = id;
    if (Rejects(loaded.set)) rejecting_.insert(id);
    last_id_ = id;
  }
  // An id may come again.
  return DeleteRuleCounts(*maps_, [&inventory](const abi::or_rule_count_key& key) {
    return key.set != 0 && !inventory.rule_sets.contains(key.set);
  });
}

std::optional<uint32_t> RuleSetTable::IdOf(const Digest& digest) const {
  const auto found = ids_.find(digest);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

absl::Status RuleSetTable::Upsert(const Digest& digest, const state::RuleSet& set) {
  if (ids_.contains(digest)) return absl::OkStatus();
  ASSIGN_OR_RETURN(auto image, CompileRuleSet(digest, set));
  // An id is not tried again: rows of groups may be left of the failure.
  const uint32_t id = ++last_id_;
  RETURN_IF_ERROR(groups_->AddSet(id, FindGroupRules(set)));
  if (const absl::Status status = Insert(id, std::move(image)); !status.ok()) {
    (void)groups_->RemoveSet(id);
    return status;
  }
  ids_[digest] = id;
  if (Rejects(set)) rejecting_.insert(id);
  return absl::OkStatus();
}

absl::Status RuleSetTable::Insert(uint32_t id, std::vector<abi::or_acl_line> image) {
  if (inserts_.size() >= kMaxInserts) inserts_.pop_front();
  const auto shared = std::make_shared<const std::vector<abi::or_acl_line>>(std::move(image));
  std::future<absl::Status> insert;
  try {
    insert = std::async(std::launch::async,
                        [maps = maps_, id, shared] { return maps->rule_sets.Insert(id, *shared); });
  } catch (const std::system_error&) {
    return maps_->rule_sets.Insert(id, *shared);  // no thread to be had
  }
  while (insert.wait_for(kInsertPoll) != std::future_status::ready) {
    ASSIGN_OR_RETURN(const bool there, maps_->rule_sets.Contains(id));
    if (!there) continue;
    inserts_.push_back(std::move(insert));
    return absl::OkStatus();
  }
  return insert.get();
}

absl::Status RuleSetTable::Delete(const Digest& digest) {
  const auto id = IdOf(digest);
  if (!id) return absl::OkStatus();
  inserts_.clear();
  const absl::Status status = maps_->rule_sets.Delete(*id);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  RETURN_IF_ERROR(groups_->RemoveSet(*id));
  RETURN_IF_ERROR(
      DeleteRuleCounts(*maps_, [id](const abi::or_rule_count_key& key) { return key.set == *id; }));
  ids_.erase(digest);
  rejecting_.erase(*id);
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
