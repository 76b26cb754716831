// One connection to a QEMU's QMP socket: greeting and capabilities done, then its events as they
// come and commands. QEMU serves one client of a socket at a time; who comes
// second waits in its queue. Owns the connection; knows nothing of reconnecting, nor what an event
// means.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_SYS_QMP_QMP_CLIENT_H_
#define OUTRIDER_VSWITCH_SYS_QMP_QMP_CLIENT_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "vswitch/sys/qmp/qmp_message.h"
#include "vswitch/sys/stream/stream_connection.h"

namespace outrider::qmp {

class QmpClient final : public stream::StreamHandler {
 public:
  // They may call Execute, but not destroy the client; on_closed may.
  struct Callbacks {
    // Commands are taken from here on. Once.
    std::function<void()> on_ready;
    std::function<void(const Message& event)> on_event;
    // Once; nothing comes after it. Ok: QEMU closed it.
    std::function<void(const absl::Status& why)> on_closed;
  };

  // Begins to connect. Errors: no such socket, or nobody listens there.
  static absl::StatusOr<std::unique_ptr<QmpClient>> Connect(stream::PollLoop* loop,
                                                            const std::string& path,
                                                            Callbacks callbacks);

  // `done` with kReturn or kError; not at all if the connection ends before.
  using Done = std::function<void(const Message& answer)>;
  void Execute(const Command& command, Done done);

  void OnData(const char* data, size_t size) override;
  void OnClosed(const absl::Status& why) override;

 private:
  explicit QmpClient(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}
  void Handle(const Message& message);

  const Callbacks callbacks_;
  std::unique_ptr<stream::StreamConnection> connection_;
  MessageSplitter splitter_;
  std::map<uint64_t, Done> waiting_;
  uint64_t next_id_ = 1;
};

}  // namespace outrider::qmp

#endif  // OUTRIDER_VSWITCH_SYS_QMP_QMP_CLIENT_H_
