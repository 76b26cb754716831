// Keeps a file to one process, by flock(2) on a file beside it. The kernel lets go when the process
// ends, however it ends; the lock file stays and means nothing by itself.
//
// Any thread.
#ifndef OUTRIDER_CONTROLLER_STORE_SQLITE_FILE_LOCK_H_
#define OUTRIDER_CONTROLLER_STORE_SQLITE_FILE_LOCK_H_

#include <string>
#include <utility>

#include "controller/model/status.h"

namespace outrider::controller {

class FileLock {
 public:
  // Takes the lock without waiting. FailedPrecondition, with the holder's process id, when another
  // has it; Unavailable when the file cannot be made.
  static absl::StatusOr<FileLock> Take(const std::string& path);

  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_STORE_SQLITE_FILE_LOCK_H_
