// A subscriber's changes, from any writer's thread to the one that serves a watch or waits for
// something. Must not know gRPC or what the changes mean. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_CHANGE_QUEUE_H_
#define OUTRIDER_CONTROLLER_SERVICE_CHANGE_QUEUE_H_

#include <absl/status/statusor.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "controller/store/repository.h"

namespace outrider::controller {

class ChangeQueue {
 public:
  // A watch that lags this many commits behind is ended: it can resume by revision.
  static constexpr size_t kMaxLag = 10000;

  // Changes committed from now on are queued. `repository` must outlive the queue.
  explicit ChangeQueue(Repository* repository);

  // The oldest change, or nullopt when none came within `timeout`. RESOURCE_EXHAUSTED once kMaxLag
  // was exceeded.
  absl::StatusOr<std::optional<ChangeSet>> Next(std::chrono::milliseconds timeout);

 private:
  void Push(const ChangeSet& set);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<ChangeSet> queue_;
  bool overrun_ = false;
  std::unique_ptr<Subscription> subscription_;  // last: ends before the queue goes
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_CHANGE_QUEUE_H_
