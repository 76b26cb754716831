// Which rows are referred to: how often strongly, and by whom weakly. Kept up to date by what each
// transaction changes, so that no check ever looks through a table.
//
// Thread rule: an object belongs to one thread.
#ifndef OUTRIDER_VSWITCH_OVS_REFERENCES_H_
#define OUTRIDER_VSWITCH_OVS_REFERENCES_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "vswitch/ovs/database.h"

namespace outrider::ovs {

// Points at the table's name in the schema: two of one table have the same pointer.
struct RowId {
  const std::string* table = nullptr;
  ovsdb::Uuid uuid;
  bool operator==(const RowId&) const = default;
  // An order that does not depend on where names are.
  bool operator<(const RowId& other) const {
    if (table != other.table) return *table < *other.table;
    return uuid < other.uuid;
  }
};

struct RowIdHash {
  size_t operator()(const RowId& id) const {
    return static_cast<size_t>(id.uuid.high ^ (id.uuid.low * 0x9e3779b97f4a7c15));
  }
};

class References {
 public:
  // `count` of a new (+1) or lost (-1) reference of `column` of a row.
  using Visitor = std::function<void(const std::string& column, const ovsdb::BaseType& type,
                                     const ovsdb::Uuid& target, int count)>;

  // What references `after` has that `before` has not, and the other way round; nullptr: no row.
  static void Compare(const ovsdb::TableSchema& table, const Row* before, const Row* after,
                      const Visitor& visitor);

  // References from a row to itself do not count.
  void AddStrong(const RowId& target, int64_t count);
  void AddWeak(const RowId& target, const RowId& source, int64_t count);

  int64_t StrongCount(const RowId& target) const;
  // Ordered; each once.
  std::set<RowId> WeakSources(const RowId& target) const;

 private:
  // Never zero.
  std::unordered_map<RowId, int64_t, RowIdHash> strong_;
  std::unordered_map<RowId, std::map<RowId, int64_t>, RowIdHash> weak_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_REFERENCES_H_
