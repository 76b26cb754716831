// The values that a table's indexes keep unique, and whose they are.
//
// Thread rule: an object belongs to one thread.
#ifndef OUTRIDER_VSWITCH_OVS_UNIQUE_INDEXES_H_
#define OUTRIDER_VSWITCH_OVS_UNIQUE_INDEXES_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/ovs/database.h"

namespace outrider::ovs {

class UniqueIndexes {
 public:
  // A value per column of the index.
  using Values = std::vector<ovsdb::Datum>;

  static Values ValuesOf(const std::vector<std::string>& index, const Row& row);

  // The row of `table` whose columns of its `index`th index have these values.
  std::optional<ovsdb::Uuid> Find(const std::string& table, size_t index,
                                  const Values& values) const;
  // Enters a row, or takes it out.
  void Add(const std::string& table, const ovsdb::TableSchema& schema, const ovsdb::Uuid& uuid,
           const Row& row);
  void Remove(const std::string& table, const ovsdb::TableSchema& schema, const Row& row);

 private:
  std::map<std::string, std::vector<std::map<Values, ovsdb::Uuid>>> tables_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_UNIQUE_INDEXES_H_
