#include "vswitch/sys/netlink/device_offloads.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "vswitch/types/status.h"

namespace outrider::sys {

absl::StatusOr<bool> TakesChecksums(const std::string& device) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return ErrnoStatus(errno, "socket for the features of " + device);
  ethtool_value value{.cmd = ETHTOOL_GTXCSUM, .data = 0};
  ifreq request{};
  std::strncpy(request.ifr_name, device.c_str(), sizeof(request.ifr_name) - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  const int error = ioctl(fd, SIOCETHTOOL, &request) == 0 ? 0 : errno;
  close(fd);
  if (error == ENODEV) return absl::NotFoundError("device \"" + device + "\" does not exist");
  if (error != 0) return ErrnoStatus(error, "features of " + device);
  return value.data != 0;
}

}  // namespace outrider::sys
