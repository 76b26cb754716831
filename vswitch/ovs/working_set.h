// What a transaction has changed so far, over the rows there were: a row is copied when it is first
// touched, the rest is shared. Checks nothing.
//
// Thread rule: an object belongs to one thread; the tables beneath must not change meanwhile.
#ifndef OUTRIDER_VSWITCH_OVS_WORKING_SET_H_
#define OUTRIDER_VSWITCH_OVS_WORKING_SET_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/ovs/condition.h"
#include "vswitch/ovs/database.h"

namespace outrider::ovs {

// `before` null: inserted; `after` null: deleted. Both null: inserted and deleted again.
struct PendingRow {
  RowPtr before;
  std::shared_ptr<Row> after;
};

class WorkingSet {
 public:
  // `tables` outlive the set.
  explicit WorkingSet(const Tables& tables) : tables_(tables) {}

  // As the transaction sees it; nullptr: no such row.
  const Row* Find(const std::string& table, const ovsdb::Uuid& uuid) const;
  // The same, to be written to.
  Row* Edit(const std::string& table, const ovsdb::Uuid& uuid);
  // Whether the row is, or was before the transaction.
  bool IsKnown(const std::string& table, const ovsdb::Uuid& uuid) const;
  // Before the transaction; nullptr: was not there.
  const Row* Before(const std::string& table, const ovsdb::Uuid& uuid) const;

  void Insert(const std::string& table, const ovsdb::Uuid& uuid, std::shared_ptr<Row> row);
  void Delete(const std::string& table, const ovsdb::Uuid& uuid);

  std::vector<ovsdb::Uuid> Matching(const std::string& table, const Condition& condition) const;
  // Rows of the table, as the transaction sees it.
  size_t Count(const std::string& table) const;

  // Forgets rows that are as they were.
  void DropUnchanged();

  using PendingTable = std::map<ovsdb::Uuid, PendingRow>;
  const std::map<std::string, PendingTable>& pending() const { return pending_; }

 private:
  const Table* TableOf(const std::string& table) const;
  const PendingRow* PendingOf(const std::string& table, const ovsdb::Uuid& uuid) const;

  const Tables& tables_;
  std::map<std::string, PendingTable> pending_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_WORKING_SET_H_
