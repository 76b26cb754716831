#include "vswitch/datapath/ebpf/grace_period.h"

#include <system_error>

namespace outrider::datapath::ebpf {

GracePeriod::~GracePeriod() {
  if (running_.valid()) running_.wait();
}

absl::Status GracePeriod::Wait() {
  if (running_.valid()) {
    // What a failed background wait was for has to be waited for again.
    if (!running_.get().ok()) freed_ = true;
  }
  if (!freed_) return absl::OkStatus();
  RETURN_IF_ERROR(maps_->WaitForReaders());
  freed_ = false;
  return absl::OkStatus();
}

void GracePeriod::Begin() {
  // A period under way began before the latest release and does not cover it; the next Wait() does.
  if (!freed_ || running_.valid()) return;
  try {
    running_ = std::async(std::launch::async, [maps = maps_] { return maps->WaitForReaders(); });
    freed_ = false;
  } catch (const std::system_error&) {
    // No thread to be had: the next Wait() waits itself.
  }
}

}  // namespace outrider::datapath::ebpf
