// Types, constraints and names of OVSDB columns, tables and databases (RFC 7047, 3.2), as text and
// as values. Values; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OVSDB_SCHEMA_H_
#define OUTRIDER_VSWITCH_SYS_OVSDB_SCHEMA_H_

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/datum.h"
#include "vswitch/sys/ovsdb/json.h"
#include "vswitch/types/status.h"

namespace outrider::ovsdb {

enum class RefKind : uint8_t { kNone, kStrong, kWeak };

// One atom's type with its constraints. Only those that fit `type` are set.
struct BaseType {
  AtomType type = AtomType::kInteger;
  // Not empty: only these.
  std::vector<Atom> allowed = {};
  int64_t min_integer = std::numeric_limits<int64_t>::min();
  int64_t max_integer = std::numeric_limits<int64_t>::max();
  double min_real = std::numeric_limits<double>::lowest();
  double max_real = std::numeric_limits<double>::max();
  // Of strings, in Unicode characters.
  uint32_t min_length = 0;
  uint32_t max_length = std::numeric_limits<uint32_t>::max();
  // Uuids of rows of this table; kNone: of nothing.
  RefKind ref = RefKind::kNone;
  std::string ref_table = {};
  bool operator==(const BaseType&) const = default;
};

struct ColumnType {
  static constexpr uint32_t kUnlimited = std::numeric_limits<uint32_t>::max();
  BaseType key;
  // Set: a map.
  std::optional<BaseType> value = {};
  // 0 or 1.
  uint32_t min = 1;
  // At least 1.
  uint32_t max = 1;

  bool IsMap() const { return value.has_value(); }
  bool IsScalar() const { return min == 1 && max == 1 && !IsMap(); }
  bool IsOptionalScalar() const { return min == 0 && max == 1 && !IsMap(); }
  bool operator==(const ColumnType&) const = default;
};

struct ColumnSchema {
  ColumnType type;
  bool is_mutable = true;
  // Not kept over a restart.
  bool ephemeral = false;
  bool operator==(const ColumnSchema&) const = default;
};

struct TableSchema {
  // By name, without _uuid and _version.
  std::map<std::string, ColumnSchema> columns;
  // Rows stay without being referenced.
  bool is_root = false;
  uint32_t max_rows = std::numeric_limits<uint32_t>::max();
  // Column sets whose values are unique in the table.
  std::vector<std::vector<std::string>> indexes;
  bool operator==(const TableSchema&) const = default;
};

struct DatabaseSchema {
  std::string name;
  // "8.3.1".
  std::string version;
  std::map<std::string, TableSchema> tables;
  bool operator==(const DatabaseSchema&) const = default;
};

// What a column holds when nothing was given: nothing where that is allowed, otherwise one default
// atom (0, 0.0, false, "", the zero uuid).
Datum DefaultDatum(const ColumnType& type);

Json ToJson(const ColumnType& type);
Json ToJson(const DatabaseSchema& schema);
// InvalidArgument names the table and column.
absl::StatusOr<DatabaseSchema> SchemaFromJson(const Json& json);

// The Open_vSwitch database of Open vSwitch 3.1 (version 8.3.1: 19 tables, 184 columns), made
// without parsing.
const DatabaseSchema& OpenVSwitchSchema();

}  // namespace outrider::ovsdb

#endif  // OUTRIDER_VSWITCH_SYS_OVSDB_SCHEMA_H_
