// A RowStore in memory, with switches for what a disk may do. Owns what was written.
//
// Thread rule: one thread.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_ROW_STORE_H_
#define OUTRIDER_TESTS_FAKES_FAKE_ROW_STORE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "vswitch/ovs/row_store.h"

namespace outrider::ovs {

class FakeRowStore : public RowStore {
 public:
  using Key = std::pair<std::string, ovsdb::Uuid>;

  absl::StatusOr<std::vector<StoredRow>> Load() override {
    if (!load_status.ok()) return load_status;
    std::vector<StoredRow> loaded;
    for (const auto& [key, text] : rows) loaded.push_back({key.first, key.second, text});
    return loaded;
  }

  absl::Status Write(const std::vector<StoredRow>& written, Durability durability) override {
    if (!write_status.ok()) return write_status;
    ++writes;
    if (durability == Durability::kSynced) ++synced_writes;
    rows_written += written.size();
    for (const StoredRow& row : written) {
      if (row.text) {
        rows[{row.table, row.uuid}] = *row.text;
      } else {
        rows.erase({row.table, row.uuid});
      }
    }
    return absl::OkStatus();
  }

  std::map<Key, std::string> rows;
  size_t writes = 0;
  size_t synced_writes = 0;
  size_t rows_written = 0;
  // What the next calls answer.
  absl::Status load_status;
  absl::Status write_status;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_TESTS_FAKES_FAKE_ROW_STORE_H_
