// A host's own tunnel end points: at most one per address family, at least one in all. A value; any
// thread.
#ifndef OUTRIDER_VSWITCH_TYPES_VTEP_PAIR_H_
#define OUTRIDER_VSWITCH_TYPES_VTEP_PAIR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/ip_address.h"
#include "vswitch/types/status.h"

namespace outrider {

class VtepPair {
 public:
  VtepPair() = default;
  // One end point.
  explicit VtepPair(const IpAddress& address) { Of(address) = address; }

  // InvalidArgument: none, two of one family, malformed, or no unicast address of global use.
  static absl::StatusOr<VtepPair> Parse(const std::vector<std::string>& texts);

  const std::optional<IpAddress>& v4() const { return v4_; }
  const std::optional<IpAddress>& v6() const { return v6_; }
  bool Has(const IpAddress& address) const { return v4_ == address || v6_ == address; }
  // IPv4 first.
  std::vector<IpAddress> All() const;
  // "10.0.0.1, fd00::1".
  std::string ToString() const;

  // What VXLAN adds to a layer-3 packet of the guest, bytes: inner Ethernet 14, VXLAN 8, UDP 8,
  // IPv4 20 or IPv6 40 (RFC 7348). Hosts that have IPv4 use it among each other.
  uint32_t Overhead() const { return v4_ ? 50 : 70; }

  bool operator==(const VtepPair&) const = default;

 private:
  std::optional<IpAddress>& Of(const IpAddress& address) { return address.IsV4() ? v4_ : v6_; }

  std::optional<IpAddress> v4_;
  std::optional<IpAddress> v6_;
};

}  // namespace outrider

#endif  // OUTRIDER_VSWITCH_TYPES_VTEP_PAIR_H_
