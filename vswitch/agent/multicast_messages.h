// What guests and routers say about multicast groups: IGMPv1 (RFC 1112), v2 (RFC 2236) and v3 (RFC
// 3376), MLDv1 (RFC 2710) and v2 (RFC 3810), and the queries this host asks guests with. Knows no
// ports and no time. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_MULTICAST_MESSAGES_H_
#define OUTRIDER_VSWITCH_AGENT_MULTICAST_MESSAGES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "vswitch/types/ip_address.h"

namespace outrider::agent {

enum class IpFamily : uint8_t { kV4, kV6 };

struct MembershipRecord {
  IpAddress group;
  // Whether the sender wants the group's packets from anybody. False: it left.
  bool joined = false;
  bool operator==(const MembershipRecord&) const = default;
};

struct MulticastMessage {
  IpFamily family = IpFamily::kV4;
  // A router's question. Those of switches, which have no address of their own, are none.
  bool is_query = false;
  // It asks for all groups, so that guests need not be asked here.
  bool is_general = false;
  // Of reports and leaves; without link-local groups, which everybody gets.
  std::vector<MembershipRecord> records;
  bool operator==(const MulticastMessage&) const = default;
};

// Reads a packet from its IP header on. InvalidArgument says what is wrong with it: lengths that do
// not fit, a checksum, a group that is none, MLD that is not from the link. A v3 or v2 report that
// was cut off counts as far as it is there.
absl::StatusOr<MulticastMessage> ParseMulticastMessage(std::span<const uint8_t> packet);

// A query as an Ethernet frame, untagged: general without a group, else whether anybody is left in
// it. From 0.0.0.0, or from a link-local address that loses every querier election to a router.
std::vector<uint8_t> GeneralQuery(IpFamily family);
std::vector<uint8_t> GroupQuery(const IpAddress& group);

// Seconds, RFC 3376, 8.2, and RFC 3810, 9.2.
inline constexpr int kQueryIntervalS = 125;

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MULTICAST_MESSAGES_H_
