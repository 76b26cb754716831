// Keeps what a peer can cause from filling the log: so many lines at once, then one now and then
// that says how many were left out. One thread.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_LOG_LIMITER_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_LOG_LIMITER_H_

#include <chrono>
#include <cstdint>
#include <string>

namespace outrider::stream {

class LogLimiter {
 public:
  // `burst` lines, and one more each `interval`.
  LogLimiter(uint32_t burst, std::chrono::seconds interval)
      : burst_(burst), interval_(interval), tokens_(burst) {}

  // Warns, unless there were too many lines lately.
  void Warn(const std::string& line);
  uint64_t left_out() const { return left_out_; }

 private:
  const uint32_t burst_;
  const std::chrono::seconds interval_;
  uint32_t tokens_;
  std::chrono::steady_clock::time_point filled_ = std::chrono::steady_clock::now();
  uint64_t left_out_ = 0;
};

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_LOG_LIMITER_H_
