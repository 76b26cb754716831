// Which of the frames that a moving guest was given it has not seen: what is sent after it. Knows
// no clock, device or datapath.
//
// A hypervisor reads the guest's device only while the guest runs, and what it has read moves with
// the guest's memory. So the frames that stood in the device's queue at the pause, and all that
// came since, are the ones to send: not one less, or it is lost, and not one more, or the guest
// gets it twice. How many stood there, the device's own counters say: it counts what was read from
// it.
//
// QEMU reads a little more than it gives to the guest (7.2, net/tap.c, net/net.c): once it runs no
// more, one frame goes from the tap to a queue of QEMU's, which is emptied, not moved; that has the
// tap read once more. What the guest really has, the used index of its card's receive queue says
// (received_frames.h goes through the frames; what is here are the counts alone). A kernel's own
// reader (vhost) swallows nothing.
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
  // How many of the delivered frames are among those that the device has counted as `read`, or has
  // dropped by the last sample. nullopt: not known.
  std::optional<uint64_t> SequenceAt(uint64_t read) const;

 private:
  std::optional<int64_t> offset_;
  uint64_t dropped_ = 0;
};

// The difference between the frames read from a device and the used index of the guest's receive
// queue. QEMU does both at once, so that every look at the index between two looks at the device
// bounds it; some looks together tell it exactly.
class UsedCalibration {
 public:
  // Frames read while the index stood still, of which a reader in the kernel is known: it leaves
  // QEMU's index alone while the guest runs.
  static constexpr uint64_t kKernelReads = 8;
  // Samples that must agree, so that what they say is taken.
  static constexpr int kAgreeing = 3;
  struct Bounds {
    uint64_t least = 0;
    uint64_t most = 0;
    bool operator==(const Bounds&) const = default;
  };

  // While the guest runs: the device's count before and after the index was asked for.
  void Sample(uint64_t read_before, uint16_t used, uint64_t read_after);
  // What of the frames read, as the device counts them, is with the guest when the index is `used`.
  // nullopt: the index does not say. It advances by one per buffer, also of one frame, and does not
  // if the guest's card filters a frame out or has no buffer: after each of these it takes some
  // samples until the index is believed again.
  std::optional<Bounds> At(uint16_t used) const;
  bool ReadByKernel() const;
  bool IsSampled() const { return sampled_; }
  // The index of the last sample, its wraps counted.
  uint64_t used() const { return used_; }
  // The index without its wrap; less than 2^16 frames come between two samples.
  uint64_t Unwrapped(uint16_t used) const;
  // Whether more samples would say no more.
  bool IsExact() const { return agreeing_ >= kAgreeing && least_ == most_; }

 private:
  bool sampled_ = false;
  // Samples that have agreed, the last one included.
  int agreeing_ = 0;
  bool advanced_ = false;
  uint64_t used_ = 0;
  uint64_t first_read_ = 0;
  uint64_t last_read_ = 0;
  // Read less used: bounds, ends included.
  int64_t least_ = 0;
  int64_t most_ = 0;
};

// Frames that a guest was given and has not seen.
struct Unseen {
  uint64_t frames = 0;
  // Otherwise the most that the samples leave possible was received: the answer to a question is
  // soon there, so that one of them has come before the next frame. Without samples, what QEMU
  // mostly does: at a queue that is not empty, it has swallowed one.
  bool certain = false;
  bool operator==(const Unseen&) const = default;
};

// `read`: the paused guest's device; `used`: its index, asked for after the pause. `by_kernel`: the
// device is known to be read by a kernel. nullopt: the device says nothing.
std::optional<Unseen> UnseenOf(const QueueCalibration& queue, const UsedCalibration& calibration,
                               uint64_t read, std::optional<uint16_t> used, uint64_t delivered,
                               bool by_kernel = false);

struct Replay {
  // Sequence of the first recorded frame to send; one past the last: of the recorded ones, none.
  uint64_t first = 0;
  // Frames before it which the guest has not seen either and the record does not have any more.
  uint64_t lost = 0;
  bool operator==(const Replay&) const = default;
};

// The last `unseen` of them, and those delivered since `paused_boot_ns` (CLOCK_BOOTTIME): a guest
// that stands still gets nothing.
Replay ReplayOf(const datapath::DeliveredFrames& frames, uint64_t unseen, uint64_t paused_boot_ns);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PAUSE_DECISION_H_
