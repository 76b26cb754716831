// How open_vswitch_schema.cc writes tables down: literal types that need no work at start-up. Only
// for that file.
#ifndef OUTRIDER_VSWITCH_SYS_OVSDB_OPEN_VSWITCH_COLUMNS_H_
#define OUTRIDER_VSWITCH_SYS_OVSDB_OPEN_VSWITCH_COLUMNS_H_

#include <cstdint>
#include <limits>

#include "vswitch/sys/ovsdb/schema.h"

namespace outrider::ovsdb::columns {

inline constexpr int64_t kMax32 = 0xffffffff;
inline constexpr uint32_t kUnlimited = ColumnType::kUnlimited;

// A BaseType. `words` are the allowed strings in their order, with a null pointer after them.
struct Base {
  AtomType type = AtomType::kString;
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
  const char* const* words = nullptr;
  RefKind ref = RefKind::kNone;
  const char* table = nullptr;
};

constexpr Base String() { return {}; }
constexpr Base Boolean() { return {.type = AtomType::kBoolean}; }
constexpr Base Integer() { return {.type = AtomType::kInteger}; }
constexpr Base AtLeast(int64_t min) { return {.type = AtomType::kInteger, .min = min}; }
constexpr Base Between(int64_t min, int64_t max) {
  return {.type = AtomType::kInteger, .min = min, .max = max};
}
constexpr Base OneOf(const char* const* words) { return {.words = words}; }
constexpr Base RowOf(const char* table) {
  return {.type = AtomType::kUuid, .ref = RefKind::kStrong, .table = table};
}
constexpr Base WeakRowOf(const char* table) {
  return {.type = AtomType::kUuid, .ref = RefKind::kWeak, .table = table};
}

// A ColumnSchema and its name.
struct Column {
  const char* name = nullptr;
  Base key;
  uint32_t min = 1;
  uint32_t max = 1;
  bool is_map = false;
  Base value = {};
  bool is_mutable = true;
  bool ephemeral = false;
};

constexpr Column One(const char* name, Base key) { return {.name = name, .key = key}; }
constexpr Column Optional(const char* name, Base key) {
  return {.name = name, .key = key, .min = 0};
}
constexpr Column Set(const char* name, Base key, uint32_t max = kUnlimited) {
  return {.name = name, .key = key, .min = 0, .max = max};
}
// A set that is never empty.
constexpr Column Some(const char* name, Base key) {
  return {.name = name, .key = key, .max = kUnlimited};
}
constexpr Column Map(const char* name, Base key, Base value) {
  return {.name = name, .key = key, .min = 0, .max = kUnlimited, .is_map = true, .value = value};
}
// Free-form pairs.
constexpr Column Pairs(const char* name) { return Map(name, String(), String()); }
constexpr Column Counters(const char* name) { return Map(name, String(), Integer()); }

constexpr Column Ephemeral(Column column) {
  column.ephemeral = true;
  return column;
}
constexpr Column Immutable(Column column) {
  column.is_mutable = false;
  return column;
}

}  // namespace outrider::ovsdb::columns

#endif  // OUTRIDER_VSWITCH_SYS_OVSDB_OPEN_VSWITCH_COLUMNS_H_
