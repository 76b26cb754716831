// Which of the frames that a guest was given it has received, frame by frame: from a moment at
// which that was known on, the used index of its card's receive queue advances by one with every
// frame, and does not with one that the card does not take. Knows no clock, device or datapath.
//
// QEMU's card (7.2, hw/net/virtio-net.c: receive_filter) takes what is for its own address, all
// broadcasts, and of other groups those that the guest has asked for; a guest that follows no group
// of its segment has frames filtered out all the time.
//
// Thread rule: values; one thread.
#ifndef OUTRIDER_VSWITCH_AGENT_RECEIVED_FRAMES_H_
#define OUTRIDER_VSWITCH_AGENT_RECEIVED_FRAMES_H_

#include <cstdint>
#include <optional>
#include <set>

#include "vswitch/datapath/move_path.h"
#include "vswitch/types/ids.h"

namespace outrider::agent {

// A moment: so many frames had been received (those filtered out before it included), and the index
// was this, its wraps counted.
struct ReceivedMark {
  uint64_t used = 0;
  uint64_t sequence = 0;
  bool operator==(const ReceivedMark&) const = default;
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

// The sequence of the first frame that the guest has not received and its card would take, or the
// total. nullopt: among those since the mark there is one of which it cannot be told, some of them
// are not in the record any more, or the index and what was read do not go together.
std::optional<uint64_t> FirstUnreceived(const ReceivedMark& mark, const StoppedCard& card,
                                        const datapath::DeliveredFrames& frames);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_RECEIVED_FRAMES_H_
