#include "vswitch/cli/channel.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "vswitch/cli/console.h"
#include "vswitch/cli/host_address.h"

namespace outrider::cli {
namespace {

constexpr int kDefaultPort = 6640;

absl::Status Failed(int error) { return absl::UnavailableError(std::strerror(error)); }

class SocketChannel : public Channel {
 public:
  explicit SocketChannel(int fd) : fd_(fd) {}
  ~SocketChannel() override { close(fd_); }

  absl::Status Write(const std::string& bytes) override {
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t sent = send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return Failed(errno);
      done += static_cast<size_t>(sent);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<size_t> Read(char* into, size_t size) override {
    while (true) {
      const ssize_t got = recv(fd_, into, size, 0);
      if (got > 0) return static_cast<size_t>(got);
      if (got == 0) return absl::UnavailableError("End of file");
      if (errno != EINTR) return Failed(errno);
    }
  }

 private:
  const int fd_;
};

absl::StatusOr<int> ConnectSocket(const sockaddr* address, socklen_t length) {
  const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failed(errno);
  int failed = 0;
  do {
    failed = connect(fd, address, length) == 0 ? 0 : errno;
  } while (failed == EINTR);
  if (failed == 0) return fd;
  close(fd);
  return Failed(failed);
}

absl::StatusOr<int> ConnectUnixSocket(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::string name = path;
  int directory = -1;
  // A path that does not fit goes through a descriptor of its folder.
  if (path.size() >= sizeof(address.sun_path)) {
    const size_t slash = path.rfind('/');
    directory = open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return Failed(errno);
    name = "/proc/self/fd/" + std::to_string(directory) + path.substr(slash);
    if (name.size() >= sizeof(address.sun_path)) {
      close(directory);
      return Failed(ENAMETOOLONG);
    }
  }
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  absl::StatusOr<int> fd =
      ConnectSocket(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (directory >= 0) close(directory);
  return fd;
}

// "192.0.2.1:6640", "[2001:db8::1]", "switch.example:6640"; the port may be missing.
absl::StatusOr<std::vector<SocketAddress>> FindEndpoint(const std::string& text) {
  std::string host = text;
  std::string port;
  if (!text.empty() && text[0] == '[') {
    const size_t end = text.find(']');
    if (end == std::string::npos) return Failed(EINVAL);
    host = text.substr(1, end - 1);
    if (text.compare(end + 1, 1, ":") == 0) port = text.substr(end + 2);
  } else if (const size_t colon = text.find(':'); colon != std::string::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  const int number = port.empty() ? kDefaultPort : std::atoi(port.c_str());
  if (number <= 0 || number > 65535) return Failed(EINVAL);
  return FindHost(host, static_cast<uint16_t>(number));
}

absl::StatusOr<int> ConnectTcp(const std::string& text) {
  ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, FindEndpoint(text));
  absl::StatusOr<int> fd = Failed(EINVAL);
  for (const SocketAddress& address : addresses) {
    fd = ConnectSocket(address.get(), address.length);
    if (fd.ok()) break;
  }
  if (!fd.ok()) return fd;
  const int on = 1;
  setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

absl::StatusOr<std::unique_ptr<Channel>> ConnectOne(const std::string& remote,
                                                    const TlsFiles& files) {
  const size_t colon = remote.find(':');
  const std::string kind = remote.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : remote.substr(colon + 1);
  if (kind == "unix") return ConnectUnix(rest);
  if (kind == "tcp") {
    ASSIGN_OR_RETURN(const int fd, ConnectTcp(rest));
    return std::make_unique<SocketChannel>(fd);
  }
  if (kind == "ssl") {
    ASSIGN_OR_RETURN(const int fd, ConnectTcp(rest));
    return StartTls(fd, files);
  }
  return Failed(EAFNOSUPPORT);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Channel>> ConnectUnix(const std::string& path) {
  const bool absolute = !path.empty() && path[0] == '/';
  ASSIGN_OR_RETURN(const int fd, ConnectUnixSocket(absolute ? path : RunDirectory() + "/" + path));
  return std::make_unique<SocketChannel>(fd);
}

absl::StatusOr<std::unique_ptr<Channel>> Connect(const std::string& remote, const TlsFiles& files) {
  absl::StatusOr<std::unique_ptr<Channel>> channel = Failed(EAFNOSUPPORT);
  for (size_t begin = 0; begin <= remote.size() && !channel.ok();) {
    const size_t end = std::min(remote.find(',', begin), remote.size());
    channel = ConnectOne(remote.substr(begin, end - begin), files);
    begin = end + 1;
  }
  return channel;
}

}  // namespace outrider::cli
