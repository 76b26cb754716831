#include "vswitch/sys/stream/stream_connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>

#include <cerrno>
#include <utility>

namespace outrider::stream {
namespace {

using Want = StreamTransport::Want;

// Read at once: others have their turn after that much.
constexpr size_t kReadSize = 64 << 10;

}  // namespace

StreamConnection::StreamConnection(PollLoop* loop, UniqueFd fd, const StreamLimits& limits)
    : loop_(loop), fd_(std::move(fd)), limits_(limits), peer_(PeerName(fd_.get())) {}

absl::Status StreamConnection::SetTls(const TlsContext* tls, bool server) {
  if (tls == nullptr) {
    transport_ = ClearTransport(fd_.get());
    return absl::OkStatus();
  }
  SslPtr ssl = tls->NewStream(fd_.get(), server);
  if (ssl == nullptr) return absl::ResourceExhaustedError("TLS stream: no memory");
  transport_ = TlsTransport(std::move(ssl));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<StreamConnection>> StreamConnection::Adopt(
    PollLoop* loop, UniqueFd fd, std::shared_ptr<const TlsContext> tls,
    const StreamLimits& limits) {
  std::unique_ptr<StreamConnection> connection(new StreamConnection(loop, std::move(fd), limits));
  // One that blocks would stop all others.
  if (fcntl(connection->fd_.get(), F_SETFL, O_NONBLOCK) != 0) {
    return ErrnoStatus(errno, "fcntl O_NONBLOCK");
  }
  RETURN_IF_ERROR(connection->SetTls(tls.get(), true));
  connection->phase_ = Phase::kHandshake;
  return connection;
}

absl::StatusOr<std::unique_ptr<StreamConnection>> StreamConnection::Connect(
    PollLoop* loop, const StreamAddress& address, std::shared_ptr<const TlsContext> tls,
    const StreamLimits& limits) {
  ASSIGN_OR_RETURN(UniqueFd fd, BeginConnect(address));
  std::unique_ptr<StreamConnection> connection(new StreamConnection(loop, std::move(fd), limits));
  RETURN_IF_ERROR(connection->SetTls(tls.get(), false));
  connection->phase_ = Phase::kConnecting;
  connection->target_ = address;
  connection->peer_ = address.ToString();
  return connection;
}

StreamConnection::~StreamConnection() {
  *alive_ = false;
  Close();
}

absl::Status StreamConnection::Start(StreamHandler* handler) {
  handler_ = handler;
  // Writable: a connect ends so, and an open stream is told of it at once.
  return loop_->Watch(fd_.get(), EPOLLIN | EPOLLOUT, [this](uint32_t events) { OnReady(events); });
}

void StreamConnection::Send(std::string data) {
  if (closed() || ending_ || data.empty()) return;
  if (unsent_ > limits_.max_unsent) {
    Fail(absl::ResourceExhaustedError(
        fmt::format("{} bytes wait to be read by the peer; it is disconnected", unsent_)));
    return;
  }
  unsent_ += data.size();
  queue_.push_back(std::move(data));
  // A congested one drains from the loop alone: OnDrained never comes from within Send.
  if (!calling_ && !congested_ && phase_ == Phase::kOpen) Flush();
  if (unsent_ > limits_.pause_above) congested_ = true;
  UpdateEvents();
}

void StreamConnection::Close() {
  if (closed()) return;
  loop_->Unwatch(fd_.get());
  transport_.reset();
  fd_.Reset();
  queue_.clear();
  unsent_ = sent_ = 0;
  if (on_end_) std::exchange(on_end_, nullptr)();
}

void StreamConnection::CloseWhenSent() {
  if (closed()) return;
  ending_ = true;
  if (unsent_ == 0) {
    Fail(absl::OkStatus());
  } else {
    UpdateEvents();
  }
}

void StreamConnection::Fail(const absl::Status& why) {
  if (closed()) return;
  Close();
  // From the loop: whoever sends may be going through its connections.
  loop_->Post([this, alive = alive_, why] {
    if (*alive && handler_ != nullptr) std::exchange(handler_, nullptr)->OnClosed(why);
  });
}

void StreamConnection::OnReady(uint32_t events) {
  if (phase_ != Phase::kOpen && !Establish()) return;
  const auto served = [events](Want want) {
    return (events & (EPOLLERR | EPOLLHUP | (want == Want::kRead ? EPOLLIN : EPOLLOUT))) != 0;
  };
  if (unsent_ > 0 && served(write_wants_)) Flush();
  if (!closed() && !congested() && !ending_ && served(read_wants_)) ReadSome();
  UpdateEvents();
}

bool StreamConnection::Establish() {
  if (phase_ == Phase::kConnecting) {
    if (const absl::Status status = SocketError(fd_.get(), target_); !status.ok()) {
      Fail(status);
      return false;
    }
    phase_ = Phase::kHandshake;
  }
  const StreamTransport::Step step = transport_->Handshake();
  if (step.end || !step.status.ok()) {
    Fail(step.end ? absl::UnavailableError("closed during the TLS handshake") : step.status);
    return false;
  }
  if (step.want != Want::kNothing) {
    loop_->SetEvents(fd_.get(), step.want == Want::kRead ? EPOLLIN : EPOLLOUT);
    return false;
  }
  phase_ = Phase::kOpen;
  calling_ = true;
  handler_->OnConnected();
  calling_ = false;
  if (!closed() && unsent_ > 0) Flush();
  return !closed();
}

void StreamConnection::ReadSome() {
  // TLS may hold bytes that epoll knows nothing of: they are read until it wants more. What a peer
  // sends meanwhile is bounded, others wait.
  static thread_local char buffer[kReadSize];
  size_t total = 0;
  read_wants_ = Want::kRead;
  while (!closed() && !congested() && !ending_ && total < kReadSize) {
    const StreamTransport::Step step = transport_->Read(buffer, sizeof(buffer));
    if (step.end || !step.status.ok()) {
      Fail(step.status);
      return;
    }
    if (step.bytes == 0) {
      read_wants_ = step.want;
      return;
    }
    heard_ = true;
    total += step.bytes;
    calling_ = true;
    handler_->OnData(buffer, step.bytes);
    calling_ = false;
    if (!closed() && unsent_ > 0) Flush();
  }
  // Bytes that TLS holds make no descriptor ready.
  if (!closed() && total >= kReadSize) ServeSoon();
}

void StreamConnection::Flush() {
  while (!queue_.empty()) {
    const std::string& front = queue_.front();
    const StreamTransport::Step step =
        transport_->Write(front.data() + sent_, front.size() - sent_);
    if (step.end || !step.status.ok()) {
      Fail(step.status);
      return;
    }
    if (step.bytes == 0) {
      write_wants_ = step.want;
      break;
    }
    sent_ += step.bytes;
    unsent_ -= step.bytes;
    if (sent_ == front.size()) {
      queue_.pop_front();
      sent_ = 0;
    }
  }
  if (queue_.empty()) write_wants_ = Want::kWrite;
  if (ending_ && queue_.empty()) {
    Fail(absl::OkStatus());
  } else if (congested_ && !yielding_ && !calling_ && unsent_ <= limits_.pause_above / 2) {
    Drained();
  }
}

void StreamConnection::Yield() {
  if (closed() || std::exchange(yielding_, true)) return;
  UpdateEvents();
  loop_->Post([this, alive = alive_] {
    if (*alive && !closed()) EndYield();
  });
}

void StreamConnection::EndYield() {
  yielding_ = false;
  // Too much still waits for the peer: Flush will see the end of that. What it saw during the yield
  // it kept to itself.
  if (congested_ && unsent_ > limits_.pause_above / 2) {
    UpdateEvents();
  } else {
    Drained();
  }
}

void StreamConnection::Drained() {
  congested_ = false;
  calling_ = true;
  handler_->OnDrained();
  calling_ = false;
  // What it said now goes with the next turn of the descriptor.
  if (closed()) return;
  if (unsent_ > limits_.pause_above) congested_ = true;
  ServeSoon();
}

void StreamConnection::ServeSoon() {
  loop_->Post([this, alive = alive_] {
    if (*alive && !closed()) OnReady(EPOLLIN | EPOLLOUT);
  });
}

void StreamConnection::UpdateEvents() {
  if (closed() || phase_ != Phase::kOpen) return;
  uint32_t events = 0;
  const auto add = [&events](Want want) { events |= want == Want::kRead ? EPOLLIN : EPOLLOUT; };
  if (!congested() && !ending_) add(read_wants_);
  if (unsent_ > 0) add(write_wants_);
  loop_->SetEvents(fd_.get(), events);
}

}  // namespace outrider::stream
