#include "vswitch/agent/state_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <thread>
#include <utility>

namespace outrider::agent {

absl::StatusOr<StateDirectory> StateDirectory::Lock(const std::string& path,
                                                    std::chrono::milliseconds patience) {
  std::error_code error;
  if (std::filesystem::create_directories(path, error)) chmod(path.c_str(), 0700);
  const std::string file = path + "/lock";
  const int fd = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus(errno, "open " + file);
  StateDirectory directory(path, fd);
  RETURN_IF_ERROR(directory.WaitForLock(patience));
  // For people only: the lock is the kernel's, and a full disk keeps nobody from starting.
  const std::string pid = fmt::format("{}\n", getpid());
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) {
    spdlog::warn("{}", Message(ErrnoStatus(errno, "write " + file)));
  }
  return directory;
}

absl::Status StateDirectory::WaitForLock(std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kInterval(20);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  bool said = false;
  while (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return ErrnoStatus(errno, "flock " + path_ + "/lock");
    if (std::chrono::steady_clock::now() >= deadline) {
      return absl::FailedPreconditionError(
          fmt::format("state directory {}: {} runs on it; stop that one, or give this one a "
                      "--state-dir, --socket and --bpffs of its own",
                      path_, Holder()));
    }
    if (!std::exchange(said, true)) {
      spdlog::warn("state directory {}: locked by {}; waiting up to {} ms for its end", path_,
                   Holder(), patience.count());
    }
    std::this_thread::sleep_for(kInterval);
  }
  return absl::OkStatus();
}

std::string StateDirectory::Holder() const {
  char text[16] = {};
  const ssize_t length = pread(fd_, text, sizeof(text) - 1, 0);
  pid_t pid = 0;
  if (length > 0) std::from_chars(text, text + length, pid);
  return pid > 0 ? fmt::format("another agent (pid {})", pid) : "another agent";
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

StateDirectory::~StateDirectory() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace outrider::agent
