#include "vswitch/datapath/ebpf/guest_sender.h"

#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <cerrno>

#include "vswitch/types/unique_fd.h"

namespace outrider::datapath::ebpf {
namespace {

absl::Status NotThere(uint32_t index, uint32_t vni) {
  return absl::NotFoundError(fmt::format("port index {}: not active in segment {}", index, vni));
}

// 0, or errno.
int SendMarked(uint32_t ifindex, uint32_t mark, const std::vector<uint8_t>& frame) {
  const UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  if (!fd.valid() || setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) {
    return errno;
  }
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(ifindex);
  const ssize_t sent = sendto(fd.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                              reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  return sent < 0 ? errno : 0;
}

}  // namespace

absl::StatusOr<uint32_t> GuestTag(const DatapathMaps& maps, uint32_t index,
                                  const abi::or_port& port, uint32_t vni) {
  if (port.vlan_mode == abi::OR_VLAN_ACCESS || port.vlan_mode == abi::OR_VLAN_DOT1Q_TUNNEL) {
    if (port.vni != vni) return NotThere(index, vni);
    return 0;
  }
  return maps.vlan_tags.Lookup({.map = port.vlan_map, .vni = vni});
}

absl::Status SendToGuest(const DatapathMaps& maps, uint32_t index, uint32_t vni,
                         std::vector<uint8_t> frame) {
  ASSIGN_OR_RETURN(const abi::or_port port, maps.ports.Lookup(index));
  if (port.phase != abi::OR_PORT_ACTIVE || port.ifindex == 0) return NotThere(index, vni);
  ASSIGN_OR_RETURN(const uint32_t tag, GuestTag(maps, index, port, vni));
  if (tag != 0) {
    const uint8_t header[] = {ETH_P_8021Q >> 8, ETH_P_8021Q & 0xff, static_cast<uint8_t>(tag >> 8),
                              static_cast<uint8_t>(tag)};
    frame.insert(frame.begin() + 2 * ETH_ALEN, std::begin(header), std::end(header));
  }
  const int error = SendMarked(port.ifindex, OR_MARK_MAGIC | index, frame);
  if (error == 0) return absl::OkStatus();
  return ErrnoStatus(error, fmt::format("send to port index {}", index));
}

absl::StatusOr<InjectionPoint> InjectionPointOf(const DatapathMaps& maps, uint32_t index) {
  ASSIGN_OR_RETURN(const abi::or_port port, maps.ports.Lookup(index));
  if (port.phase != abi::OR_PORT_ACTIVE || port.ifindex == 0) {
    return absl::FailedPreconditionError("it forwards nothing here");
  }
  if (port.vni == 0) return absl::NotFoundError("it has no segment without a VLAN");
  ASSIGN_OR_RETURN(const uint32_t tag, GuestTag(maps, index, port, port.vni));
  return InjectionPoint{.ifindex = port.ifindex,
                        .mark = OR_MARK_FROM_GUEST | index,
                        .vlan = static_cast<uint16_t>(tag)};
}

}  // namespace outrider::datapath::ebpf
