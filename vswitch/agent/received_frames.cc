#include "vswitch/agent/received_frames.h"

#include <algorithm>
#include <utility>

namespace outrider::agent {
namespace {

const MacAddress& Broadcast() {
  static const MacAddress address({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  return address;
}

// How many of the frames recorded the card has taken before each of them.
class FrameCounts {
 public:
  FrameCounts(const StoppedCard& card, const datapath::DeliveredFrames& frames)
      : from_(frames.total - frames.kept.size()) {
    for (const datapath::DeliveredFrame& frame : frames.kept) {
      const auto takes = Takes(card.mac, card.filter, frame.destination);
      const Count last = before_.back();
      before_.push_back(
          {.taken = last.taken + (takes.value_or(false) ? 1 : 0),
           .unsure = last.unsure + (!takes || (*takes && frame.length > kOneBuffer) ? 1 : 0)});
    }
  }

  uint64_t from() const { return from_; }
  uint64_t TakenBefore(uint64_t sequence) const { return At(sequence).taken; }
  // Whether each of them counts once or not at all.
  bool IsSure(uint64_t first, uint64_t end) const {
    return first >= end || At(first).unsure == At(end).unsure;
  }
  // One past the frame that is number `taken` of those.
  uint64_t After(uint64_t taken) const {
    const auto found =
        std::lower_bound(before_.begin(), before_.end(), taken,
                         [](const Count& count, uint64_t wanted) { return count.taken < wanted; });
    return from_ + static_cast<uint64_t>(found - before_.begin());
  }
  // The first one behind it that the card may take.
  uint64_t FirstAfter(uint64_t taken) const {
    uint64_t sequence = After(taken);
    while (sequence < from_ + before_.size() - 1 && At(sequence) == At(sequence + 1)) ++sequence;
    return sequence;
  }

 private:
  struct Count {
    uint64_t taken = 0;
    uint64_t unsure = 0;
    bool operator==(const Count&) const = default;
  };
  const Count& At(uint64_t sequence) const {
    return before_[std::min<uint64_t>(sequence - from_, before_.size() - 1)];
  }

  uint64_t from_;
  std::vector<Count> before_{{}};
};

// On how many frames, of those recorded and taken, the guest has received.
struct Opinion {
  uint64_t received = 0;
  // Which samples agree.
  std::vector<bool> says;
  int64_t votes = 0;
};

bool Says(const ReceivedSample& sample, uint64_t received, const StoppedCard& card,
          const FrameCounts& counts) {
  if (sample.used > card.used || sample.least < counts.from()) return false;
  const uint64_t since = card.used - sample.used;
  if (received < since) return false;
  const uint64_t then = received - since;
  return counts.TakenBefore(sample.least) <= then &&
         then <= counts.TakenBefore(std::min(sample.most, card.read)) &&
         counts.IsSure(sample.least, counts.After(received));
}

Opinion OpinionOn(uint64_t received, const std::vector<ReceivedSample>& samples,
                  const StoppedCard& card, const FrameCounts& counts) {
  Opinion opinion;
  opinion.received = received;
  for (const ReceivedSample& sample : samples) {
    opinion.says.push_back(Says(sample, received, card, counts));
  }
  opinion.votes = std::count(opinion.says.begin(), opinion.says.end(), true);
  return opinion;
}

}  // namespace

std::optional<bool> Takes(const MacAddress& card, const std::optional<CardFilter>& filter,
                          const MacAddress& destination) {
  if (destination == card || destination == Broadcast()) return true;
  if (!filter) return std::nullopt;
  if (filter->promiscuous) return true;
  if (!destination.IsMulticast()) return std::nullopt;
  return filter->all_groups || filter->groups.contains(destination);
}

void ReceivedSamples::Add(const ReceivedSample& next) {
  if (kept_.empty() || kept_.back().used != next.used) {
    if (kept_.size() == kKept) kept_.erase(kept_.begin());
    kept_.push_back(next);
    return;
  }
  ReceivedSample& last = kept_.back();
  // More was read, and none of it received.
  if (next.least > last.most) return;
  last.least = std::max(last.least, next.least);
  last.most = std::min(last.most, next.most);
}

std::optional<FirstUnreceived> FindFirstUnreceived(const std::vector<ReceivedSample>& samples,
                                                   const StoppedCard& card,
                                                   const datapath::DeliveredFrames& frames) {
  const uint64_t kept_from = frames.total - frames.kept.size();
  if (!frames.kept.empty() && frames.kept.front().sequence != kept_from) return std::nullopt;
  if (card.read < kept_from) return std::nullopt;
  const FrameCounts counts(card, frames);
  const uint64_t most = counts.TakenBefore(card.read);
  std::optional<Opinion> best;
  bool certain = false;
  for (uint64_t received = most - std::min(most, kMostSwallowed); received <= most; ++received) {
    Opinion opinion = OpinionOn(received, samples, card, counts);
    if (opinion.votes == 0 || (best && opinion.votes < best->votes)) continue;
    const bool ties = best && opinion.votes == best->votes;
    certain = !ties;
    // Where they contradict each other: a frame twice rather than not at all. While frames wait,
    // QEMU has read one in vain: only that has it stop reading.
    const bool in_vain = received == most && card.read < frames.total;
    if (!ties || (opinion.says == best->says && !in_vain)) best = std::move(opinion);
  }
  if (!best) return std::nullopt;
  return FirstUnreceived{.sequence = counts.FirstAfter(best->received), .certain = certain};
}

}  // namespace outrider::agent
