// The condition of a monitor (ovsdb-server(7), "Monitor_Cond"): which rows of a table its client
// wants to know of. A value; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_MONITOR_CONDITION_H_
#define OUTRIDER_VSWITCH_OVS_MONITOR_CONDITION_H_

#include <string>
#include <vector>

#include "vswitch/ovs/condition.h"

namespace outrider::ovs {

// Rows for which any clause holds; without a clause, all. (Of operations all clauses must hold.)
class MonitorCondition {
 public:
  // `json`: the "where" array; its members are booleans and [column, function, value]. Errors are
  // OvsdbError's.
  static absl::StatusOr<MonitorCondition> FromJson(const NamedTable& table,
                                                   const ovsdb::Json& json);

  bool Matches(const ovsdb::Uuid& uuid, const Row& row) const;
  // The array as it was; "" without a clause. Equal for equal conditions.
  const std::string& text() const { return text_; }

 private:
  std::vector<Condition> clauses_;
  std::string text_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MONITOR_CONDITION_H_
