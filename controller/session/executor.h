// The seam between callbacks of many threads (gRPC, store watches) and code that lives on one: work
// is posted and runs in order, one piece at a time. Must not know what the work is.
#ifndef OUTRIDER_CONTROLLER_SESSION_EXECUTOR_H_
#define OUTRIDER_CONTROLLER_SESSION_EXECUTOR_H_

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace outrider::controller {

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs `work` later, after all work posted before it, never inside this call. Any thread.
  virtual void Post(std::function<void()> work) = 0;
};

// An executor with a thread of its own. The destructor runs what was posted, then joins; nothing
// may be posted after it began.
class SerialExecutor : public Executor {
 public:
  SerialExecutor();
  ~SerialExecutor() override;
  SerialExecutor(const SerialExecutor&) = delete;
  SerialExecutor& operator=(const SerialExecutor&) = delete;

  void Post(std::function<void()> work) override;

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SESSION_EXECUTOR_H_
