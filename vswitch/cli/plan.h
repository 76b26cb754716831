// What a command line needs of the database, collected before the first question to the server, so
// that one question suffices. Knows the schema, not the data.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_CLI_PLAN_H_
#define OUTRIDER_VSWITCH_CLI_PLAN_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/json.h"
#include "vswitch/sys/ovsdb/schema.h"

namespace outrider::cli {

class Plan {
 public:
  // `schema` outlives the plan. `whole`: tables are fetched whole also where single rows might do.
  Plan(const ovsdb::DatabaseSchema* schema, bool whole) : schema_(schema), whole_(whole) {}

  const ovsdb::DatabaseSchema& schema() const { return *schema_; }
  bool whole() const { return whole_; }

  // Every row of the table, by these columns. Columns the schema does not have are left out: an
  // older server shows what it knows.
  void Need(const std::string& table, const std::vector<std::string>& columns);
  // The row, if any, whose `name_column` is `name`; by these columns and those others ask for.
  void NeedNamed(const std::string& table, const std::string& name_column, const std::string& name,
                 const std::vector<std::string>& columns);
  // Also these columns of the rows that are fetched anyway.
  void AlsoColumns(const std::string& table, const std::vector<std::string>& columns);

  // Something to tell the user once, before anything is done.
  void Warn(const std::string& message) { warnings_.push_back(message); }
  const std::vector<std::string>& warnings() const { return warnings_; }

  // The operations of the transaction that fetches it, and the table each is of.
  struct Selects {
    ovsdb::Json operations = ovsdb::Json::array();
    std::vector<std::string> tables = {};
  };
  Selects Operations() const;
  // The <monitor-requests> of all that is needed.
  ovsdb::Json MonitorRequests() const;

 private:
  struct Rows {
    bool all = false;
    std::string name_column;
    std::set<std::string> names;
    std::set<std::string> columns;
  };

  const ovsdb::DatabaseSchema* schema_;
  const bool whole_;
  std::map<std::string, Rows> tables_;
  std::vector<std::string> warnings_;
};

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_PLAN_H_
