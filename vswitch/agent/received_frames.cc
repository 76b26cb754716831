#include "vswitch/agent/received_frames.h"

namespace outrider::agent {
namespace {

const MacAddress& Broadcast() {
  static const MacAddress address({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  return address;
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

std::optional<uint64_t> FirstUnreceived(const ReceivedMark& mark, const StoppedCard& card,
                                        const datapath::DeliveredFrames& frames) {
  const uint64_t kept_from = frames.kept.empty() ? frames.total : frames.kept.front().sequence;
  if (frames.total - kept_from != frames.kept.size()) return std::nullopt;
  if (card.used < mark.used || mark.sequence < kept_from) return std::nullopt;
  uint64_t left = card.used - mark.used;
  uint64_t n = mark.sequence;
  for (; n < frames.total; ++n) {
    const datapath::DeliveredFrame& frame = frames.kept[n - kept_from];
    const auto takes = Takes(card.mac, card.filter, frame.destination);
    if (!takes) return std::nullopt;
    if (!*takes) continue;
    if (left == 0) break;
    if (n >= card.read || frame.length > kOneBuffer) return std::nullopt;
    --left;
  }
  if (left != 0 || card.read > n + kMostSwallowed) return std::nullopt;
  return n;
}

}  // namespace outrider::agent
