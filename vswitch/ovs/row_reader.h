// Columns of a row as plain values. The schema has been checked: a column that is not there, or of
// another type, reads as nothing. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_ROW_READER_H_
#define OUTRIDER_VSWITCH_OVS_ROW_READER_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vswitch/ovs/database.h"

namespace outrider::ovs {

class RowReader {
 public:
  explicit RowReader(const Row& row) : row_(row) {}

  // "" when there is none.
  std::string Text(const std::string& column) const;
  std::optional<int64_t> Integer(const std::string& column) const;
  // False when there is none.
  bool Flag(const std::string& column) const;
  std::set<int64_t> Integers(const std::string& column) const;
  std::vector<ovsdb::Uuid> References(const std::string& column) const;
  // Value of a key of a map of strings; nullopt: no such key.
  std::optional<std::string> ValueOf(const std::string& column, const std::string& key) const;
  // Whether the column holds something other than its default.
  bool IsSet(const std::string& column, const ovsdb::ColumnType& type) const;

 private:
  const ovsdb::Datum* Find(const std::string& column) const;
  template <typename T>
  std::optional<T> First(const std::string& column) const;

  const Row& row_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_ROW_READER_H_
