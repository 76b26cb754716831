// A QEMU's QMP socket: one client at a time, greeting first, answers to the commands an agent
// gives, events when the test says so. Thread rule: any thread; serves on one of its own.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_QMP_H_
#define OUTRIDER_TESTS_FAKES_FAKE_QMP_H_

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
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
  // A virtio-net device at this path: its address and its receive queue's used index from now on.
  void SetCard(const std::string& path, const std::string& mac, uint16_t used);
  void RemoveCard(const std::string& path);
  // What every card takes besides its own frames, as JSON: members of query-rx-filter's answer.
  // Empty, as it is: that is not answered.
  void SetFilter(const std::string& members);
  // Commands wait from now on, or are answered, those that have waited first.
  void HoldAnswers(bool hold);
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
  struct Card {
    std::string mac;
    uint16_t used = 0;
  };

  // As JSON; nullopt: an error. `path`: of the command's arguments. Under the lock.
  std::optional<std::string> ResultOf(const std::string& name, const std::string& path) const;
  std::optional<std::string> Filters() const;
  void Answer(const std::string& text);
  void AnswerHeld();

  std::unique_ptr<stream::PollLoop> loop_;
  std::unique_ptr<stream::StreamListener> listener_;
  std::unique_ptr<stream::StreamConnection> client_;
  MessageSplitter splitter_;
  bool hold_ = false;
  std::vector<std::string> held_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string run_state_ = "running";
  std::string migration_;
  std::map<std::string, Card> cards_;
  std::string filter_;
  std::vector<std::string> commands_;
};

}  // namespace outrider::qmp

#endif  // OUTRIDER_TESTS_FAKES_FAKE_QMP_H_
