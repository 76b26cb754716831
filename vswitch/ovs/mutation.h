// The mutations of a "mutate" operation (RFC 7047, 5.1): read with the checks of their column's
// type, applied to rows. A value; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_MUTATION_H_
#define OUTRIDER_VSWITCH_OVS_MUTATION_H_

#include <string>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/table_columns.h"

namespace outrider::ovs {

class Mutation {
 public:
  // `json` is one [column, mutator, value]. `trusted`: immutable columns too. Errors have the texts
  // of Open vSwitch 3.1.
  static absl::StatusOr<Mutation> FromJson(const NamedTable& table, const ovsdb::Json& json,
                                           const ovsdb::NamedUuids& names, bool trusted);

  // "domain error", "range error" or "constraint violation"; the row is then half changed.
  absl::Status Apply(Row* row) const;

 private:
  enum class Mutator { kAdd, kSubtract, kMultiply, kDivide, kModulo, kInsert, kDelete };

  absl::Status ReadArgument(const ovsdb::Json& json, const ovsdb::NamedUuids& names);
  absl::Status Calculate(ovsdb::Datum* value) const;
  absl::StatusOr<ovsdb::Atom> Calculated(const ovsdb::Atom& atom) const;
  absl::StatusOr<ovsdb::Atom> Integer(int64_t left, int64_t right) const;
  absl::StatusOr<ovsdb::Atom> Real(double left, double right) const;
  void Insert(ovsdb::Datum* value) const;
  void Delete(ovsdb::Datum* value) const;

  std::string column_;
  ovsdb::ColumnType type_;
  // As the client wrote it.
  std::string name_;
  Mutator mutator_ = Mutator::kAdd;
  ovsdb::Datum argument_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MUTATION_H_
