#include "vswitch/sys/stream/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace outrider::stream {
namespace {

constexpr int kBacklog = 1024;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

absl::StatusOr<SocketAddress> UnixAddress(const std::string& path) {
  SocketAddress result;
  auto* address = reinterpret_cast<sockaddr_un*>(&result.storage);
  address->sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address->sun_path)) {
    return absl::InvalidArgumentError(fmt::format("socket \"{}\": a path of 1..{} bytes is needed",
                                                  path, sizeof(address->sun_path) - 1));
  }
  std::memcpy(address->sun_path, path.data(), path.size());
  result.length = sizeof(sockaddr_un);
  return result;
}

SocketAddress InetAddress(const StreamAddress& address) {
  SocketAddress result;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  // No address means any of IPv4, as Open vSwitch has it.
  const std::string host = address.host.empty() ? "0.0.0.0" : address.host;
  if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    result.length = sizeof(sockaddr_in);
    return result;
  }
  inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(address.port);
  result.length = sizeof(sockaddr_in6);
  return result;
}

absl::StatusOr<SocketAddress> KernelAddress(const StreamAddress& address) {
  if (address.kind == StreamAddress::Kind::kUnix) return UnixAddress(address.path);
  return InetAddress(address);
}

absl::StatusOr<UniqueFd> MakeSocket(const StreamAddress& address, const SocketAddress& kernel) {
  UniqueFd fd(socket(kernel.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "socket for " + address.ToString());
  if (address.kind != StreamAddress::Kind::kUnix) {
    const int one = 1;
    setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  }
  return fd;
}

}  // namespace

absl::Status FreeSocketPath(const std::string& path, const std::string& taken) {
  ASSIGN_OR_RETURN(const SocketAddress kernel, UnixAddress(path));
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, "stat " + path);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return absl::FailedPreconditionError(
        fmt::format("socket \"{}\": a file that is no socket is there; move it away", path));
  }
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return ErrnoStatus(errno, "socket");
  // EAGAIN: its queue is full, so somebody owns it.
  if (connect(probe.get(), kernel.get(), kernel.length) == 0 || errno == EAGAIN) {
    return absl::AlreadyExistsError(fmt::format("socket \"{}\": {}", path, taken));
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, "unlink " + path);
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> Listen(const StreamAddress& address, uint32_t mode) {
  ASSIGN_OR_RETURN(const SocketAddress kernel, KernelAddress(address));
  const bool is_unix = address.kind == StreamAddress::Kind::kUnix;
  if (is_unix) {
    RETURN_IF_ERROR(FreeSocketPath(address.path, "another program listens there; stop it first"));
  }
  ASSIGN_OR_RETURN(UniqueFd fd, MakeSocket(address, kernel));
  const std::string name = address.ToString();
  // The mode before bind: at no instant may more people connect than shall.
  if (is_unix && fchmod(fd.get(), mode) != 0) return ErrnoStatus(errno, "chmod " + name);
  if (bind(fd.get(), kernel.get(), kernel.length) != 0) return ErrnoStatus(errno, "bind " + name);
  if (is_unix && chmod(address.path.c_str(), mode) != 0) return ErrnoStatus(errno, "chmod " + name);
  if (listen(fd.get(), kBacklog) != 0) return ErrnoStatus(errno, "listen " + name);
  return fd;
}

uint16_t PortOf(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return 0;
  if (address.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }
  if (address.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port);
  }
  return 0;
}

absl::StatusOr<UniqueFd> BeginConnect(const StreamAddress& address) {
  ASSIGN_OR_RETURN(const SocketAddress kernel, KernelAddress(address));
  ASSIGN_OR_RETURN(UniqueFd fd, MakeSocket(address, kernel));
  if (connect(fd.get(), kernel.get(), kernel.length) != 0 && errno != EINPROGRESS) {
    return ErrnoStatus(errno, "connect " + address.ToString());
  }
  return fd;
}

absl::Status SocketError(int fd, const StreamAddress& address) {
  int error = 0;
  socklen_t length = sizeof(error);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "connect " + address.ToString());
}

std::string PeerName(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  char text[INET6_ADDRSTRLEN] = {};
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) return "?";
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
    return fmt::format("tcp:{}:{}", text, ntohs(v4->sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
    return fmt::format("tcp:[{}]:{}", text, ntohs(v6->sin6_port));
  }
  return "unix";
}

uint64_t RaiseDescriptorLimit(uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlim_t target = std::min<rlim_t>(wanted, limit.rlim_max);
  if (target > limit.rlim_cur) {
    limit.rlim_cur = target;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

}  // namespace outrider::stream
