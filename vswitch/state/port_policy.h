// What a port's profile says beside its segment and rules: rates, marking, and the addresses the
// guest may use. Values; any thread.
#ifndef OUTRIDER_VSWITCH_STATE_PORT_POLICY_H_
#define OUTRIDER_VSWITCH_STATE_PORT_POLICY_H_

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::state {

// Rate limit of wire bytes and of wire frames; both hold. A rate of 0: none of that kind.
struct Policer {
  uint64_t rate_kbps = 0;
  // Kilobits.
  uint64_t burst_kb = 0;
  uint64_t rate_pps = 0;
  uint64_t burst_packets = 0;
  auto operator<=>(const Policer&) const = default;
};

// Limits of what the guest sends to many.
struct StormControl {
  Policer broadcast;
  Policer multicast;
  // Unicast that the segment floods.
  Policer unknown_unicast;
  auto operator<=>(const StormControl&) const = default;
};

// Differentiated services (RFC 2474) of what the guest sends; code points 0..63.
struct DscpPolicy {
  // Set in the guest's packet; absent: trusted.
  std::optional<uint8_t> mark;
  // In the tunnel's header; absent: the guest's.
  std::optional<uint8_t> outer;
  bool operator==(const DscpPolicy&) const = default;
};

// Rate of delivery to the guest: frames wait. max 0: none.
struct Shaper {
  uint64_t min_kbps = 0;
  uint64_t max_kbps = 0;
  // Kilobits.
  uint64_t burst_kb = 0;
  bool operator==(const Shaper&) const = default;
};

// A MAC and the addresses that may be used with it; none: for what has no IP address.
struct AllowedAddress {
  MacAddress mac;
  std::vector<IpPrefix> prefixes;
  auto operator<=>(const AllowedAddress&) const = default;
};

// Most rows, MACs and prefixes together, that a port's list of allowed addresses may have.
inline constexpr size_t kMaxAllowedRows = 4096;

// Bare; the caller puts the port in front.
absl::Status Validate(const DscpPolicy& dscp);
absl::Status Validate(const Shaper& shaper);
absl::Status Validate(const std::vector<AllowedAddress>& allowed);

}  // namespace outrider::state

#endif  // OUTRIDER_VSWITCH_STATE_PORT_POLICY_H_
