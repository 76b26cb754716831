#include "tests/fakes/memory_store.h"

#include <fmt/format.h>

#include "controller/model/names.h"

namespace outrider::controller {

MemoryStore::MemoryStore(uint64_t kept_revisions)
    : kept_revisions_(kept_revisions), store_id_(NewUuid()) {}

absl::StatusOr<uint64_t> MemoryStore::Commit(const Txn& txn) {
  std::lock_guard lock(mutex_);
  if (!refusal_.ok()) return refusal_;
  if (txn.ops.empty()) return absl::InvalidArgumentError("a commit needs at least one op");
  for (const Compare& compare : txn.compares) {
    const auto found = items_.find(compare.key);
    const uint64_t present = found == items_.end() ? 0 : found->second.mod_revision;
    if (present != compare.mod_revision) {
      return absl::AbortedError(fmt::format("\"{}\" is at revision {}, not {}", compare.key,
                                            present, compare.mod_revision));
    }
  }
  ++revision_;
  for (const Op& op : txn.ops) {
    const auto found = items_.find(op.key);
    if (op.kind == Op::Kind::kDelete) {
      if (found == items_.end()) continue;
      items_.erase(found);
      log_.push_back({revision_, op.kind, {op.key, {}, 0, 0}});
      continue;
    }
    const uint64_t created = found == items_.end() ? revision_ : found->second.create_revision;
    items_[op.key] = {op.key, op.value, created, revision_};
    log_.push_back({revision_, op.kind, items_[op.key]});
  }
  if (revision_ > kept_revisions_) compacted_ = revision_ - kept_revisions_;
  while (!log_.empty() && log_.front().revision <= compacted_) log_.pop_front();
  return revision_;
}

absl::StatusOr<RangeResult> MemoryStore::Range(const std::string& prefix) {
  std::lock_guard lock(mutex_);
  RangeResult result{revision_, {}};
  for (auto it = items_.lower_bound(prefix); it != items_.end(); ++it) {
    if (it->first.compare(0, prefix.size(), prefix) != 0) break;
    result.items.push_back(it->second);
  }
  return result;
}

absl::StatusOr<std::vector<StoreEvent>> MemoryStore::ChangesSince(uint64_t revision) {
  std::lock_guard lock(mutex_);
  if (revision < compacted_ || revision > revision_) {
    return absl::OutOfRangeError(
        fmt::format("changes since revision {} are not kept; the store has {}..{}", revision,
                    compacted_, revision_));
  }
  std::vector<StoreEvent> events;
  for (const StoreEvent& event : log_) {
    if (event.revision > revision) events.push_back(event);
  }
  return events;
}

uint64_t MemoryStore::revision() const {
  std::lock_guard lock(mutex_);
  return revision_;
}

MemoryStore::Backup MemoryStore::MakeBackup() const {
  std::lock_guard lock(mutex_);
  return {items_, log_, revision_, compacted_};
}

void MemoryStore::Restore(const Backup& backup) {
  std::lock_guard lock(mutex_);
  items_ = backup.items;
  log_ = backup.log;
  revision_ = backup.revision;
  compacted_ = backup.compacted;
}

void MemoryStore::RefuseCommits(absl::Status status) {
  std::lock_guard lock(mutex_);
  refusal_ = std::move(status);
}

}  // namespace outrider::controller
