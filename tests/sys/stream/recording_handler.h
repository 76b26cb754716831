// Ends of streams for tests: what happened on a server's, and a client that blocks.
#ifndef OUTRIDER_TESTS_SYS_STREAM_RECORDING_HANDLER_H_
#define OUTRIDER_TESTS_SYS_STREAM_RECORDING_HANDLER_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "vswitch/sys/stream/stream_connection.h"

namespace outrider::stream {

// Writes down what it is told; `echo` sends it back.
class RecordingHandler final : public StreamHandler {
 public:
  explicit RecordingHandler(std::unique_ptr<StreamConnection> connection)
      : connection_(std::move(connection)) {}
  absl::Status Start() { return connection_->Start(this); }

  void OnConnected() override { connected = true; }
  void OnData(const char* data, size_t size) override {
    received.append(data, size);
    if (on_data) on_data(std::string(data, size));
  }
  void OnDrained() override { ++drained; }
  void OnClosed(const absl::Status& why) override { closed = why; }

  StreamConnection* connection() { return connection_.get(); }

  bool connected = false;
  std::string received;
  int drained = 0;
  std::optional<absl::Status> closed;
  std::function<void(const std::string&)> on_data;

 private:
  std::unique_ptr<StreamConnection> connection_;
};

// Drives the loop until it is so; false after ten seconds, which is a failure.
bool DriveUntil(PollLoop* loop, const std::function<bool()>& so);

// A blocking client at a unix path; -1: refused.
int ConnectUnix(const std::string& path);

}  // namespace outrider::stream

#endif  // OUTRIDER_TESTS_SYS_STREAM_RECORDING_HANDLER_H_
