// One packet of every kind that the programs parse, whole and well made: what tests cut, garble and
// count. Kinds that are refused whatever their length are among them. Knows nothing of the switch.
//
// Thread rule: values.
#ifndef OUTRIDER_TESTS_BPF_SEED_PACKETS_H_
#define OUTRIDER_TESTS_BPF_SEED_PACKETS_H_

#include <string>
#include <vector>

#include "tests/support/packet_builder.h"

namespace outrider::tests {

// Who sends or gets a packet.
struct Station {
  std::string mac;
  std::string ip;
  std::string ip6;
};

struct SeedPacket {
  std::string name;
  Bytes frame;
};

// All of the following, and frames of no known kind.
std::vector<SeedPacket> AllSeeds(const Station& from, const Station& to);

// ARP and RARP, neighbour and router discovery with all their options.
std::vector<SeedPacket> NeighbourSeeds(const Station& from, const Station& to);
// IGMP and MLD of all versions, queries and reports, with and without sources.
std::vector<SeedPacket> MembershipSeeds(const Station& from);
// TCP, UDP, SCTP, ICMP and its errors with what they quote, DHCP in both directions.
std::vector<SeedPacket> TransportSeeds(const Station& from, const Station& to);
// IP options, extension headers, fragments.
std::vector<SeedPacket> HeaderSeeds(const Station& from, const Station& to);
// With one tag and more, of both types, with and without a VLAN.
std::vector<SeedPacket> TaggedSeeds(const Station& from, const Station& to);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_SEED_PACKETS_H_
