// Time as the controller sees it, behind a seam so that leases and timelines are testable.
//
// Thread-safe.
#ifndef OUTRIDER_CONTROLLER_MODEL_CLOCK_H_
#define OUTRIDER_CONTROLLER_MODEL_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace outrider::controller {

class Clock {
 public:
  virtual ~Clock() = default;
  // Microseconds since the Unix epoch.
  virtual int64_t NowUs() const = 0;
};

class SystemClock : public Clock {
 public:
  int64_t NowUs() const override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  }
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_CLOCK_H_
