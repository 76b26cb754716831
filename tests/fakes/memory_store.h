// Store in memory: what the SQLite store promises, without durability. Held to it by
// tests/controller/store/store_contract.h.
//
// Thread-safe.
#ifndef OUTRIDER_TESTS_FAKES_MEMORY_STORE_H_
#define OUTRIDER_TESTS_FAKES_MEMORY_STORE_H_

#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "controller/store/store.h"

namespace outrider::controller {

class MemoryStore : public Store {
 public:
  explicit MemoryStore(uint64_t kept_revisions = kKeptRevisions);

  absl::StatusOr<uint64_t> Commit(const Txn& txn) override;
  absl::StatusOr<RangeResult> Range(const std::string& prefix) override;
  absl::StatusOr<std::vector<StoreEvent>> ChangesSince(uint64_t revision) override;
  uint64_t revision() const override;
  std::string store_id() const override { return store_id_; }

  // What a copy of the file holds, and its return: history after it is lost, the identity is not.
  struct Backup {
    std::map<std::string, KeyValue> items;
    std::deque<StoreEvent> log;
    uint64_t revision = 0;
    uint64_t compacted = 0;
  };
  Backup MakeBackup() const;
  void Restore(const Backup& backup);

  // Commits are refused with this status until it is set to OK again.
  void RefuseCommits(absl::Status status);
  // Commits so far: what a test counts that must not write.
  uint64_t commits() const { return revision(); }

 private:
  const uint64_t kept_revisions_;
  const std::string store_id_;
  mutable std::mutex mutex_;
  std::map<std::string, KeyValue> items_;
  std::deque<StoreEvent> log_;
  uint64_t revision_ = 0;
  uint64_t compacted_ = 0;
  absl::Status refusal_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_FAKES_MEMORY_STORE_H_
