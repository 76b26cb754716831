#include "tests/bpf/vxlan_sender.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace outrider::tests {
namespace {

constexpr uint16_t kVxlanPort = 4789;

sockaddr_in Address(const std::string& ip, uint16_t port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, ip.c_str(), &address.sin_addr);
  return address;
}

}  // namespace

Bytes VxlanPayload(uint32_t vni, const Bytes& inner) {
  Bytes bytes(8 + inner.size());
  bytes[0] = 0x08;
  bytes[4] = static_cast<uint8_t>(vni >> 16);
  bytes[5] = static_cast<uint8_t>(vni >> 8);
  bytes[6] = static_cast<uint8_t>(vni);
  std::copy(inner.begin(), inner.end(), bytes.begin() + 8);
  return bytes;
}

Bytes MarkedVxlanPayload(uint32_t vni, uint16_t label, const Bytes& inner) {
  Bytes bytes = VxlanPayload(vni, inner);
  bytes[0] |= 0x80;
  bytes[1] = 0x08;
  bytes[2] = static_cast<uint8_t>(label >> 8);
  bytes[3] = static_cast<uint8_t>(label);
  return bytes;
}

absl::StatusOr<VxlanSender> VxlanSender::Create(const std::string& source,
                                                const std::string& target) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const sockaddr_in from = Address(source, 0);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof(from)) != 0) {
    return ErrnoStatus(errno, "bind " + source);
  }
  const sockaddr_in to = Address(target, kVxlanPort);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) != 0) {
    return ErrnoStatus(errno, "connect " + target);
  }
  return VxlanSender(std::move(fd));
}

absl::Status VxlanSender::Send(const Bytes& payload) const {
  if (send(fd_.get(), payload.data(), payload.size(), 0) < 0) return ErrnoStatus(errno, "send");
  return absl::OkStatus();
}

}  // namespace outrider::tests
