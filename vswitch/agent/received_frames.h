// Which of the frames that a guest was given it has received, frame by frame. While the guest runs,
// its QEMU is asked again and again how far the used index of the card's receive queue is; each
// answer came between two looks at how much was read from the device. From then on the index
// advances by one with every frame that the card takes, so that each answer, with the index at the
// end and the frames in between, says how many the guest has in the end. Knows no clock, device or
// datapath.
//
// QEMU's card (7.2, hw/net/virtio-net.c: receive_filter) takes what is for its own address, all
// broadcasts, and of other groups those that the guest has asked for; a guest that follows no group
// of its segment has frames filtered out all the time.
//
// Thread rule: values; one thread.
#ifndef OUTRIDER_VSWITCH_AGENT_RECEIVED_FRAMES_H_
#define OUTRIDER_VSWITCH_AGENT_RECEIVED_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "vswitch/datapath/move_path.h"
#include "vswitch/types/ids.h"

namespace outrider::agent {

// At some moment the index was this, its wraps counted, and at least and at most so many frames had
// been read (those filtered out among them). Frames or, as the device counts them, what it counted.
struct ReceivedSample {
  uint64_t used = 0;
  uint64_t least = 0;
  uint64_t most = 0;
  bool operator==(const ReceivedSample&) const = default;
};

// The last samples of a guest that runs, oldest first.
class ReceivedSamples {
 public:
  // So many intervals' that at a thousand frames a second some of them surely are exact.
  static constexpr size_t kKept = 64;
  // `next.used` is not below that of the last one. While the index stands still nothing is
  // received, whatever is read: a frame is filtered out, or waits in QEMU for a guest without
  // buffers.
  void Add(const ReceivedSample& next);
  const std::vector<ReceivedSample>& kept() const { return kept_; }

 private:
  std::vector<ReceivedSample> kept_;
};

// What a card takes besides its own frames and broadcasts.
struct CardFilter {
  // Whatever comes.
  bool promiscuous = false;
  bool all_groups = false;
  std::set<MacAddress> groups = {};
  bool operator==(const CardFilter&) const = default;
};

// More than QEMU can have read in vain while it stopped: then something else is missing.
inline constexpr uint64_t kMostSwallowed = 3;

// The longest frame that surely fits into one of a guest's buffers, and counts once.
inline constexpr uint32_t kOneBuffer = 1514;

// Whether the card of this address takes a frame. nullopt: it cannot be told, `filter` not being
// known, or the frame for another station.
std::optional<bool> Takes(const MacAddress& card, const std::optional<CardFilter>& filter,
                          const MacAddress& destination);

// Of the frames, those before it were read from the device of a guest that has stopped since.
struct StoppedCard {
  MacAddress mac;
  // Without wrap.
  uint64_t used = 0;
  uint64_t read = 0;
  // Nullopt: not known.
  std::optional<CardFilter> filter;
};

struct FirstUnreceived {
  // Of the frame; or the total.
  uint64_t sequence = 0;
  // Otherwise the samples leave more than one possible, and this is the last of them that is
  // likely: an answer is soon there, so that one of them has come before the next frame. But while
  // frames wait in the device QEMU has read one in vain.
  bool certain = false;
  bool operator==(const FirstUnreceived&) const = default;
};

// The first frame that the guest has not received and its card may take, as most of the samples
// say, whose counts are sequences of frames. A sample says nothing if, among the frames since,
// there is one of which it cannot be told how often it counts, or some are not in the record any
// more. nullopt: none of them says anything.
std::optional<FirstUnreceived> FindFirstUnreceived(const std::vector<ReceivedSample>& samples,
                                                   const StoppedCard& card,
                                                   const datapath::DeliveredFrames& frames);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_RECEIVED_FRAMES_H_
