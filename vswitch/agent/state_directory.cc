#include "vswitch/agent/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace outrider::agent {

absl::StatusOr<StateDirectory> StateDirectory::Lock(const std::string& path) {
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) chmod(path.c_str(), 0700);
  const std::string file = path + "/lock";
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "open " + file);
  StateDirectory directory(path, fd);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return directory;
  if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "flock " + file);
  return absl::FailedPreconditionError(
      fmt::format("state directory {}: another agent runs on it; stop that one, or give this one a "
                  "--state-dir, --socket and --bpffs of its own",
                  path));
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

StateDirectory::~StateDirectory() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace outrider::agent
