// The controller's clock, moved by the test.
#ifndef OUTRIDER_TESTS_FAKES_CONTROLLER_CLOCK_H_
#define OUTRIDER_TESTS_FAKES_CONTROLLER_CLOCK_H_

#include <atomic>

#include "controller/model/clock.h"

namespace outrider::controller {

class FakeClock : public Clock {
 public:
  int64_t NowUs() const override { return now_us_; }
  void AdvanceUs(int64_t by) { now_us_ += by; }

 private:
  std::atomic<int64_t> now_us_{1'700'000'000'000'000};
};

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_FAKES_CONTROLLER_CLOCK_H_
