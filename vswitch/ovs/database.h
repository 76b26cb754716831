// An OVSDB database (RFC 7047) in memory over a RowStore: rows, transactions with all their
// constraints, and who is told of what changed. Generic over the schema. Knows no socket, no
// session and nothing of switching.
//
// Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_OVS_DATABASE_H_
#define OUTRIDER_VSWITCH_OVS_DATABASE_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/ovs/row_store.h"
#include "vswitch/sys/ovsdb/datum_json.h"
#include "vswitch/sys/ovsdb/schema.h"

namespace outrider::ovs {

// Immutable once committed.
struct Row {
  // _version: another after each change of a column that is not ephemeral or is.
  ovsdb::Uuid version;
  // Every column of the table.
  std::map<std::string, ovsdb::Datum> columns;
};
using RowPtr = std::shared_ptr<const Row>;
using Table = std::map<ovsdb::Uuid, RowPtr>;
using Tables = std::map<std::string, Table>;

// `before` null: inserted; `after` null: deleted. Never both.
struct RowChange {
  std::string table;
  ovsdb::Uuid uuid;
  RowPtr before;
  RowPtr after;
};
using Changes = std::vector<RowChange>;

// What became of a transaction.
struct Outcome {
  // A member per operation, and one more when the commit itself failed (RFC 7047, 4.1.3).
  ovsdb::Json results = ovsdb::Json::array();
  // In force and durable. False also of one that changed nothing but failed.
  bool committed = false;
  // Set: a `wait` is not met yet and nothing was changed; try again after a change, until this much
  // time has passed since the first try, then with `give_up`. nullopt in the optional: for ever.
  bool waiting = false;
  std::optional<std::chrono::milliseconds> wait_at_most = std::nullopt;
};

class References;
class UniqueIndexes;
class WorkingSet;

class Database {
 public:
  // Reads the store; an empty one gives an empty database. Rows of tables and columns the schema
  // does not have are dropped with a warning, what breaks a constraint is DataLoss and names the
  // row. `store` outlives the database.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const ovsdb::DatabaseSchema& schema,
                                                        RowStore* store);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  const ovsdb::DatabaseSchema& schema() const { return schema_; }
  const Tables& tables() const { return tables_; }
  // nullptr: no such row.
  RowPtr Find(const std::string& table, const ovsdb::Uuid& uuid) const;

  // The operations of a "transact" request, without the database's name. `give_up`: a `wait` that
  // is not met is an error ("timed out"). Never throws, whatever `operations` is.
  struct Options {
    bool give_up = false;
    // Whether the client holds the lock it asserts.
    std::function<bool(const std::string& lock)> holds_lock = nullptr;
    // Our own words in a database whose status columns we fill: also immutable columns may be
    // written, and the disk is not waited for, since what is so is said again.
    bool trusted = false;
  };
  Outcome Transact(const ovsdb::Json& operations, const Options& options);

  // Called after each commit that changed something, in order of registration, with the new tables
  // in place. Must not transact. Returns a token for RemoveObserver.
  using Observer = std::function<void(const Changes&)>;
  uint64_t AddObserver(Observer observer);
  void RemoveObserver(uint64_t token);

 private:
  Database(const ovsdb::DatabaseSchema& schema, RowStore* store);

  absl::Status Load();
  absl::Status LoadRow(const StoredRow& stored);
  absl::Status CheckLoaded() const;
  // The changes, their rows with a new version.
  Changes Pending(WorkingSet* rows) const;
  absl::Status Persist(const Changes& changes, Durability durability);
  // From here on they are what the database holds.
  void Publish(const Changes& changes);
  void Enter(const RowChange& change);

  const ovsdb::DatabaseSchema schema_;
  RowStore* const store_;
  Tables tables_;
  // Derived from the tables.
  std::unique_ptr<References> references_;
  std::unique_ptr<UniqueIndexes> indexes_;
  std::map<uint64_t, Observer> observers_;
  uint64_t next_observer_ = 1;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_DATABASE_H_
