// A RowStore of what need not outlive the process: nothing is kept. Any thread.
#ifndef OUTRIDER_VSWITCH_OVS_MEMORY_ROW_STORE_H_
#define OUTRIDER_VSWITCH_OVS_MEMORY_ROW_STORE_H_

#include <vector>

#include "vswitch/ovs/row_store.h"

namespace outrider::ovs {

class MemoryRowStore final : public RowStore {
 public:
  absl::StatusOr<std::vector<StoredRow>> Load() override { return std::vector<StoredRow>{}; }
  absl::Status Write(const std::vector<StoredRow>& rows, Durability durability) override {
    (void)rows;
    (void)durability;
    return absl::OkStatus();
  }
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MEMORY_ROW_STORE_H_
