// Accepts streams at a unix path, a TCP port or a TLS port. Owns its socket and the count of its
// connections, not the connections.
//
// At `max_connections` the oldest connection that has never said anything makes room for a new one;
// if all have, the new one is refused. So a program that opens connections and leaves them lying
// shuts nobody out, and nobody who works is put off. Where the process has no descriptor left the
// caller is hung up on at once and listening pauses for a moment.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_STREAM_LISTENER_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_STREAM_LISTENER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "vswitch/sys/stream/log_limiter.h"
#include "vswitch/sys/stream/poll_loop.h"
#include "vswitch/sys/stream/stream_connection.h"

namespace outrider::stream {

class StreamListener {
 public:
  struct Options {
    StreamAddress address = {};
    // Of a unix path.
    uint32_t mode = 0600;
    size_t max_connections = 2048;
    StreamLimits limits = {};
    // For pssl:.
    std::shared_ptr<const TlsContext> tls = nullptr;
  };
  // Owns the connection from now on; must Start it.
  using Accepted = std::function<void(std::unique_ptr<StreamConnection> connection)>;

  // Listens from now on. Errors as Listen() in socket.h.
  static absl::StatusOr<std::unique_ptr<StreamListener>> Create(PollLoop* loop,
                                                                const Options& options,
                                                                Accepted accepted);
  // Stops listening and removes a unix path that is still its own. Connections stay.
  ~StreamListener();

  // With the port that a port 0 became.
  const StreamAddress& address() const { return options_.address; }
  size_t connections() const;
  // Refused, or closed to make room, so far.
  uint64_t turned_away() const { return turned_away_; }

 private:
  struct Census;
  StreamListener(PollLoop* loop, const Options& options, Accepted accepted, UniqueFd fd);
  void OnReady();
  void Take(UniqueFd fd);
  // False: nobody can go.
  bool MakeRoom();
  void OutOfDescriptors(int error);

  PollLoop* const loop_;
  Options options_;
  const Accepted accepted_;
  UniqueFd fd_;
  // Given up to accept, and hang up on, who cannot be served.
  UniqueFd reserve_;
  // Of the socket's file, to know it again.
  uint64_t inode_ = 0;
  uint64_t turned_away_ = 0;
  PollLoop::TimerId resume_ = 0;
  LogLimiter log_{5, std::chrono::seconds(10)};
  // Shared with the connections, which may outlive the listener.
  std::shared_ptr<Census> census_;
};

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_STREAM_LISTENER_H_
