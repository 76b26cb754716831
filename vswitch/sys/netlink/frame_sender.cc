#include "vswitch/sys/netlink/frame_sender.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "vswitch/types/unique_fd.h"

namespace outrider::sys {
namespace {

class PacketSender final : public FrameSender {
 public:
  explicit PacketSender(UniqueFd fd) : fd_(std::move(fd)) {}

  absl::Status Send(const std::string& device, const std::vector<uint8_t>& frame) override {
    // By name each time: a device that came back has another index.
    ifreq request{};
    std::copy_n(device.begin(), std::min(device.size(), sizeof(request.ifr_name) - 1),
                request.ifr_name);
    if (ioctl(fd_.get(), SIOCGIFINDEX, &request) != 0) return Error("find device " + device);
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = request.ifr_ifindex;
    const ssize_t sent = sendto(fd_.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                                reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    return sent < 0 ? Error("send to device " + device) : absl::OkStatus();
  }

 private:
  static absl::Status Error(const std::string& what) {
    if (errno == ENODEV || errno == ENXIO) return absl::NotFoundError(what + ": no such device");
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENETDOWN) {
      return absl::UnavailableError(what + ": it takes no frame now");
    }
    return ErrnoStatus(errno, what);
  }

  const UniqueFd fd_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FrameSender>> FrameSender::Create() {
  // Protocol 0: it receives nothing.
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ErrnoStatus(errno, "AF_PACKET socket");
  return std::make_unique<PacketSender>(std::move(fd));
}

}  // namespace outrider::sys
