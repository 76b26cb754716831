// A PacketCapture whose frames a test delivers. Thread rule: any thread.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_PACKET_CAPTURE_H_
#define OUTRIDER_TESTS_FAKES_FAKE_PACKET_CAPTURE_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "vswitch/datapath/packet_capture.h"

namespace outrider::datapath {

class FakePacketCapture final : public PacketCapture {
 public:
  absl::StatusOr<std::unique_ptr<CaptureSession>> StartCapture(const CaptureRequest& request,
                                                               Sink sink) override {
    const std::lock_guard lock(mutex_);
    if (!status_.ok()) return status_;
    asked_ = request;
    sinks_.emplace(++last_, std::move(sink));
    changed_.notify_all();
    return std::make_unique<Session>(this, last_);
  }

  // As the answer to whoever asks next.
  void Fail(const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    status_ = status;
  }
  void Deliver(const CapturedFrame& frame) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, sink] : sinks_) sink(frame);
  }
  void AwaitSessions(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return sinks_.size() == count; });
  }
  CaptureRequest asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  class Session final : public CaptureSession {
   public:
    Session(FakePacketCapture* of, int id) : of_(of), id_(id) {}
    ~Session() override {
      const std::lock_guard lock(of_->mutex_);
      of_->sinks_.erase(id_);
      of_->changed_.notify_all();
    }

   private:
    FakePacketCapture* const of_;
    const int id_;
  };

  std::mutex mutex_;
  std::condition_variable changed_;
  absl::Status status_;
  CaptureRequest asked_;
  int last_ = 0;
  std::map<int, Sink> sinks_;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_FAKES_FAKE_PACKET_CAPTURE_H_
