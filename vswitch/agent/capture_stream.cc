#include "vswitch/agent/capture_stream.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "vswitch/agent/messages.h"
#include "vswitch/types/status.h"

namespace outrider::agent {
namespace {

constexpr size_t kQueueBytes = size_t{16} << 20;
// What a frame takes beside its bytes.
constexpr size_t kFrameOverhead = 256;
constexpr std::chrono::milliseconds kPatience(200);

class FrameQueue {
 public:
  void Put(const datapath::CapturedFrame& frame) {
    {
      const std::lock_guard lock(mutex_);
      const size_t size = frame.data.size() + kFrameOverhead;
      if (bytes_ + size > kQueueBytes) {
        ++missed_;
        return;
      }
      bytes_ += size;
      frames_.push_back(frame);
      frames_.back().missed += missed_;
    }
    arrived_.notify_one();
  }

  // Nothing when none comes for a while.
  std::optional<datapath::CapturedFrame> Take() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, kPatience, [this] { return !frames_.empty(); })) return {};
    datapath::CapturedFrame frame = std::move(frames_.front());
    frames_.pop_front();
    bytes_ -= frame.data.size() + kFrameOverhead;
    return frame;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<datapath::CapturedFrame> frames_;
  size_t bytes_ = 0;
  uint64_t missed_ = 0;
};

}  // namespace

absl::Status StreamCapture(datapath::PacketCapture* capture,
                           const datapath::CaptureRequest& request, const CaptureReader& reader) {
  FrameQueue queue;
  // Ends before the queue does.
  ASSIGN_OR_RETURN(const auto session,
                   capture->StartCapture(request, [&queue](const datapath::CapturedFrame& frame) {
                     queue.Put(frame);
                   }));
  reader.begun();
  while (reader.wanted()) {
    const auto frame = queue.Take();
    if (frame && !reader.write(ToMessage(*frame))) break;
  }
  return absl::OkStatus();
}

}  // namespace outrider::agent
