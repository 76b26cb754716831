// A row as the RowStore keeps it: a JSON object of the columns that outlive the process and hold
// something. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_ROW_TEXT_H_
#define OUTRIDER_VSWITCH_OVS_ROW_TEXT_H_

#include <string>
#include <vector>

#include "vswitch/ovs/database.h"

namespace outrider::ovs {

// Every column at its default; `version` is new.
Row NewRow(const ovsdb::TableSchema& table);

std::string TextOfRow(const ovsdb::TableSchema& table, const Row& row);
// Columns the table does not have, or does not keep, are left out and named in `dropped`.
// InvalidArgument names the column.
absl::StatusOr<Row> RowOfText(const ovsdb::TableSchema& table, const std::string& text,
                              std::vector<std::string>* dropped);

// Whether the two differ in a column that is kept.
bool DifferWhereKept(const ovsdb::TableSchema& table, const Row& a, const Row& b);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_ROW_TEXT_H_
