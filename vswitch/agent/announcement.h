// Frames that tell a physical network where a guest is now, in the guest's name: its switches learn
// the port, its stations the MAC. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_ANNOUNCEMENT_H_
#define OUTRIDER_VSWITCH_AGENT_ANNOUNCEMENT_H_

#include <cstdint>
#include <vector>

#include "vswitch/types/ids.h"
#include "vswitch/types/ip_address.h"

namespace outrider::agent {

// An Ethernet frame without FCS, of 60 bytes at least beside the tag.
using Frame = std::vector<uint8_t>;

// A reverse ARP request (RFC 903) as hypervisors announce guests: it says nothing but the MAC.
// `vlan` 0: no tag; so below.
Frame ReverseArp(const MacAddress& mac, uint16_t vlan);

// An address the MAC has: for IPv4 an ARP announcement (RFC 5227, 3), for IPv6 an unsolicited
// neighbor advertisement with the override flag (RFC 4861, 7.2.6).
Frame AddressAnnouncement(const MacAddress& mac, const IpAddress& ip, uint16_t vlan);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_ANNOUNCEMENT_H_
