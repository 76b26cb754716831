#include "vswitch/sys/bpf/bpffs.h"

#include <bpf/bpf.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace outrider::sys {
namespace {

namespace fs = std::filesystem;

constexpr char kSystemMount[] = "/sys/fs/bpf";

bool IsBpffs(const fs::path& path) {
  struct statfs info;
  return statfs(path.c_str(), &info) == 0 &&
         static_cast<uint64_t>(info.f_type) == uint64_t{BPF_FS_MAGIC};
}

fs::path NearestExisting(fs::path path) {
  std::error_code ignored;
  while (path.has_parent_path() && path != path.parent_path() && !fs::exists(path, ignored)) {
    path = path.parent_path();
  }
  return path;
}

absl::Status MakeDirectories(const fs::path& dir) {
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) return ErrnoStatus(error.value(), "mkdir " + dir.string());
  return absl::OkStatus();
}

absl::Status MountBpffs(const fs::path& target) {
  if (mount("bpf", target.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0) {
    return ErrnoStatus(errno, "mount bpffs on " + target.string());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status EnsureBpffs(const std::string& dir) {
  const fs::path path = fs::absolute(dir).lexically_normal();
  if (IsBpffs(NearestExisting(path))) return MakeDirectories(path);
  if (path.string().starts_with(kSystemMount)) {
    RETURN_IF_ERROR(MountBpffs(kSystemMount));
    return MakeDirectories(path);
  }
  RETURN_IF_ERROR(MakeDirectories(path));
  return MountBpffs(path);
}

absl::StatusOr<UniqueFd> OpenPin(const std::string& path) {
  UniqueFd fd(bpf_obj_get(path.c_str()));
  if (fd.get() < 0) return ErrnoStatus(errno, "open pin " + path);
  return fd;
}

absl::Status Pin(int fd, const std::string& path) {
  if (int error = -bpf_obj_pin(fd, path.c_str()); error != 0) {
    return ErrnoStatus(error, "pin " + path);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListPins(const std::string& dir) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator it(dir, error);
  if (error == std::errc::no_such_file_or_directory) return names;
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return ErrnoStatus(error.value(), "list pins in " + dir);
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status Unpin(const std::string& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) return ErrnoStatus(error.value(), "remove pin " + path);
  return absl::OkStatus();
}

absl::Status RemovePins(const std::string& dir) {
  std::error_code error;
  if (!fs::exists(dir, error)) return absl::OkStatus();
  if (!IsBpffs(dir)) {
    return absl::FailedPreconditionError("remove pins in " + dir + ": is not on a bpffs");
  }
  fs::remove_all(dir, error);
  // The mount point itself stays: it is busy.
  if (error && error != std::errc::device_or_resource_busy) {
    return ErrnoStatus(error.value(), "remove pins in " + dir);
  }
  return absl::OkStatus();
}

}  // namespace outrider::sys
