#include "controller/pki/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "controller/model/status.h"

namespace outrider::controller {
namespace {

absl::Status FileError(const std::string& call, const std::string& path, int error) {
  return absl::InternalError(fmt::format("{} {}: {}", call, path, std::strerror(error)));
}

absl::Status WriteAll(int fd, const std::string& path, const std::string& contents) {
  size_t done = 0;
  while (done < contents.size()) {
    const ssize_t n = write(fd, contents.data() + done, contents.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FileError("write", path, errno);
    done += static_cast<size_t>(n);
  }
  if (fsync(fd) != 0) return FileError("fsync", path, errno);
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError("open", directory, errno);
  const int failed = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return failed == 0 ? absl::OkStatus() : FileError("fsync", directory, failed);
}

}  // namespace

absl::Status WriteFileDurably(const std::string& path, const std::string& contents, mode_t mode) {
  const std::string temporary = path + ".new";
  // A leftover of a crash may have another mode; O_EXCL makes sure ours is the file's.
  unlink(temporary.c_str());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return FileError("create", temporary, errno);
  const absl::Status written = WriteAll(fd, temporary, contents);
  close(fd);
  RETURN_IF_ERROR(written);
  if (rename(temporary.c_str(), path.c_str()) != 0) return FileError("rename to", path, errno);
  return SyncDirectory(std::filesystem::path(path).parent_path().string());
}

absl::StatusOr<std::optional<std::string>> ReadFileIfExists(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (error) return FileError("stat", path, error.value());
    return std::optional<std::string>();
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream contents;
  contents << in.rdbuf();
  if (!in) return FileError("read", path, errno);
  return std::optional<std::string>(contents.str());
}

absl::Status CheckPrivate(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return FileError("stat", path, errno);
  if ((info.st_mode & 077) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "{}: mode {:04o} lets others than its owner in; chmod 600 it, and think about who "
      "may have read it",
      path, info.st_mode & 07777));
}

}  // namespace outrider::controller
