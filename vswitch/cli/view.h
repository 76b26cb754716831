// What one command line sees of the database: the rows that were fetched for it, and its own
// changes, which are in force for its later commands at once. Makes the operations of the one
// transaction that writes them. Knows no connection and no command.
//
// Thread rule: one thread. Rows live as long as the view.
#ifndef OUTRIDER_VSWITCH_CLI_VIEW_H_
#define OUTRIDER_VSWITCH_CLI_VIEW_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vswitch/sys/ovsdb/datum.h"
#include "vswitch/sys/ovsdb/json.h"
#include "vswitch/sys/ovsdb/schema.h"
#include "vswitch/types/status.h"

namespace outrider::cli {

struct ViewRow {
  std::string table;
  ovsdb::Uuid uuid;
  // Of the database, not made by this command line.
  bool stored = false;
  // A new row that shall have this very uuid.
  bool keeps_uuid = false;
  bool deleted = false;
  // As fetched; columns nobody asked for are absent.
  std::map<std::string, ovsdb::Datum> columns = {};
  // Whole new values.
  std::map<std::string, ovsdb::Datum> written = {};
  // Members put in and taken out of a column that is not written as a whole, and what the column is
  // then for later commands (absent: they see it as it was).
  struct Members {
    ovsdb::Datum put = {};
    ovsdb::Datum taken = {};
    std::optional<ovsdb::Datum> seen = std::nullopt;
  };
  std::map<std::string, Members> members = {};
  // Columns that must still be as fetched when the transaction commits.
  std::set<std::string> verified = {};
};

class View {
 public:
  // `schema` outlives the view.
  explicit View(const ovsdb::DatabaseSchema* schema) : schema_(schema) {}
  View(const View&) = delete;
  View& operator=(const View&) = delete;

  const ovsdb::DatabaseSchema& schema() const { return *schema_; }

  // The rows of a select's result. Rows that are there already get the columns, too.
  // InvalidArgument: not what a server of this schema would send.
  absl::Status Load(const std::string& table, const ovsdb::Json& rows);

  // In the order of the fetch, new ones last; deleted rows are in neither.
  std::vector<ViewRow*> Rows(const std::string& table) const;
  ViewRow* Find(const std::string& table, const ovsdb::Uuid& uuid) const;

  // `uuid` absent: a random one. The server gives another unless it `keeps` it.
  ViewRow* Insert(const std::string& table, const std::optional<ovsdb::Uuid>& uuid = std::nullopt,
                  bool keeps = false);
  void Delete(ViewRow* row);

  // The default where nothing was fetched.
  const ovsdb::Datum& Read(const ViewRow& row, const std::string& column) const;
  void Write(ViewRow* row, const std::string& column, ovsdb::Datum datum);
  // No effect on new rows.
  static void Verify(ViewRow* row, const std::string& column);
  // Puts a member into a set, or gives a map's key the value, without regard to what else is in the
  // column by then. `seen`: later commands see it.
  void Put(ViewRow* row, const std::string& column, const ovsdb::Atom& key,
           const ovsdb::Atom& value, bool seen);
  // Takes a member of a set, or a key with its value, out; later commands see it.
  void Take(ViewRow* row, const std::string& column, const ovsdb::Atom& key);

  const ovsdb::ColumnType& TypeOf(const ViewRow& row, const std::string& column) const;

  // What Operations made.
  struct Transaction {
    // Empty when nothing would change.
    ovsdb::Json operations = ovsdb::Json::array();
    // Position of each new row's insert.
    std::map<ovsdb::Uuid, size_t> inserts = {};
  };
  Transaction Operations() const;
  // [["_uuid","==",["uuid",..]]], by name when the row is new.
  static ovsdb::Json WhereRow(const ViewRow& row);

 private:
  struct TableRows {
    std::vector<std::unique_ptr<ViewRow>> rows;
    std::map<ovsdb::Uuid, ViewRow*> by_uuid;
  };

  ovsdb::Json ValueJson(const ViewRow& row, const std::string& column,
                        const ovsdb::Datum& datum) const;
  void AddWait(const ViewRow& row, ovsdb::Json* operations) const;
  // Whether it changes anything.
  bool AddWrites(const ViewRow& row, Transaction* transaction) const;
  bool AddMutations(const ViewRow& row, ovsdb::Json* operations) const;
  // A reference to a new row is by name.
  void NameNewRows(ovsdb::Json* json) const;
  bool IsNew(const ovsdb::Uuid& uuid) const;

  const ovsdb::DatabaseSchema* schema_;
  std::map<std::string, TableRows> tables_;
  // Defaults that were read; Read gives references.
  mutable std::map<const ovsdb::ColumnType*, ovsdb::Datum> defaults_;
  // Rows that would be inserted, by uuid.
  std::map<ovsdb::Uuid, ViewRow*> new_rows_;
};

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_VIEW_H_
