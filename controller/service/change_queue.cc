#include "controller/service/change_queue.h"

#include <utility>

namespace outrider::controller {

ChangeQueue::ChangeQueue(Repository* repository)
    : subscription_(repository->Subscribe([this](const ChangeSet& set) { Push(set); })) {}

void ChangeQueue::Push(const ChangeSet& set) {
  {
    const std::lock_guard lock(mutex_);
    if (overrun_) return;
    queue_.push_back(set);
    if (queue_.size() > kMaxLag) {
      overrun_ = true;
      queue_.clear();
    }
  }
  wake_.notify_one();
}

absl::StatusOr<std::optional<ChangeSet>> ChangeQueue::Next(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, timeout, [this] { return overrun_ || !queue_.empty(); });
  if (overrun_) {
    return absl::ResourceExhaustedError(
        "watch: the client is too slow; watch again from the last revision it has");
  }
  if (queue_.empty()) return std::optional<ChangeSet>();
  std::optional<ChangeSet> set(std::move(queue_.front()));
  queue_.pop_front();
  return set;
}

}  // namespace outrider::controller
