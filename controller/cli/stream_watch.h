// Ends a stream that would go on by itself: after so long, on SIGINT or SIGTERM, or when the peer
// does not answer. Knows no gRPC.
//
// Thread rule: one thread, that of the calls; `cancel` is called on another.
#ifndef OUTRIDER_CONTROLLER_CLI_STREAM_WATCH_H_
#define OUTRIDER_CONTROLLER_CLI_STREAM_WATCH_H_

#include <signal.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>

namespace outrider::controller::cli {

class StreamWatch {
 public:
  enum class End { kByItself, kSilence, kTime, kSignal };

  // Takes the signals from this thread and those it starts: make it before the first call.
  explicit StreamWatch(std::optional<std::chrono::milliseconds> lasts);
  ~StreamWatch();
  StreamWatch(const StreamWatch&) = delete;
  StreamWatch& operator=(const StreamWatch&) = delete;

  // The stream is asked for; the peer has `patience` to answer. Once.
  void Start(std::chrono::milliseconds patience, std::function<void()> cancel);
  // The peer has answered: time counts from here on.
  void Answered() { answered_ = true; }
  // The stream has ended. Returns what ended it; `cancel` is not called any more.
  End Stop();

 private:
  using Time = std::chrono::steady_clock::time_point;
  void Watch(Time give_up, const std::function<void()>& cancel);
  // What it is time for; kByItself: to go on.
  End Look(Time give_up, std::optional<Time>* end) const;

  const std::optional<std::chrono::milliseconds> lasts_;
  sigset_t signals_ = {};
  sigset_t before_ = {};
  std::atomic<bool> answered_{false};
  std::atomic<bool> stopped_{false};
  std::atomic<End> why_{End::kByItself};
  std::thread thread_;
};

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_STREAM_WATCH_H_
