// An owned file descriptor: closed once, moved, never copied. Knows nothing of what it refers to.
// Thread rule: a value; one owner.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_UNIQUE_FD_H_
#define OUTRIDER_VSWITCH_SYS_BPF_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace outrider::sys {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd() {
    if (fd_ >= 0) close(fd_);
  }

  // -1 when empty.
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_UNIQUE_FD_H_
