// Where work of the agent runs: one thread at a time, in the order it was posted, with timers. Owns
// no policy. EventLoop is the real one; tests drive one by hand.
//
// Thread rule: Post and PostAfter from any thread. Work may post, never wait for its own executor.
#ifndef OUTRIDER_VSWITCH_AGENT_EXECUTOR_H_
#define OUTRIDER_VSWITCH_AGENT_EXECUTOR_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace outrider::agent {

class Executor {
 public:
  using Duration = std::chrono::microseconds;

  virtual ~Executor() = default;
  virtual void Post(std::function<void()> work) = 0;
  // Runs `work` once `delay` has passed. There is no cancel: work checks whether it is still
  // wanted.
  virtual void PostAfter(Duration delay, std::function<void()> work) = 0;
};

// An executor with a thread of its own.
class EventLoop final : public Executor {
 public:
  EventLoop();
  // As Stop().
  ~EventLoop() override;

  void Post(std::function<void()> work) override;
  void PostAfter(Duration delay, std::function<void()> work) override;

  // Finishes the work under way, drops what was posted later, and joins the thread. Idempotent; not
  // from the loop's own thread.
  void Stop();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  // By due time and then by order of posting.
  std::map<std::pair<TimePoint, uint64_t>, std::function<void()>> queue_;
  uint64_t next_sequence_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

// Runs `work` on `executor` and returns its result. From any other thread than the executor's.
template <typename Work>
auto RunOn(Executor* executor, Work work) -> decltype(work()) {
  // Shared: the caller may be gone before the call of the task has quite returned.
  auto task = std::make_shared<std::packaged_task<decltype(work())()>>(std::move(work));
  auto result = task->get_future();
  executor->Post([task] { (*task)(); });
  return result.get();
}

// Wall clock, microseconds since the Unix epoch.
using WallClock = std::function<int64_t()>;
int64_t WallMicros();
// CLOCK_MONOTONIC and CLOCK_BOOTTIME, microseconds.
int64_t MonotonicMicros();
int64_t BootMicros();

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_EXECUTOR_H_
