// An Executor that a test turns by hand: work runs when the test says so, and time passes when the
// test says so. Thread rule: the test's thread.
#ifndef OUTRIDER_TESTS_AGENT_MANUAL_EXECUTOR_H_
#define OUTRIDER_TESTS_AGENT_MANUAL_EXECUTOR_H_

#include <map>
#include <utility>

#include "vswitch/agent/executor.h"

namespace outrider::agent {

class ManualExecutor final : public Executor {
 public:
  void Post(std::function<void()> work) override { PostAfter(Duration::zero(), std::move(work)); }
  void PostAfter(Duration delay, std::function<void()> work) override {
    queue_.emplace(std::make_pair(now_ + delay, next_++), std::move(work));
  }

  // Runs all that is due now, also what that posts.
  void RunReady() { Advance(Duration::zero()); }
  // Lets time pass, running what comes due at its time.
  void Advance(Duration duration) {
    const Duration end = now_ + duration;
    while (!queue_.empty() && queue_.begin()->first.first <= end) {
      auto entry = queue_.extract(queue_.begin());
      now_ = entry.key().first;
      entry.mapped()();
    }
    now_ = end;
  }
  Duration now() const { return now_; }
  // Micros for WallClock.
  int64_t Wall() const { return 1'700'000'000'000'000 + now_.count(); }

 private:
  Duration now_{0};
  uint64_t next_ = 0;
  std::map<std::pair<Duration, uint64_t>, std::function<void()>> queue_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_TESTS_AGENT_MANUAL_EXECUTOR_H_
