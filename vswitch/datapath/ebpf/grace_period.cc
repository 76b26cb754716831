#include "vswitch/datapath/ebpf/grace_period.h"

#include <chrono>
#include <system_error>

namespace outrider::datapath::ebpf {

GracePeriod::~GracePeriod() {
  if (running_.valid()) running_.wait();
}

GracePeriod::Number GracePeriod::MarkFreed() {
  // One under way began before this and does not cover it.
  freed_ = begun_ + 1;
  return freed_;
}

absl::Status GracePeriod::WaitFor(Number period) {
  if (over_ >= period) return absl::OkStatus();
  if (running_.valid()) Finish();
  if (over_ >= period) return absl::OkStatus();
  const Number number = ++begun_;
  RETURN_IF_ERROR(maps_->WaitForReaders());
  over_ = number;
  return absl::OkStatus();
}

void GracePeriod::Begin() {
  if (freed_ <= begun_ || running_.valid()) return;
  try {
    running_ = std::async(std::launch::async, [maps = maps_] { return maps->WaitForReaders(); });
    ++begun_;
  } catch (const std::system_error&) {
    // No thread to be had: the next Wait() waits itself.
  }
}

bool GracePeriod::IsOver(Number period) {
  if (running_.valid() && running_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
    Finish();
  }
  return over_ >= period;
}

// What a failed one was for has to be waited for again, by a later one.
void GracePeriod::Finish() {
  if (running_.get().ok()) over_ = begun_;
}

}  // namespace outrider::datapath::ebpf
