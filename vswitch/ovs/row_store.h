// Where the rows of an OVSDB database outlive the process: the seam between the engine and the
// agent's local store. The text of a row is the engine's own matter.
#ifndef OUTRIDER_VSWITCH_OVS_ROW_STORE_H_
#define OUTRIDER_VSWITCH_OVS_ROW_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/uuid.h"
#include "vswitch/types/status.h"

namespace outrider::ovs {

struct StoredRow {
  std::string table;
  ovsdb::Uuid uuid;
  // Absent in a write: the row goes.
  std::optional<std::string> text;
};

enum class Durability : uint8_t {
  // On the disk (fsync) when the write returns.
  kSynced,
  // With the next synced write. The process may die; with the machine it is lost.
  kOrdered,
};

class RowStore {
 public:
  virtual ~RowStore() = default;
  // DataLoss: the store is damaged.
  virtual absl::StatusOr<std::vector<StoredRow>> Load() = 0;
  // All or nothing.
  virtual absl::Status Write(const std::vector<StoredRow>& rows, Durability durability) = 0;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_ROW_STORE_H_
