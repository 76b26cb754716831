// The Open_vSwitch database's rows in the agent's local store. Thread rule: LocalStore's.
#ifndef OUTRIDER_VSWITCH_AGENT_OVSDB_ROWS_H_
#define OUTRIDER_VSWITCH_AGENT_OVSDB_ROWS_H_

#include <vector>

#include "vswitch/agent/local_store.h"
#include "vswitch/ovs/row_store.h"

namespace outrider::agent {

class OvsdbRows final : public ovs::RowStore {
 public:
  explicit OvsdbRows(LocalStore* store) : store_(store) {}
  absl::StatusOr<std::vector<ovs::StoredRow>> Load() override { return store_->LoadOvsdbRows(); }
  absl::Status Write(const std::vector<ovs::StoredRow>& rows, ovs::Durability durability) override {
    return store_->WriteOvsdbRows(rows, durability);
  }

 private:
  LocalStore* const store_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_OVSDB_ROWS_H_
