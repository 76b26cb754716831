// What all OVSDB sessions of this process share: the databases that are served, their monitors and
// waiting transactions, and the locks. Owns no socket.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_OVSDB_SERVICE_H_
#define OUTRIDER_VSWITCH_OVS_OVSDB_SERVICE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "vswitch/ovs/database.h"
#include "vswitch/ovs/lock_table.h"
#include "vswitch/ovs/message_budget.h"
#include "vswitch/ovs/monitor_hub.h"
#include "vswitch/ovs/server_database.h"
#include "vswitch/ovs/transaction_queue.h"
#include "vswitch/sys/stream/poll_loop.h"

namespace outrider::ovs {

class OvsdbService {
 public:
  struct Served {
    Served(stream::PollLoop* loop, Database* database, bool read_only);
    Database* const database;
    // Clients may not change it.
    const bool read_only;
    const std::string schema_text;
    MonitorHub monitors;
    TransactionQueue transactions;
  };

  // What unfinished messages of all sessions may take.
  static constexpr size_t kMaxUnfinished = 256 << 20;

  // Serves `database`, and _Server. Both pointers outlive the service.
  static absl::StatusOr<std::unique_ptr<OvsdbService>> Create(
      stream::PollLoop* loop, Database* database, size_t max_unfinished = kMaxUnfinished);

  // Of `database`: when clients hear of their commits (TransactionQueue::HoldAnswers).
  void HoldAnswers(TransactionQueue::Hold hold);

  // From now on called when a request may be libvirt's for PortData (port_data_read.h); must not
  // block.
  void OnPortDataRead(std::function<void()> observer) { port_data_read_ = std::move(observer); }
  void NotePortDataRead() const {
    if (port_data_read_) port_data_read_();
  }

  // By name; nullptr: there is none.
  Served* Find(const std::string& name);
  const std::map<std::string, std::unique_ptr<Served>>& served() const { return served_; }
  LockTable& locks() { return locks_; }
  MessageBudget& unfinished() { return unfinished_; }
  // Of this process's life.
  const ovsdb::Uuid& server_id() const { return server_id_; }
  stream::PollLoop* loop() { return loop_; }

 private:
  OvsdbService(stream::PollLoop* loop, size_t max_unfinished)
      : loop_(loop), unfinished_(max_unfinished) {}

  stream::PollLoop* const loop_;
  const ovsdb::Uuid server_id_ = ovsdb::Uuid::Random();
  std::unique_ptr<ServerDatabase> server_;
  // The database that clients change.
  std::string name_;
  std::map<std::string, std::unique_ptr<Served>> served_;
  LockTable locks_;
  MessageBudget unfinished_;
  std::function<void()> port_data_read_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OVSDB_SERVICE_H_
