#include "vswitch/agent/pause_decision.h"

#include <algorithm>

#include "vswitch/agent/received_frames.h"

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

std::optional<uint64_t> QueueCalibration::SequenceAt(uint64_t read) const {
  if (!offset_) return std::nullopt;
  const auto sequence = static_cast<int64_t>(read + dropped_) + *offset_;
  return sequence < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(sequence));
}

std::optional<uint64_t> QueueCalibration::Unread(uint64_t read, uint64_t delivered) const {
  if (!offset_) return std::nullopt;
  const int64_t unread = Difference(delivered, read + dropped_) - *offset_;
  return static_cast<uint64_t>(std::clamp<int64_t>(unread, 0, static_cast<int64_t>(delivered)));
}

void UsedCalibration::Sample(uint64_t read_before, uint16_t used, uint64_t read_after) {
  const uint64_t now = sampled_ ? Unwrapped(used) : used;
  const int64_t least = Difference(read_before, now);
  const int64_t most = Difference(read_after, now);
  if (!sampled_) first_read_ = read_after;
  advanced_ |= sampled_ && now != used_;
  sampled_ = true;
  used_ = now;
  last_read_ = read_before;
  const bool agrees = agreeing_ > 0 && least <= most_ && most >= least_;
  agreeing_ = agrees ? agreeing_ + 1 : 1;
  least_ = agrees ? std::max(least_, least) : least;
  most_ = agrees ? std::min(most_, most) : most;
}

uint64_t UsedCalibration::Unwrapped(uint16_t used) const {
  return used_ + static_cast<uint16_t>(used - static_cast<uint16_t>(used_));
}

bool UsedCalibration::ReadByKernel() const {
  return sampled_ && !advanced_ &&
         Difference(last_read_, first_read_) >= static_cast<int64_t>(kKernelReads);
}

std::optional<UsedCalibration::Bounds> UsedCalibration::At(uint16_t used) const {
  if (agreeing_ < kAgreeing || ReadByKernel()) return std::nullopt;
  const uint64_t now = Unwrapped(used);
  return Bounds{.least = now + static_cast<uint64_t>(least_),
                .most = now + static_cast<uint64_t>(most_)};
}

std::optional<Unseen> UnseenOf(const QueueCalibration& queue, const UsedCalibration& calibration,
                               uint64_t read, std::optional<uint16_t> used, uint64_t delivered,
                               bool by_kernel) {
  const auto unread = queue.Unread(read, delivered);
  if (!unread) return std::nullopt;
  if (by_kernel || calibration.ReadByKernel()) return Unseen{.frames = *unread, .certain = true};
  uint64_t received = *unread > 0 && read > 0 ? read - 1 : read;
  bool certain = false;
  const auto bounds = used ? calibration.At(*used) : std::nullopt;
  if (bounds && Difference(read, bounds->least) >= 0 &&
      Difference(read, bounds->most) <= static_cast<int64_t>(kMostSwallowed)) {
    received = std::min(read, bounds->most);
    certain = bounds->least == bounds->most;
  }
  return Unseen{.frames = queue.Unread(received, delivered).value_or(*unread), .certain = certain};
}

Replay ReplayOf(const datapath::DeliveredFrames& frames, uint64_t unseen, uint64_t paused_boot_ns) {
  const uint64_t kept_from = frames.kept.empty() ? frames.total : frames.kept.front().sequence;
  const auto since = std::find_if(frames.kept.begin(), frames.kept.end(), [&](const auto& frame) {
    return frame.boot_ns >= paused_boot_ns;
  });
  const uint64_t wanted = std::min(frames.total - std::min(unseen, frames.total),
                                   since == frames.kept.end() ? frames.total : since->sequence);
  const uint64_t first = std::max(wanted, kept_from);
  return {.first = first, .lost = first - wanted};
}

}  // namespace outrider::agent
