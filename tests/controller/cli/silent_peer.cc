#include "tests/controller/cli/silent_peer.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace outrider::controller::cli {
namespace {

constexpr int kMostWaiting = 16;

}  // namespace

SilentPeer::SilentPeer(const std::string& path, bool full) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  const auto* address = reinterpret_cast<const sockaddr*>(&name);
  const auto open = [this] {
    descriptors_.push_back(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return descriptors_.back();
  };
  const int listener = open();
  if (bind(listener, address, sizeof(name)) != 0 ||
      listen(listener, full ? 0 : kMostWaiting) != 0) {
    problem_ = path + ": " + std::strerror(errno);
  }
  if (!problem_.empty() || !full) return;
  for (int n = 0; n < kMostWaiting; ++n) {
    if (connect(open(), address, sizeof(name)) != 0) {
      if (errno != EAGAIN) problem_ = path + ": connect: " + std::strerror(errno);
      return;
    }
  }
  problem_ = path + ": there is always room";
}

SilentPeer::~SilentPeer() {
  for (const int descriptor : descriptors_) close(descriptor);
}

}  // namespace outrider::controller::cli
