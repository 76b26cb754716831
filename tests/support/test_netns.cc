#include "tests/support/test_netns.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace outrider::tests {
namespace {

// struct virtio_net_hdr of <linux/virtio_net.h>, which C++ cannot include (a member named class).
struct VirtioHeader {
  uint8_t flags;
  uint8_t gso_type;
  uint16_t header_length;
  uint16_t gso_size;
  uint16_t checksum_start;
  uint16_t checksum_offset;
};
static_assert(sizeof(VirtioHeader) == 10);
constexpr uint8_t kNeedsChecksum = 1;
constexpr uint8_t kGsoTcp4 = 1;

absl::Status WriteFile(const std::string& path, const std::string& text) {
  int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "open " + path);
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  absl::Status status = written ? absl::OkStatus() : ErrnoStatus(errno, "write " + path);
  close(fd);
  return status;
}

}  // namespace

absl::Status EnterNewNetns() {
  if (unshare(CLONE_NEWNET) != 0) return ErrnoStatus(errno, "unshare network namespace");
  for (const char* scope : {"all", "default"}) {
    RETURN_IF_ERROR(
        WriteFile(std::string("/proc/sys/net/ipv6/conf/") + scope + "/disable_ipv6", "1"));
  }
  return SetLinkUp("lo", true);
}

absl::Status SetLinkUp(const std::string& name, bool up) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return ErrnoStatus(errno, "socket");
  ifreq request = {};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  absl::Status status;
  if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
    status = ErrnoStatus(errno, "get flags of " + name);
  } else {
    const int flags = up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
    request.ifr_flags = static_cast<short>(flags);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) status = ErrnoStatus(errno, "set flags of " + name);
  }
  close(fd);
  return status;
}

absl::StatusOr<std::unique_ptr<Tap>> Tap::Create(const std::string& name) {
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ErrnoStatus(errno, "open /dev/net/tun");
  std::unique_ptr<Tap> tap(new Tap(name, fd));
  ifreq request = {};
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  if (ioctl(fd, TUNSETIFF, &request) != 0) return ErrnoStatus(errno, "create tap " + name);
  if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) != 0) {
    return ErrnoStatus(errno, "set offloads of tap " + name);
  }
  tap->ifindex_ = static_cast<int>(if_nametoindex(name.c_str()));
  RETURN_IF_ERROR(SetLinkUp(name, true));
  return tap;
}

Tap::~Tap() { close(fd_); }

std::vector<uint8_t> Tap::WithHeader(const std::vector<uint8_t>& frame, const TapOffload& offload) {
  VirtioHeader header = {};
  if (offload.gso_size != 0) {
    constexpr uint16_t kTcpHeader = 20;
    constexpr uint16_t kTcpChecksum = 16;
    header.flags = kNeedsChecksum;
    header.gso_type = kGsoTcp4;
    header.header_length = offload.header_length;
    header.gso_size = offload.gso_size;
    header.checksum_start = static_cast<uint16_t>(offload.header_length - kTcpHeader);
    header.checksum_offset = kTcpChecksum;
  }
  std::vector<uint8_t> bytes(sizeof(header) + frame.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::copy(frame.begin(), frame.end(), bytes.begin() + sizeof(header));
  return bytes;
}

absl::Status Tap::Write(const std::vector<uint8_t>& bytes) {
  if (write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    return ErrnoStatus(errno, "write to tap " + name_);
  }
  return absl::OkStatus();
}

absl::Status Tap::Send(const std::vector<uint8_t>& frame, const TapOffload& offload) {
  return Write(WithHeader(frame, offload));
}

bool Tap::Discard(int timeout_ms) {
  pollfd wait = {fd_, POLLIN, 0};
  if (poll(&wait, 1, timeout_ms) <= 0) return false;
  // The kernel cuts what does not fit.
  uint8_t bytes[64];
  return read(fd_, bytes, sizeof(bytes)) > 0;
}

std::optional<Tap::Received> Tap::ReceiveWithOffload(int timeout_ms) {
  pollfd wait = {fd_, POLLIN, 0};
  if (poll(&wait, 1, timeout_ms) <= 0) return std::nullopt;
  std::vector<uint8_t> bytes(70000);
  ssize_t size = read(fd_, bytes.data(), bytes.size());
  VirtioHeader header;
  if (size < static_cast<ssize_t>(sizeof(header))) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  return Received{{bytes.begin() + sizeof(header), bytes.begin() + size}, header.gso_size};
}

std::optional<std::vector<uint8_t>> Tap::Receive(int timeout_ms) {
  auto received = ReceiveWithOffload(timeout_ms);
  if (!received) return std::nullopt;
  return received->frame;
}

}  // namespace outrider::tests
