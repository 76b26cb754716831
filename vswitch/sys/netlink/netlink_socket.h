// Links and addresses of one network namespace over rtnetlink: the only place that speaks it. Knows
// nothing of ports, segments or eBPF.
//
// The namespace is that of the thread that called Create(), for the socket's whole life.
// Thread rule: one thread at a time; sockets are independent of each other.
#ifndef OUTRIDER_VSWITCH_SYS_NETLINK_NETLINK_SOCKET_H_
#define OUTRIDER_VSWITCH_SYS_NETLINK_NETLINK_SOCKET_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"
#include "vswitch/types/vtep_pair.h"

namespace outrider::sys {

// A network device as the kernel reports it.
struct Link {
  std::string name;
  int ifindex = 0;
  // Kind of a virtual device: "veth", "tun", "vxlan"; empty for a physical one and for loopback.
  std::string kind;
  // Layer-3 MTU, bytes.
  uint32_t mtu = 0;
  // As configured (IFF_UP), and whether frames can pass (IFF_LOWER_UP).
  bool admin_up = false;
  bool carrier = false;
  bool loopback = false;
  // As configured (IFF_PROMISC): receives frames for whatever MAC.
  bool promiscuous = false;
  // Of a veth: its other end is in another network namespace (IFLA_LINK_NETNSID).
  bool peer_elsewhere = false;
  MacAddress mac;
  bool operator==(const Link&) const = default;
};

struct LinkAddress {
  int ifindex = 0;
  IpAddress address;
  bool operator==(const LinkAddress&) const = default;
};

// A `vxlan external gbp` device: tunnel key and group policy per frame from metadata, one per UDP
// port and namespace.
struct VxlanDevice {
  std::string name;
  // UDP port, host byte order.
  uint16_t port = 4789;
  uint32_t mtu = 0;
  bool operator==(const VxlanDevice&) const = default;
};

// Seam: the real one is Create(); tests of policy use a fake.
class NetlinkSocket {
 public:
  virtual ~NetlinkSocket() = default;

  // The kernel's rtnetlink, in the calling thread's network namespace.
  static absl::StatusOr<std::unique_ptr<NetlinkSocket>> Create();

  // NotFound names the device.
  virtual absl::StatusOr<Link> FindLink(const std::string& name) = 0;
  virtual absl::StatusOr<Link> FindLink(int ifindex) = 0;
  virtual absl::StatusOr<std::vector<Link>> ListLinks() = 0;
  virtual absl::StatusOr<std::vector<LinkAddress>> ListAddresses() = 0;

  // Makes `device` exist as described, down or up as it was: creates it (learning off), or sets the
  // MTU of an existing one; one without group policies is made anew. An existing device of the name
  // that is no external vxlan on that UDP port without learning is AlreadyExists, never replaced:
  // it may be somebody else's. Returns the link.
  virtual absl::StatusOr<Link> EnsureVxlan(const VxlanDevice& device) = 0;
  virtual absl::Status DeleteLink(int ifindex) = 0;
  virtual absl::Status SetMtu(int ifindex, uint32_t mtu) = 0;
  virtual absl::Status SetUp(int ifindex, bool up) = 0;
  // Outlives the process.
  virtual absl::Status SetPromiscuous(int ifindex, bool promiscuous) = 0;
};

// The device that holds `vtep`. FailedPrecondition with a remedy when no device has the address.
absl::StatusOr<Link> FindVtepDevice(NetlinkSocket* netlink, const IpAddress& vtep);

// The MTU of the underlay below `vteps`: `configured` when not 0, else the least of the devices
// that hold the addresses. FailedPrecondition for a loopback VTEP without a configured value:
// loopback's MTU says nothing about the fabric.
absl::StatusOr<uint32_t> UnderlayMtu(NetlinkSocket* netlink, const VtepPair& vteps,
                                     uint32_t configured);

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_NETLINK_NETLINK_SOCKET_H_
