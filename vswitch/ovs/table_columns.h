// The columns of a table as operations name them: those of its schema and the two every row has,
// _uuid and _version. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_TABLE_COLUMNS_H_
#define OUTRIDER_VSWITCH_OVS_TABLE_COLUMNS_H_

#include <set>
#include <string>
#include <vector>

#include "vswitch/ovs/database.h"

namespace outrider::ovs {

// A table of a schema with its name. Points into the schema.
struct NamedTable {
  const std::string* name = nullptr;
  const ovsdb::TableSchema* schema = nullptr;
};

// nullptr: the table has no such column. _uuid and _version are immutable.
const ovsdb::ColumnSchema* FindColumn(const NamedTable& table, const std::string& name);
// "unknown column", with `json`, which names the column.
absl::Status UnknownColumn(const NamedTable& table, const std::string& name,
                           const ovsdb::Json& json);

// Of a row; `scratch` holds what is not in its columns.
const ovsdb::Datum& ValueOf(const ovsdb::Uuid& uuid, const Row& row, const std::string& column,
                            ovsdb::Datum* scratch);

// The names in a "columns" member; without one (nullptr) all columns. "syntax error" otherwise.
absl::StatusOr<std::set<std::string>> ColumnsFromJson(const NamedTable& table,
                                                      const ovsdb::Json* json);

// "set of up to 3 integers", as messages have it.
std::string TypeText(const ovsdb::ColumnType& type);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_TABLE_COLUMNS_H_
