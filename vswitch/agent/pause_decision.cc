#include "vswitch/agent/pause_decision.h"

#include <algorithm>

namespace outrider::agent {
namespace {

// Differences may be negative, and the counts wrap for nobody.
int64_t Difference(uint64_t a, uint64_t b) { return static_cast<int64_t>(a - b); }

}  // namespace

void QueueCalibration::Sample(const QueueCounts& counts, uint64_t delivered) {
  const int64_t difference = Difference(delivered, counts.read + counts.dropped);
  offset_ = offset_ ? std::min(*offset_, difference) : difference;
  dropped_ = counts.dropped;
}

std::optional<uint64_t> QueueCalibration::Unread(uint64_t read, uint64_t delivered) const {
  if (!offset_) return std::nullopt;
  const int64_t unread = Difference(delivered, read + dropped_) - *offset_;
  return static_cast<uint64_t>(std::clamp<int64_t>(unread, 0, static_cast<int64_t>(delivered)));
}

Replay ReplayOf(const datapath::DeliveredFrames& frames, std::optional<uint64_t> unread,
                uint64_t paused_boot_ns) {
  const uint64_t kept_from = frames.kept.empty() ? frames.total : frames.kept.front().sequence;
  if (unread) {
    const uint64_t wanted = frames.total - std::min(*unread, frames.total);
    const uint64_t first = std::max(wanted, kept_from);
    return {.first = first, .lost = first - wanted};
  }
  const auto since = std::find_if(frames.kept.begin(), frames.kept.end(), [&](const auto& frame) {
    return frame.boot_ns >= paused_boot_ns;
  });
  return {.first = since == frames.kept.end() ? frames.total : since->sequence, .lost = 0};
}

}  // namespace outrider::agent
