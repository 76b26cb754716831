#include "controller/service/unix_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace outrider::controller {
namespace {

absl::Status CheckPath(const std::string& path) {
  constexpr size_t kMax = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path.front() != '/' || path.size() > kMax) {
    return absl::InvalidArgumentError(
        fmt::format("socket \"{}\": give an absolute path of at most {} bytes", path, kMax));
  }
  return absl::OkStatus();
}

// 0 when somebody listens at `path`, else errno.
int Connect(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int error =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  close(fd);
  return error;
}

}  // namespace

absl::Status ClaimSocketPath(const std::string& path) {
  if (const absl::Status status = CheckPath(path); !status.ok()) return status;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST) {
    return absl::FailedPreconditionError(
        fmt::format("socket \"{}\": mkdir {}: {}", path, parent.string(), std::strerror(errno)));
  }
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return absl::FailedPreconditionError(
        fmt::format("socket \"{}\": something that is no socket is there; move it away", path));
  }
  const int error = Connect(path);
  if (error == 0) {
    return absl::AlreadyExistsError(fmt::format(
        "socket \"{}\": another process serves it; stop that one, or choose another path", path));
  }
  if (error != ECONNREFUSED || unlink(path.c_str()) != 0) {
    return absl::FailedPreconditionError(
        fmt::format("socket \"{}\": cannot be taken over: {}", path, std::strerror(error)));
  }
  return absl::OkStatus();
}

}  // namespace outrider::controller
