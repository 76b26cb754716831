// The "where" of OVSDB operations and of conditional monitors (RFC 7047, 5.1): clauses that all
// must hold of a row. A value; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_CONDITION_H_
#define OUTRIDER_VSWITCH_OVS_CONDITION_H_

#include <optional>
#include <string>
#include <vector>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/table_columns.h"

namespace outrider::ovs {

class Condition {
 public:
  // `json` is the array of clauses. Errors have the texts of Open vSwitch 3.1.
  static absl::StatusOr<Condition> FromJson(const NamedTable& table, const ovsdb::Json& json,
                                            const ovsdb::NamedUuids& names);

  // All clauses hold; so does none.
  bool Matches(const ovsdb::Uuid& uuid, const Row& row) const;
  // The only row that can match, where a clause says so.
  std::optional<ovsdb::Uuid> only_row() const { return only_row_; }

 private:
  enum class Function { kLess, kAtMost, kEqual, kNotEqual, kAtLeast, kMore, kIncludes, kExcludes };
  struct Clause {
    std::string column;
    Function function = Function::kEqual;
    ovsdb::Datum argument;
  };

  static std::optional<Function> FunctionOf(const std::string& name);
  static absl::StatusOr<Clause> ClauseFromJson(const NamedTable& table, const ovsdb::Json& json,
                                               const ovsdb::NamedUuids& names);
  static bool Holds(const Clause& clause, const ovsdb::Datum& value);

  std::vector<Clause> clauses_;
  // A clause `false` is there.
  bool never_ = false;
  std::optional<ovsdb::Uuid> only_row_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_CONDITION_H_
