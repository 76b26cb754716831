// How long one client is served at a stretch on a loop that serves many. Values; any thread.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_TURN_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_TURN_H_

#include <chrono>

#include "vswitch/sys/stream/poll_loop.h"

namespace outrider::stream {

// Begins when it is made. Whoever has more to answer when it is over yields: what is under way
// ends, however long it takes.
class Turn {
 public:
  static constexpr std::chrono::milliseconds kLength{2};

  bool IsOver() const { return PollLoop::Clock::now() >= end_; }

 private:
  PollLoop::Clock::time_point end_ = PollLoop::Clock::now() + kLength;
};

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_TURN_H_
