// What must hold of the whole database after a transaction (RFC 7047, 3.2): references lead
// somewhere, rows nobody needs are gone, tables are not too large, indexes are unique. Costs what
// the transaction touched. Writes nothing but the working set.
//
// Thread rule: an object belongs to one thread.
#ifndef OUTRIDER_VSWITCH_OVS_COMMIT_CHECKS_H_
#define OUTRIDER_VSWITCH_OVS_COMMIT_CHECKS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/references.h"
#include "vswitch/ovs/unique_indexes.h"
#include "vswitch/ovs/working_set.h"

namespace outrider::ovs {

class CommitChecks {
 public:
  // All outlive the object. `references` and `indexes` are those before the transaction.
  CommitChecks(const ovsdb::DatabaseSchema& schema, const References& references,
               const UniqueIndexes& indexes, WorkingSet* rows)
      : schema_(schema), references_(references), indexes_(indexes), rows_(rows) {}

  // Deletes what is not referred to any more, takes weak references to what is gone out of rows and
  // forgets rows that are as they were; then `rows` is what is to be committed. Otherwise the error
  // as Open vSwitch 3.1 words it.
  absl::Status Run();

 private:
  RowId IdOf(const std::string& table, const ovsdb::Uuid& uuid) const;
  // Strong references to the row, with the transaction.
  int64_t StrongCount(const RowId& id) const;

  // Counts what a row gained and lost between two states.
  void Count(const RowId& id, const Row* before, const Row* after);
  absl::Status CheckStrong();
  absl::Status CheckTargets(const RowId& id, const Row* before, const Row& after) const;
  void CollectGarbage();
  void Collect(const RowId& id);
  absl::Status CheckRowLimits() const;
  absl::Status PurgeWeak(bool* changed);
  absl::Status PurgeWeakOf(const RowId& id, bool* changed);
  bool IsDangling(const ovsdb::BaseType& type, const ovsdb::Atom& atom) const;
  absl::Status CheckIndexes() const;
  absl::Status CheckIndexesOf(const std::string& table,
                              const WorkingSet::PendingTable& pending) const;
  absl::Status Duplicate(const std::string& table, const std::vector<std::string>& index,
                         const ovsdb::Uuid& a, const ovsdb::Uuid& b) const;

  const ovsdb::DatabaseSchema& schema_;
  const References& references_;
  const UniqueIndexes& indexes_;
  WorkingSet* const rows_;
  // Of rows whose number of strong references changed: by how much.
  std::map<RowId, int64_t> strong_changes_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_COMMIT_CHECKS_H_
