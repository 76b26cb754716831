#include "vswitch/agent/executor.h"

#include <ctime>

namespace outrider::agent {
namespace {

int64_t MicrosOf(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

EventLoop::EventLoop() : thread_([this] { Run(); }) {}

EventLoop::~EventLoop() { Stop(); }

void EventLoop::Post(std::function<void()> work) { PostAfter(Duration::zero(), std::move(work)); }

void EventLoop::PostAfter(Duration delay, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.emplace(std::make_pair(std::chrono::steady_clock::now() + delay, next_sequence_++),
                   std::move(work));
  }
  wake_.notify_one();
}

void EventLoop::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void EventLoop::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const TimePoint due = queue_.begin()->first.first;
    if (due > std::chrono::steady_clock::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    auto work = std::move(queue_.extract(queue_.begin()).mapped());
    lock.unlock();
    work();
    // What the work holds may be large, or post in its destructor: not under the lock.
    work = nullptr;
    lock.lock();
  }
}

int64_t WallMicros() { return MicrosOf(CLOCK_REALTIME); }

int64_t MonotonicMicros() { return MicrosOf(CLOCK_MONOTONIC); }

int64_t BootMicros() { return MicrosOf(CLOCK_BOOTTIME); }

}  // namespace outrider::agent
