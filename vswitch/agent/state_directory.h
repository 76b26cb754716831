// The directory one agent keeps its identity and store in, and the lock that keeps a second agent
// out.
#ifndef OUTRIDER_VSWITCH_AGENT_STATE_DIRECTORY_H_
#define OUTRIDER_VSWITCH_AGENT_STATE_DIRECTORY_H_

#include <string>

#include "vswitch/types/status.h"

namespace outrider::agent {

// Movable; the lock is held until the last owner is destroyed, and by the kernel's word only: no
// file left behind by a dead agent blocks the next.
class StateDirectory {
 public:
  // Makes the directory (0700) if it is missing. FailedPrecondition: another agent runs on it.
  static absl::StatusOr<StateDirectory> Lock(const std::string& path);
  StateDirectory(StateDirectory&& other) noexcept;
  StateDirectory& operator=(StateDirectory&& other) = delete;
  ~StateDirectory();

  const std::string& path() const { return path_; }

 private:
  StateDirectory(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_STATE_DIRECTORY_H_
