#include "vswitch/sys/netlink/sysctl.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace outrider::sys {

absl::Status DisableIpv6(const std::string& device) {
  const std::string path = "/proc/sys/net/ipv6/conf/" + device + "/disable_ipv6";
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  // A kernel booted with ipv6.disable=1 has no such file and needs none.
  if (fd < 0 && errno == ENOENT) return absl::OkStatus();
  if (fd < 0) return ErrnoStatus(errno, "open " + path);
  const ssize_t written = write(fd, "1", 1);
  const int error = errno;
  close(fd);
  return written == 1 ? absl::OkStatus() : ErrnoStatus(error, "write " + path);
}

}  // namespace outrider::sys
