#include "tests/sys/stream/recording_handler.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace outrider::stream {

bool DriveUntil(PollLoop* loop, const std::function<bool()>& so) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!so()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    loop->RunOnce(std::chrono::milliseconds(10));
  }
  return true;
}

int ConnectUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace outrider::stream
