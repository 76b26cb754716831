#include "vswitch/ovs/monitor_condition.h"

#include <algorithm>
#include <utility>

namespace outrider::ovs {

absl::StatusOr<MonitorCondition> MonitorCondition::FromJson(const NamedTable& table,
                                                            const ovsdb::Json& json) {
  MonitorCondition condition;
  for (const ovsdb::Json& clause : json) {
    ASSIGN_OR_RETURN(Condition one,
                     Condition::FromJson(table, ovsdb::Json::array({clause}), nullptr));
    condition.clauses_.push_back(std::move(one));
  }
  if (!json.empty()) condition.text_ = ovsdb::ToText(json);
  return condition;
}

bool MonitorCondition::Matches(const ovsdb::Uuid& uuid, const Row& row) const {
  return clauses_.empty() || std::ranges::any_of(clauses_, [&](const Condition& clause) {
           return clause.Matches(uuid, row);
         });
}

}  // namespace outrider::ovs
