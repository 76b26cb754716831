// What a client wants to be told of a database (RFC 7047, 4.1.5; ovsdb-server(7)): tables, columns,
// kinds of change, conditions. Values; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_MONITOR_SPEC_H_
#define OUTRIDER_VSWITCH_OVS_MONITOR_SPEC_H_

#include <cstdint>
#include <map>
#include <string>

#include "vswitch/ovs/monitor_condition.h"

namespace outrider::ovs {

// "monitor" with "update", "monitor_cond" with "update2", "monitor_cond_since" with "update3".
enum class MonitorVersion : uint8_t { kV1 = 1, kV2, kV3 };

// Bits of a select.
enum MonitorSelect : uint8_t {
  kSelectInitial = 1,
  kSelectInsert = 2,
  kSelectDelete = 4,
  kSelectModify = 8,
  kSelectAll = 15,
};

struct MonitoredTable {
  struct Column {
    ovsdb::ColumnType type;
    uint8_t select = kSelectAll;
  };
  std::map<std::string, Column> columns;
  // Of any of its requests.
  uint8_t select = 0;
  MonitorCondition condition;
};

struct MonitorSpec {
  MonitorVersion version = MonitorVersion::kV1;
  std::map<std::string, MonitoredTable> tables;

  // Equal for specs that mean the same.
  std::string Key() const;
};

// The <monitor-requests> of a request of that version. Errors are OvsdbError's, with the texts of
// Open vSwitch 3.1.
absl::StatusOr<MonitorSpec> MonitorSpecFromJson(const ovsdb::DatabaseSchema& schema,
                                                MonitorVersion version,
                                                const ovsdb::Json& requests);

// `spec` with the conditions of a "monitor_cond_change" request.
absl::StatusOr<MonitorSpec> WithConditions(const ovsdb::DatabaseSchema& schema, MonitorSpec spec,
                                           const ovsdb::Json& requests);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_MONITOR_SPEC_H_
