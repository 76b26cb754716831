// The database "_Server" (ovsdb-server(7)), by which clients learn which databases there are and
// that they may stay connected: in memory, a row per database. Thread rule: the databases' thread.
#ifndef OUTRIDER_VSWITCH_OVS_SERVER_DATABASE_H_
#define OUTRIDER_VSWITCH_OVS_SERVER_DATABASE_H_

#include <memory>
#include <vector>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/memory_row_store.h"

namespace outrider::ovs {

const ovsdb::DatabaseSchema& ServerSchema();

class ServerDatabase {
 public:
  // A row for each of `schemas`, and one for itself.
  static absl::StatusOr<std::unique_ptr<ServerDatabase>> Create(
      const std::vector<const ovsdb::DatabaseSchema*>& schemas);
  Database* database() { return database_.get(); }

 private:
  ServerDatabase() = default;
  MemoryRowStore store_;
  std::unique_ptr<Database> database_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_SERVER_DATABASE_H_
