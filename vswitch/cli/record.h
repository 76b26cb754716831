// Rows by what people call them: a name, a uuid or the beginning of one, "." for the only row, or
// the name of what refers to it ("the Controller of bridge X"). And "COLUMN[:KEY][OPERATOR VALUE]"
// arguments.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_CLI_RECORD_H_
#define OUTRIDER_VSWITCH_CLI_RECORD_H_

#include <optional>
#include <string>
#include <vector>

#include "vswitch/cli/plan.h"
#include "vswitch/cli/value_text.h"
#include "vswitch/cli/view.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

// By which column a table's rows are named. `via` set: that column of `table`, whose name is the
// record's, refers to the row.
struct RecordName {
  const char* of;
  const char* table;
  const char* column;
  const char* via;
};
// Null: by uuid only.
const RecordName* RecordNameOf(const std::string& table);

// Needs what FindRecord reads, and `columns` of the row: of that row only where its name is enough.
void PlanRecord(const std::string& table, const std::string& record,
                const std::vector<std::string>& columns, Plan* plan);

// Null: there is none. InvalidArgument: more than one.
absl::StatusOr<ViewRow*> FindRecord(View* view, const std::string& table,
                                    const std::string& record);
// NotFound: 'no row "X" in table T'.
absl::StatusOr<ViewRow*> RequireRecord(View* view, const std::string& table,
                                       const std::string& record);

// The column at the front of an argument.
absl::StatusOr<std::string> ColumnOfArgument(const ovsdb::DatabaseSchema& schema,
                                             const std::string& table, const std::string& argument);

struct ColumnArgument {
  std::string column;
  std::optional<std::string> key;
  // Index into the operators that were allowed.
  size_t op = 0;
  std::string value;
};
// With no operators nothing may follow the key.
absl::StatusOr<ColumnArgument> ParseColumnArgument(const ovsdb::DatabaseSchema& schema,
                                                   const std::string& table,
                                                   const std::string& argument,
                                                   const std::vector<std::string>& operators);

// Writes "COLUMN[:KEY]=VALUE". `partly`: a key of a map is put in beside whatever else others put
// in meanwhile, and later commands do not see it.
absl::Status SetColumn(View* view, ViewRow* row, const std::string& argument, bool partly,
                       RowNames* names);
// FailedPrecondition: the column of an existing row is immutable.
absl::Status CheckMutable(const View& view, const ViewRow& row, const std::string& column);

// Whether the row meets "COLUMN[:KEY] OPERATOR VALUE".
absl::StatusOr<bool> Meets(const View& view, const ViewRow& row, const std::string& argument,
                           RowNames* names);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_RECORD_H_
