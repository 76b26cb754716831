#include "vswitch/ovs/transaction_queue.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace outrider::ovs {

TransactionQueue::TransactionQueue(stream::PollLoop* loop, Database* database)
    : loop_(loop), database_(database) {
  observer_ = database->AddObserver([this](const Changes&) {
    if (entries_.empty() || std::exchange(retry_posted_, true)) return;
    // Not from within a commit.
    loop_->Post([this, alive = alive_] {
      if (*alive) Retry();
    });
  });
}

TransactionQueue::~TransactionQueue() {
  *alive_ = false;
  database_->RemoveObserver(observer_);
  for (const auto& [number, entry] : entries_) loop_->Cancel(entry.timer);
}

void TransactionQueue::Run(Request request) {
  const auto owned = std::ranges::count_if(entries_, [&](const auto& entry) {
    return entry.second.request.owner == request.owner && !entry.second.results;
  });
  const uint64_t number = next_++;
  entries_.emplace(number, Entry{std::move(request), 0});
  // One that may not wait any more says so at once.
  Try(number, static_cast<size_t>(owned) >= kMaxWaiting);
}

void TransactionQueue::Try(uint64_t number, bool give_up) {
  const auto entry = entries_.find(number);
  if (entry == entries_.end() || entry->second.results) return;
  const Request& request = entry->second.request;
  Outcome outcome = database_->Transact(
      request.operations, {.give_up = give_up, .holds_lock = request.holds_lock, .trusted = false});
  if (!outcome.waiting || give_up) {
    entry->second.results = std::move(outcome.results);
    // Megabytes, maybe, that nobody reads again.
    entry->second.request.operations = nullptr;
    if (!outcome.committed || hold_ == nullptr) return Answer(number);
    return hold_([this, alive = alive_, number] {
      if (*alive) Answer(number);
    });
  }
  if (entry->second.timer != 0 || !outcome.wait_at_most) return;
  // A day and more is for ever.
  const auto at_most =
      std::min<std::chrono::milliseconds>(*outcome.wait_at_most, std::chrono::hours(24 * 365));
  entry->second.timer = loop_->PostAfter(at_most, [this, number] { Try(number, true); });
}

void TransactionQueue::Answer(uint64_t number) {
  const auto entry = entries_.find(number);
  if (entry == entries_.end()) return;
  const auto done = std::move(entry->second.request.done);
  ovsdb::Json results = std::move(*entry->second.results);
  Erase(entry);
  done(std::move(results));
}

void TransactionQueue::Retry() {
  retry_posted_ = false;
  std::vector<uint64_t> numbers;
  numbers.reserve(entries_.size());
  for (const auto& [number, entry] : entries_) numbers.push_back(number);
  for (const uint64_t number : numbers) Try(number, false);
}

bool TransactionQueue::Cancel(const void* owner, const ovsdb::Json& id) {
  const auto entry = std::ranges::find_if(entries_, [&](const auto& one) {
    return one.second.request.owner == owner && one.second.request.id == id && !one.second.results;
  });
  if (entry == entries_.end()) return false;
  Erase(entry);
  return true;
}

void TransactionQueue::Drop(const void* owner) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->second.request.owner == owner) Erase(entry);
    entry = next;
  }
}

void TransactionQueue::Erase(std::map<uint64_t, Entry>::iterator entry) {
  loop_->Cancel(entry->second.timer);
  entries_.erase(entry);
}

}  // namespace outrider::ovs
