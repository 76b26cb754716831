#include "vswitch/ovs/lock_table.h"

#include <algorithm>

namespace outrider::ovs {

bool LockTable::Lock(const std::string& lock, LockHolder* holder) {
  auto& queue = queues_[lock];
  queue.push_back(holder);
  return queue.size() == 1;
}

void LockTable::Steal(const std::string& lock, LockHolder* holder) {
  auto& queue = queues_[lock];
  queue.push_front(holder);
  if (queue.size() > 1) queue[1]->OnStolen(lock);
}

void LockTable::Unlock(const std::string& lock, LockHolder* holder) {
  const auto found = queues_.find(lock);
  if (found == queues_.end()) return;
  auto& queue = found->second;
  const auto place = std::ranges::find(queue, holder);
  if (place == queue.end()) return;
  const bool held = place == queue.begin();
  queue.erase(place);
  if (queue.empty()) {
    queues_.erase(found);
  } else if (held) {
    queue.front()->OnLocked(lock);
  }
}

bool LockTable::Holds(const std::string& lock, const LockHolder* holder) const {
  const auto found = queues_.find(lock);
  return found != queues_.end() && found->second.front() == holder;
}

}  // namespace outrider::ovs
