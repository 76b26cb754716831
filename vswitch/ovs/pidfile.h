// The file by which Open vSwitch's tools find the switch: its pid, in a file that this process
// holds an fcntl write lock on. Owns the file.
//
// The kernel drops the lock when the process closes any descriptor of the file: nobody else here
// may open it. Thread rule: any one thread.
#ifndef OUTRIDER_VSWITCH_OVS_PIDFILE_H_
#define OUTRIDER_VSWITCH_OVS_PIDFILE_H_

#include <memory>
#include <string>

#include "vswitch/sys/stream/socket.h"
#include "vswitch/types/status.h"

namespace outrider::ovs {

class Pidfile {
 public:
  // Takes over a file that nobody holds. AlreadyExists names the process that does.
  static absl::StatusOr<std::unique_ptr<Pidfile>> Create(const std::string& path);
  // Removes it.
  ~Pidfile();
  Pidfile(const Pidfile&) = delete;
  Pidfile& operator=(const Pidfile&) = delete;

 private:
  Pidfile(std::string path, UniqueFd fd);
  const std::string path_;
  const UniqueFd fd_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_PIDFILE_H_
