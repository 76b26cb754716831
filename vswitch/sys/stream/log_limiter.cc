#include "vswitch/sys/stream/log_limiter.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace outrider::stream {

void LogLimiter::Warn(const std::string& line) {
  const auto now = std::chrono::steady_clock::now();
  const auto intervals = static_cast<uint64_t>((now - filled_) / interval_);
  if (intervals > 0) {
    tokens_ = static_cast<uint32_t>(std::min<uint64_t>(burst_, tokens_ + intervals));
    filled_ = now;
  }
  if (tokens_ == 0) {
    ++left_out_;
    return;
  }
  --tokens_;
  if (left_out_ == 0) {
    spdlog::warn("{}", line);
  } else {
    spdlog::warn("{} ({} lines like it were left out)", line, left_out_);
  }
  left_out_ = 0;
}

}  // namespace outrider::stream
