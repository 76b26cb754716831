// Which of the frames that a moving guest was given it has not seen: what is sent after it. Knows
// no clock, device or datapath.
//
// A hypervisor reads the guest's device only while the guest runs, and what it has read moves with
// the guest's memory. So the frames that stood in the device's queue at the pause, and all that
// came since, are the ones to send: not one less, or it is lost, and not one more, or the guest
// gets it twice. How many stood there, the device's own counters say: it counts what was read from
// it.
//
// Thread rule: values; one thread.
#ifndef OUTRIDER_VSWITCH_AGENT_PAUSE_DECISION_H_
#define OUTRIDER_VSWITCH_AGENT_PAUSE_DECISION_H_

#include <cstdint>
#include <optional>

#include "vswitch/datapath/move_path.h"

namespace outrider::agent {

// What a guest's device has counted.
struct QueueCounts {
  // Frames read from it.
  uint64_t read = 0;
  // Frames that its queue had no room for.
  uint64_t dropped = 0;
  bool operator==(const QueueCounts&) const = default;
};

// The difference between two counts that began at different times: delivered to the device since
// the port is watched, and read from it since it was made. While the guest runs the queue is empty
// again and again, so that the least difference ever seen is the one of an empty queue.
class QueueCalibration {
 public:
  // While the guest runs; `counts` were read before `delivered`, so that a frame between the two
  // makes the difference larger, not smaller.
  void Sample(const QueueCounts& counts, uint64_t delivered);
  // How many of the `delivered` frames the paused guest has not read, `read` being the device's
  // count at the pause. What the queue had no room for since the last sample counts as well: the
  // guest was paused then. nullopt: there was no sample.
  std::optional<uint64_t> Unread(uint64_t read, uint64_t delivered) const;

 private:
  std::optional<int64_t> offset_;
  uint64_t dropped_ = 0;
};

struct Replay {
  // Sequence of the first recorded frame to send; one past the last: of the recorded ones, none.
  uint64_t first = 0;
  // Frames before it which the guest has not seen either and the record does not have any more.
  uint64_t lost = 0;
  bool operator==(const Replay&) const = default;
};

// With `unread` of them not seen by the guest; without, those delivered since `paused_boot_ns`
// (CLOCK_BOOTTIME).
Replay ReplayOf(const datapath::DeliveredFrames& frames, std::optional<uint64_t> unread,
                uint64_t paused_boot_ns);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PAUSE_DECISION_H_
