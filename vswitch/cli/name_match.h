// Tables and columns by the names people type: any case, '-' for '_', any prefix that means one
// only. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_CLI_NAME_MATCH_H_
#define OUTRIDER_VSWITCH_CLI_NAME_MATCH_H_

#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/schema.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

// NotFound: none; InvalidArgument: several, which the message lists.
absl::StatusOr<std::string> MatchTable(const ovsdb::DatabaseSchema& schema,
                                       const std::string& text);
// `table` is one of the schema's.
absl::StatusOr<std::string> MatchColumn(const ovsdb::DatabaseSchema& schema,
                                        const std::string& table, const std::string& text);

// "a, b", each of them "_uuid" or a column; empty: all, "_uuid" first.
absl::StatusOr<std::vector<std::string>> MatchColumns(const ovsdb::DatabaseSchema& schema,
                                                      const std::string& table,
                                                      const std::string& list, bool all);

bool EqualIgnoringCase(const std::string& a, const std::string& b);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_NAME_MATCH_H_
