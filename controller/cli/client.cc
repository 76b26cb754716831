#include "controller/cli/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "controller/cli/duration.h"

namespace outrider::controller::cli {
namespace {

constexpr char kScheme[] = "unix:";
// What gRPC's own client says; a server's DEADLINE_EXCEEDED explains itself.
constexpr char kClientDeadline[] = "Deadline Exceeded";

// errno of connecting to the socket, 0 when somebody listens. gRPC wraps the reason in text of its
// own; asking again gives it plain. EAGAIN: its queue is full, and waiting for room could last for
// ever.
int ConnectError(const std::string& path) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) return ENAMETOOLONG;
  std::memcpy(name.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  const int error =
      connect(fd, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0 ? 0 : errno;
  close(fd);
  return error;
}

std::string ReasonText(int error) {
  if (error == ENOENT) return "there is no such socket";
  if (error == ECONNREFUSED) return "nobody listens on it";
  return std::strerror(error);
}

}  // namespace

// TCP is refused here and not by gRPC: without TLS it would be an API without authorisation.
absl::StatusOr<std::unique_ptr<Client>> Client::Create(PeerNames names, const std::string& address,
                                                       std::chrono::milliseconds timeout) {
  std::string target = address;
  if (!target.empty() && (target[0] == '/' || target[0] == '.')) target = kScheme + target;
  if (target.compare(0, sizeof(kScheme) - 1, kScheme) != 0 || target.size() < sizeof(kScheme)) {
    return absl::InvalidArgumentError(fmt::format(
        "{} \"{}\": not a unix socket; write unix:/path/to/socket", names.flag, address));
  }
  return std::unique_ptr<Client>(new Client(std::move(names), std::move(target), timeout));
}

// Late, because starting gRPC costs milliseconds that --help and completion need not spend.
std::shared_ptr<grpc::Channel> Client::Channel() {
  if (channel_ == nullptr) {
    grpc::ChannelArguments arguments;
    // A host state or a long list may be larger than gRPC's 4 MiB.
    arguments.SetMaxReceiveMessageSize(256 << 20);
    // The HTTP/2 authority gRPC makes of a socket path is not one every server takes.
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "localhost");
    channel_ = grpc::CreateCustomChannel(address_, grpc::InsecureChannelCredentials(), arguments);
  }
  return channel_;
}

// gRPC's own limit is 20 s, and ends in words of its own.
absl::Status Client::Reach() {
  const auto channel = Channel();
  const auto deadline = std::chrono::system_clock::now() + std::min(timeout_, kConnectTime);
  grpc_connectivity_state state = channel->GetState(/*try_to_connect=*/true);
  while (state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_CONNECTING) {
    if (!channel->WaitForStateChange(state, deadline)) return Silent();
    state = channel->GetState(/*try_to_connect=*/true);
  }
  return absl::OkStatus();
}

absl::Status Client::Silent() const {
  return absl::DeadlineExceededError(
      fmt::format("the {0} at {1} takes connections but does not answer: {2} is stopped or stuck; "
                  "see its log, then let it go on or restart it (systemctl restart {2})",
                  names_.role, address_, names_.daemon));
}

std::chrono::milliseconds Client::PatienceFor(std::chrono::milliseconds extra) const {
  return extra.count() == 0 ? timeout_ : extra + std::min(timeout_, kConnectTime);
}

// The system clock, because that is what gRPC turns into a timeout on the wire.
void Client::SetDeadline(std::chrono::milliseconds patience, grpc::ClientContext* context) const {
  context->set_deadline(std::chrono::system_clock::now() + patience);
}

// What the watch did shows as a cancelled call.
absl::Status Client::ToStatus(const grpc::Status& status, bool reached,
                              StreamWatch::End end) const {
  if (status.error_code() == grpc::StatusCode::CANCELLED) {
    if (end == StreamWatch::End::kTime || end == StreamWatch::End::kSignal) return absl::OkStatus();
    if (end == StreamWatch::End::kSilence) {
      return ToStatus(grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, kClientDeadline), reached,
                      timeout_);
    }
  }
  return ToStatus(status, reached, timeout_);
}

// A server's own message is passed on as it is: it names object, field and remedy. What gRPC itself
// says about sockets and time is put into words with a remedy.
absl::Status Client::ToStatus(const grpc::Status& status, bool reached,
                              std::chrono::milliseconds patience) const {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && !reached) {
    const int error = ConnectError(address_.substr(sizeof(kScheme) - 1));
    if (error == EACCES) {
      return absl::Status(code, fmt::format("cannot open the {}'s socket {}: permission denied; "
                                            "run this as root or as the user {} runs as",
                                            names_.role, address_, names_.daemon));
    }
    if (error == EAGAIN) return Silent();
    if (error != 0) {
      return absl::Status(
          code, fmt::format("cannot reach the {} at {}: {}; start {} or name its socket with {}",
                            names_.role, address_, ReasonText(error), names_.daemon, names_.flag));
    }
  }
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED &&
      status.error_message() == kClientDeadline) {
    return absl::Status(code,
                        fmt::format("the {} at {} did not answer within {}; see its log, or allow "
                                    "more time with --timeout",
                                    names_.role, address_, FormatDuration(patience)));
  }
  std::string message = status.error_message();
  if (message.empty()) {
    message = fmt::format("the {} answered with gRPC status {} and no message", names_.role,
                          static_cast<int>(status.error_code()));
  }
  return absl::Status(code, message);
}

}  // namespace outrider::controller::cli
