// Transactions of one database that wait: for a `wait` operation to be met (tried again after each
// commit, given up in time), or, committed, for whoever holds answers back. Knows no session but as
// an address.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_TRANSACTION_QUEUE_H_
#define OUTRIDER_VSWITCH_OVS_TRANSACTION_QUEUE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "vswitch/ovs/database.h"
#include "vswitch/sys/stream/poll_loop.h"

namespace outrider::ovs {

class TransactionQueue {
 public:
  struct Request {
    const void* owner = nullptr;
    ovsdb::Json id = nullptr;
    ovsdb::Json operations = ovsdb::Json::array();
    std::function<bool(const std::string& lock)> holds_lock = nullptr;
    // Once, unless it is cancelled or dropped; within Run, or from the loop.
    std::function<void(ovsdb::Json results)> done;
  };
  // Most transactions of one owner that wait to be run: each may be as large as a message, and all
  // are tried after every commit.
  static constexpr size_t kMaxWaiting = 16;

  TransactionQueue(stream::PollLoop* loop, Database* database);
  ~TransactionQueue();
  TransactionQueue(const TransactionQueue&) = delete;
  TransactionQueue& operator=(const TransactionQueue&) = delete;

  // From now on called after each commit; what it was given is to be called when the client may
  // hear of its commit, at once or later. nullptr: at once.
  using Hold = std::function<void(std::function<void()> answer)>;
  void HoldAnswers(Hold hold) { hold_ = std::move(hold); }

  void Run(Request request);
  // Whether it was waiting to be run: what is committed stays so.
  bool Cancel(const void* owner, const ovsdb::Json& id);
  // All of an owner that goes.
  void Drop(const void* owner);
  size_t waiting() const { return entries_.size(); }

 private:
  struct Entry {
    Request request;
    stream::PollLoop::TimerId timer = 0;
    // Of a transaction that is committed and not answered.
    std::optional<ovsdb::Json> results = std::nullopt;
  };
  // Runs it, and answers it unless it waits.
  void Try(uint64_t number, bool give_up);
  void Answer(uint64_t number);
  void Retry();
  void Erase(std::map<uint64_t, Entry>::iterator entry);

  stream::PollLoop* const loop_;
  Database* const database_;
  uint64_t observer_;
  Hold hold_;
  std::map<uint64_t, Entry> entries_;
  uint64_t next_ = 1;
  bool retry_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_TRANSACTION_QUEUE_H_
