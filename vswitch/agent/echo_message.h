// Echo requests and replies (RFC 792, RFC 4443) as Ethernet frames: what a probe asks, and what
// comes back. Knows no sockets. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_ECHO_MESSAGE_H_
#define OUTRIDER_VSWITCH_AGENT_ECHO_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::agent {

// Who asks whom; addresses of one family.
struct EchoPair {
  MacAddress from_mac;
  IpAddress from_ip;
  MacAddress to_mac;
  IpAddress to_ip;
  // Of the frame's tag; 0: none.
  uint16_t vlan = 0;
};

// Names a probe among those of its port. The identifier is on the wire what tells its replies from
// others; the token, in the payload, that nobody else made them up.
struct EchoName {
  uint16_t identifier = 0;
  uint64_t token = 0;
};

// An Ethernet frame without FCS, of 98 bytes or more. The message's own sequence number is the
// lower half of `sequence`, which is whole in the payload.
std::vector<uint8_t> EchoRequest(const EchoPair& pair, const EchoName& name, uint64_t sequence);

// Sequence of the request that the frame, without a tag, answers; nullopt: it is no whole reply to
// one of that name.
std::optional<uint64_t> SequenceOfReply(const std::vector<uint8_t>& frame, const EchoName& name);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_ECHO_MESSAGE_H_
