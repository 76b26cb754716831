// An owned file descriptor: closed once, moved, never copied. Knows nothing of what it refers to.
// Thread rule: a value; one owner.
#ifndef OUTRIDER_VSWITCH_TYPES_UNIQUE_FD_H_
#define OUTRIDER_VSWITCH_TYPES_UNIQUE_FD_H_

#include <unistd.h>

#include <utility>

namespace outrider {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~UniqueFd() { Reset(); }

  // -1 when empty.
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Reset() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

}  // namespace outrider

#endif  // OUTRIDER_VSWITCH_TYPES_UNIQUE_FD_H_
