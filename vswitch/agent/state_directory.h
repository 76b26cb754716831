// The directory one agent keeps its identity and store in, and the lock that keeps a second agent
// out.
#ifndef OUTRIDER_VSWITCH_AGENT_STATE_DIRECTORY_H_
#define OUTRIDER_VSWITCH_AGENT_STATE_DIRECTORY_H_

#include <chrono>
#include <string>

#include "vswitch/types/status.h"

namespace outrider::agent {

// Movable; the lock is held until the last owner is destroyed, and by the kernel's word only: no
// file left behind by a dead agent blocks the next.
class StateDirectory {
 public:
  // How long the kernel may take to let go of what a killed agent held: its lock outlives it until
  // its last thread has ended.
  static constexpr std::chrono::milliseconds kPatience{5000};

  // Makes the directory (0700) if it is missing. FailedPrecondition, after `patience`: another
  // agent runs on it. Says so in the log when it has to wait. The file `lock` names the holder's
  // pid.
  static absl::StatusOr<StateDirectory> Lock(const std::string& path,
                                             std::chrono::milliseconds patience = kPatience);
  StateDirectory(StateDirectory&& other) noexcept;
  StateDirectory& operator=(StateDirectory&& other) = delete;
  ~StateDirectory();

  const std::string& path() const { return path_; }

 private:
  StateDirectory(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  // FailedPrecondition: another agent still runs on it at the deadline.
  absl::Status WaitForLock(std::chrono::milliseconds patience);
  // "another agent (pid 12)"; without the pid if it wrote none.
  std::string Holder() const;
  std::string path_;
  int fd_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_STATE_DIRECTORY_H_
