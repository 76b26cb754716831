// A QEMU's QMP socket: one client at a time, greeting first, answers to the commands an agent
// gives, events when the test says so. Thread rule: any thread; serves on one of its own.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_QMP_H_
#define OUTRIDER_TESTS_FAKES_FAKE_QMP_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vswitch/sys/qmp/qmp_message.h"
#include "vswitch/sys/stream/stream_listener.h"

namespace outrider::qmp {

class FakeQmp final : public stream::StreamHandler {
 public:
  // Listens at `path` when it returns. Throws std::runtime_error if it cannot.
  explicit FakeQmp(const std::string& path);
  ~FakeQmp() override;

  // What query-status and query-migrate answer from now on; an empty migration has no status.
  void SetStatus(const std::string& run_state, const std::string& migration = "");
  // To the client, if there is one; `status` goes into its data.
  void Emit(const std::string& event, int64_t time_us, const std::string& status = "");
  // As it is, over the wire.
  void Say(const std::string& text);
  void HangUp();
  // Waits until `count` commands have come on all connections; returns their names.
  std::vector<std::string> WaitForCommands(size_t count);

  void OnData(const char* data, size_t size) override;
  void OnClosed(const absl::Status& why) override;

 private:
  void Answer(const std::string& text);

  std::unique_ptr<stream::PollLoop> loop_;
  std::unique_ptr<stream::StreamListener> listener_;
  std::unique_ptr<stream::StreamConnection> client_;
  MessageSplitter splitter_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string run_state_ = "running";
  std::string migration_;
  std::vector<std::string> commands_;
};

}  // namespace outrider::qmp

#endif  // OUTRIDER_TESTS_FAKES_FAKE_QMP_H_
