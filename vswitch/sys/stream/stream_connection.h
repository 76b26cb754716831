// One stream on a PollLoop: bytes in by callback, bytes out by a bounded queue. Owns its
// descriptor. Knows no protocol.
//
// Bounds, so that a peer costs bounded memory whatever it does: while more than `pause_above` bytes
// wait for the peer nothing is read from it, so that requests without reading the replies stop; and
// when more than `max_unsent` wait and there is yet more to say (notifications that it did not ask
// for one by one) the connection is closed. One message may be larger than the bound.
//
// And bounded time: whoever answers it counts a Turn and yields when that is over.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_STREAM_CONNECTION_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_STREAM_CONNECTION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "vswitch/sys/stream/poll_loop.h"
#include "vswitch/sys/stream/socket.h"
#include "vswitch/sys/stream/stream_address.h"
#include "vswitch/sys/stream/stream_transport.h"

namespace outrider::stream {

struct StreamLimits {
  size_t pause_above = 256 << 10;
  size_t max_unsent = 16 << 20;
};

// Callbacks may call anything of the connection but destroy it; OnClosed may destroy it, too.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  // The stream is up: connect and handshake are done. Once, before any OnData.
  virtual void OnConnected() {}
  virtual void OnData(const char* data, size_t size) = 0;
  // What the peer had to read has become little again, or others have had their turn, after
  // congested() was so.
  virtual void OnDrained() {}
  // It is closed, not by its owner's Close. Once, from the loop, never from within Send. Ok: the
  // peer closed it. ResourceExhausted: a bound was reached.
  virtual void OnClosed(const absl::Status& why) = 0;
};

class StreamConnection {
 public:
  // Over a connected descriptor; with `tls` by TLS, as its server.
  static absl::StatusOr<std::unique_ptr<StreamConnection>> Adopt(
      PollLoop* loop, UniqueFd fd, std::shared_ptr<const TlsContext> tls,
      const StreamLimits& limits);
  // Begins to connect to an active address; `tls` for ssl:.
  static absl::StatusOr<std::unique_ptr<StreamConnection>> Connect(
      PollLoop* loop, const StreamAddress& address, std::shared_ptr<const TlsContext> tls,
      const StreamLimits& limits);
  // As Close().
  ~StreamConnection();
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  // Callbacks go to `handler` from now on, none before the next round of the loop. It outlives the
  // connection.
  absl::Status Start(StreamHandler* handler);

  // All of it goes, or the connection is closed by a bound. Nothing on a closed one.
  void Send(std::string data);
  // At once; what was not sent is lost. OnClosed is not called.
  void Close();
  // When what was sent so far has gone; nothing is read any more. Then OnClosed(ok).
  void CloseWhenSent();

  bool closed() const { return !fd_.valid(); }
  // Others have their turn: congested() is so, and nothing is read, until OnDrained, which comes
  // when the loop has been around once.
  void Yield();
  // Whoever answers requests stops until OnDrained.
  bool congested() const { return congested_ || yielding_; }
  size_t unsent() const { return unsent_; }
  // "unix", "tcp:127.0.0.1:40000".
  const std::string& peer() const { return peer_; }
  // Any byte came yet, TLS's own not counted.
  bool heard() const { return heard_; }

  // For the listener: called when the descriptor is closed, by whomever.
  void set_on_end(std::function<void()> on_end) { on_end_ = std::move(on_end); }
  // Closes with OnClosed(why).
  void Fail(const absl::Status& why);

 private:
  enum class Phase { kConnecting, kHandshake, kOpen };
  StreamConnection(PollLoop* loop, UniqueFd fd, const StreamLimits& limits);
  absl::Status SetTls(const TlsContext* tls, bool server);
  void OnReady(uint32_t events);
  // False: not up yet, or closed.
  bool Establish();
  void ReadSome();
  void Flush();
  void EndYield();
  void Drained();
  // As if the descriptor were ready, in the next round.
  void ServeSoon();
  void UpdateEvents();

  PollLoop* const loop_;
  UniqueFd fd_;
  const StreamLimits limits_;
  std::string peer_;
  // Of a connect under way.
  StreamAddress target_;
  Phase phase_ = Phase::kOpen;
  std::unique_ptr<StreamTransport> transport_;
  StreamHandler* handler_ = nullptr;
  std::function<void()> on_end_;
  std::deque<std::string> queue_;
  // Bytes of the queue's first that went.
  size_t sent_ = 0;
  size_t unsent_ = 0;
  // Too much waits for the peer.
  bool congested_ = false;
  bool yielding_ = false;
  bool heard_ = false;
  bool ending_ = false;
  // In a callback: what it sends goes when it returns, in one piece.
  bool calling_ = false;
  // What TLS waits for, against the direction of the data.
  StreamTransport::Want read_wants_ = StreamTransport::Want::kRead;
  StreamTransport::Want write_wants_ = StreamTransport::Want::kWrite;
  // Gone with the connection: posted work asks it first.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_STREAM_CONNECTION_H_
