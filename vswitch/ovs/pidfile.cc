#include "vswitch/ovs/pidfile.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace outrider::ovs {
namespace {

// Of all the file.
struct flock WriteLock() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

// Whether `path` still is the file that is open: its last owner may have removed it meanwhile.
bool IsStillAt(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named {};
  return fstat(fd, &open_file) == 0 && stat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

absl::Status Held(int fd, const std::string& path) {
  struct flock lock = WriteLock();
  const bool known = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  return absl::AlreadyExistsError(
      fmt::format("pidfile \"{}\": process {} holds it; stop that switch, or use another run "
                  "directory",
                  path, known ? std::to_string(lock.l_pid) : "?"));
}

absl::Status WritePid(int fd, const std::string& path) {
  const std::string text = fmt::format("{}\n", getpid());
  // First the new text, then the end of a longer old one: a reader never finds it empty.
  if (pwrite(fd, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()) ||
      ftruncate(fd, static_cast<off_t>(text.size())) != 0) {
    return ErrnoStatus(errno, "write " + path);
  }
  return absl::OkStatus();
}

}  // namespace

Pidfile::Pidfile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

absl::StatusOr<std::unique_ptr<Pidfile>> Pidfile::Create(const std::string& path) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  // Twice, should the last owner remove it between the two steps.
  for (int i = 0; i < 3; ++i) {
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd.valid()) return ErrnoStatus(errno, "open " + path);
    struct flock lock = WriteLock();
    if (fcntl(fd.get(), F_SETLK, &lock) != 0) {
      if (errno == EACCES || errno == EAGAIN) return Held(fd.get(), path);
      return ErrnoStatus(errno, "lock " + path);
    }
    if (!IsStillAt(fd.get(), path)) continue;
    RETURN_IF_ERROR(WritePid(fd.get(), path));
    return std::unique_ptr<Pidfile>(new Pidfile(path, std::move(fd)));
  }
  return absl::UnavailableError(fmt::format("pidfile \"{}\": others keep replacing it", path));
}

Pidfile::~Pidfile() {
  // While the lock is held: nobody else has it.
  if (IsStillAt(fd_.get(), path_)) unlink(path_.c_str());
}

}  // namespace outrider::ovs
