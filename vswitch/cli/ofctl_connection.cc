#include "vswitch/cli/ofctl_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "vswitch/cli/host_address.h"

namespace outrider::cli {
namespace {

using openflow::Message;

constexpr uint16_t kOpenFlowPort = 6653;

absl::Status Failed(const std::string& what, int error) {
  return absl::UnavailableError(fmt::format("{} ({})", what, std::strerror(error)));
}

absl::StatusOr<int> ConnectTo(const sockaddr* address, socklen_t size, const std::string& target) {
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failed("connecting to " + target, errno);
  if (connect(fd, address, size) == 0) return fd;
  const int error = errno;
  close(fd);
  return Failed("connecting to " + target, error);
}

absl::StatusOr<int> ConnectUnix(const std::string& path, const std::string& target) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return Failed("connecting to " + target, ENAMETOOLONG);
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return ConnectTo(reinterpret_cast<const sockaddr*>(&address), sizeof(address), target);
}

// "HOST[:PORT]", an IPv6 address in brackets.
absl::StatusOr<int> ConnectTcp(const std::string& where, const std::string& target) {
  std::string host = where;
  uint16_t port = kOpenFlowPort;
  const size_t colon = where.rfind(':');
  const bool bracketed = !where.empty() && where.back() == ']';
  if (colon != std::string::npos && !bracketed) {
    host = where.substr(0, colon);
    port = static_cast<uint16_t>(std::strtoul(where.c_str() + colon + 1, nullptr, 10));
  }
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const auto addresses = FindHost(host, port);
  if (!addresses.ok()) return Failed("connecting to " + target, EAFNOSUPPORT);
  absl::StatusOr<int> fd = Failed("connecting to " + target, EAFNOSUPPORT);
  for (const SocketAddress& address : *addresses) {
    fd = ConnectTo(address.get(), address.length, target);
    if (fd.ok()) break;
  }
  return fd;
}

bool IsSocket(const std::string& path) {
  struct stat status {};
  return stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace

absl::StatusOr<int> ConnectOpenFlow(const std::string& target, const std::string& suffix) {
  if (target.rfind("unix:", 0) == 0) return ConnectUnix(target.substr(5), target);
  if (target.rfind("tcp:", 0) == 0) return ConnectTcp(target.substr(4), target);
  if (target.find(':') != std::string::npos) {
    return Failed("connecting to " + target, EAFNOSUPPORT);
  }
  const char* set = std::getenv("OVS_RUNDIR");
  const std::string rundir = set != nullptr ? set : "/var/run/openvswitch";
  const std::string bridge = rundir + "/" + target + "." + suffix;
  for (const std::string& path : {bridge, target}) {
    if (!IsSocket(path)) continue;
    const auto fd = ConnectUnix(path, "unix:" + path);
    if (fd.ok()) return fd;
    const size_t text = outrider::Message(fd.status()).rfind('(');
    return absl::UnavailableError("failed to connect to socket " +
                                  outrider::Message(fd.status()).substr(text));
  }
  return absl::NotFoundError(target + " is not a bridge or a socket");
}

absl::StatusOr<std::unique_ptr<OfctlConnection>> OfctlConnection::Open(const std::string& target,
                                                                       uint32_t versions,
                                                                       Xid* next_xid) {
  ASSIGN_OR_RETURN(const int fd, ConnectOpenFlow(target));
  std::unique_ptr<OfctlConnection> connection(new OfctlConnection(fd, next_xid));
  RETURN_IF_ERROR(connection->Negotiate(versions));
  return connection;
}

OfctlConnection::~OfctlConnection() { close(fd_); }

absl::Status OfctlConnection::Negotiate(uint32_t versions) {
  const bool v13 = (versions & 1u << openflow::kVersion13) != 0;
  Message hello{.version = v13 ? openflow::kVersion13 : openflow::kVersion10};
  hello.xid = (*next_xid_)++;
  hello.body = openflow::Hello{v13 ? versions : 0};
  ASSIGN_OR_RETURN(const openflow::Bytes bytes, openflow::Encode(hello));
  RETURN_IF_ERROR(Write(bytes));
  version_ = hello.version;
  ASSIGN_OR_RETURN(const Message answer, Receive());
  const auto* theirs = std::get_if<openflow::Hello>(&answer.body);
  uint32_t common = 0;
  if (theirs != nullptr) {
    const uint32_t up_to = answer.version >= 31 ? ~0u : (2u << answer.version) - 1;
    common = versions & (theirs->versions != 0 ? theirs->versions : up_to);
  }
  if (common == 0) {
    return absl::FailedPreconditionError("failed to connect to socket (Protocol error)");
  }
  version_ =
      (common & 1u << openflow::kVersion13) != 0 ? openflow::kVersion13 : openflow::kVersion10;
  return absl::OkStatus();
}

absl::Status OfctlConnection::Write(const openflow::Bytes& bytes) {
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Failed("send failed", errno);
    done += static_cast<size_t>(wrote);
  }
  return absl::OkStatus();
}

absl::Status OfctlConnection::Read() {
  std::array<uint8_t, 65536> buffer;
  ssize_t got = 0;
  do {
    got = recv(fd_, buffer.data(), buffer.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return Failed("receive failed", errno);
  if (got == 0) return absl::UnavailableError("OpenFlow receive failed (End of file)");
  return splitter_.Feed(openflow::ByteSpan(buffer.data(), static_cast<size_t>(got)),
                        [this](openflow::ByteSpan frame) {
                          frames_.emplace_back(frame.begin(), frame.end());
                          return absl::OkStatus();
                        });
}

absl::StatusOr<OfctlConnection::Xid> OfctlConnection::Send(openflow::Body body) {
  const Message message{.version = version_, .xid = (*next_xid_)++, .body = std::move(body)};
  ASSIGN_OR_RETURN(const openflow::Bytes bytes, openflow::Encode(message));
  RETURN_IF_ERROR(Write(bytes));
  return message.xid;
}

absl::StatusOr<Message> OfctlConnection::Receive() {
  while (true) {
    while (frames_.empty()) RETURN_IF_ERROR(Read());
    const openflow::Bytes frame = std::move(frames_.front());
    frames_.pop_front();
    ASSIGN_OR_RETURN(Message message, openflow::Decode(frame));
    const auto* echo = std::get_if<openflow::Echo>(&message.body);
    if (echo == nullptr || echo->reply) return message;
    const Message reply{.version = version_,
                        .xid = message.xid,
                        .body = openflow::Echo{.reply = true, .data = echo->data}};
    ASSIGN_OR_RETURN(const openflow::Bytes bytes, openflow::Encode(reply));
    RETURN_IF_ERROR(Write(bytes));
  }
}

absl::StatusOr<std::vector<Message>> OfctlConnection::Transact(openflow::Body body) {
  ASSIGN_OR_RETURN(const Xid xid, Send(std::move(body)));
  std::vector<Message> parts;
  while (parts.empty() || parts.back().more) {
    ASSIGN_OR_RETURN(Message message, Receive());
    // What the switch says by itself is not for us.
    if (message.xid == xid) parts.push_back(std::move(message));
  }
  return parts;
}

absl::StatusOr<std::optional<Message>> OfctlConnection::Order(
    const std::vector<openflow::Body>& orders) {
  for (const openflow::Body& order : orders) RETURN_IF_ERROR(Send(order).status());
  ASSIGN_OR_RETURN(const Xid barrier, Send(openflow::Plain::kBarrierRequest));
  std::optional<Message> error;
  while (true) {
    ASSIGN_OR_RETURN(Message message, Receive());
    if (message.xid == barrier) return error;
    if (!error && std::holds_alternative<openflow::Error>(message.body)) error = std::move(message);
  }
}

}  // namespace outrider::cli
