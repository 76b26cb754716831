// One thread that serves descriptors, timers and work posted to it, with epoll. Owns no socket and
// knows no protocol.
//
// Thread rule: Post, RunOn, Stop and InLoop from any thread; everything else, and every callback,
// on the loop's own. Before Start the thread that made the loop counts as its own.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_POLL_LOOP_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_POLL_LOOP_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "vswitch/types/status.h"

namespace outrider::stream {

class PollLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Work = std::function<void()>;
  // `events`: what of EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP is so.
  using Ready = std::function<void(uint32_t events)>;
  // Of a timer; 0 is none.
  using TimerId = uint64_t;

  static absl::StatusOr<std::unique_ptr<PollLoop>> Create();
  // As Stop(). What is still posted or timed is dropped, watched descriptors stay open.
  ~PollLoop();
  PollLoop(const PollLoop&) = delete;
  PollLoop& operator=(const PollLoop&) = delete;

  // Serves on a thread of its own, of this name (15 bytes), until Stop.
  void Start(const std::string& name);
  // Finishes the callback under way and joins the thread. Idempotent. From the loop's own thread it
  // only ends the loop.
  void Stop();

  // In order of posting. After Stop: dropped.
  void Post(Work work);
  // Runs `work` on the loop and waits for it; at once on the loop's own thread, or when none was
  // started. False: the loop has stopped, and `work` did not run.
  bool RunOn(const Work& work);
  bool InLoop() const;

  TimerId PostAfter(std::chrono::milliseconds delay, Work work);
  // Of a timer that ran, or 0: nothing.
  void Cancel(TimerId timer);

  // EPOLLERR and EPOLLHUP are always reported. `ready` may watch and unwatch anything, itself too.
  absl::Status Watch(int fd, uint32_t events, Ready ready);
  // Other events of a descriptor that is watched.
  void SetEvents(int fd, uint32_t events);
  // Before the descriptor is closed.
  void Unwatch(int fd);

  // Serves what is ready, waiting for it `timeout` at most. For whoever drives the loop by hand
  // instead of starting it.
  void RunOnce(std::chrono::milliseconds timeout);

 private:
  struct Watched {
    uint32_t events = 0;
    // Of this watch: an event of an earlier one on the same descriptor number is stale.
    uint32_t generation = 0;
    std::shared_ptr<Ready> ready;
  };

  PollLoop(int epoll_fd, int wake_fd);
  void Run();
  // Until the next timer, `at_most` otherwise.
  int WaitMillis(std::chrono::milliseconds at_most) const;
  void RunPosted();
  void RunTimers();
  void Wake() const;

  const int epoll_fd_;
  const int wake_fd_;
  std::map<int, Watched> watched_;
  uint32_t next_generation_ = 1;
  // By due time and then by order; the id is the order.
  std::map<std::pair<Clock::time_point, TimerId>, Work> timers_;
  std::map<TimerId, Clock::time_point> due_;
  TimerId next_timer_ = 1;

  mutable std::mutex mutex_;
  std::vector<Work> posted_;
  bool stopping_ = false;
  std::thread::id own_thread_;
  std::thread thread_;
};

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_POLL_LOOP_H_
