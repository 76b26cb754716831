// A packet by its properties: what the naive reference judges, and what real frames and the frames
// of the batch program are made from. Values; any thread.
#ifndef OUTRIDER_TESTS_BPF_DESCRIBED_PACKET_H_
#define OUTRIDER_TESTS_BPF_DESCRIBED_PACKET_H_

#include <cstdint>
#include <string>

#include "tests/bpf/acl_batch.h"
#include "tests/support/packet_builder.h"

namespace outrider::tests {

enum class Family { kIpv4, kIpv6, kArp, kRarp, kOther };
enum class Fragment { kWhole, kFirst, kLater };

// Bits of PacketDescription::extensions, as in AclMatch.Ipv6Extension from 1.
inline constexpr uint8_t kHopByHopBit = 1 << 0;
inline constexpr uint8_t kRoutingBit = 1 << 1;
inline constexpr uint8_t kFragmentBit = 1 << 2;
inline constexpr uint8_t kDestinationBit = 1 << 4;

struct PacketDescription {
  Family family = Family::kIpv4;
  MacAddress src_mac;
  MacAddress dst_mac;
  uint16_t vlan = 0;
  uint16_t other_type = 0x88b5;  // of Family::kOther
  IpAddress src;
  IpAddress dst;
  uint8_t protocol = 6;
  Fragment fragment = Fragment::kWhole;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint8_t tcp_flags = 0x10;
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  uint8_t hop_limit = 64;  // IPv6
  // IPv6 headers in front of a fragment header, bits 0 and 1 only.
  uint8_t extensions = 0;
  // IPv6: a destination options header in front of the upper layer. In a later fragment it hides
  // the protocol.
  bool destination_options = false;
};

bool IsIp(const PacketDescription& packet);
uint16_t EtherType(const PacketDescription& packet);
// The extension headers a receiver of this very packet sees.
uint8_t SeenExtensions(const PacketDescription& packet);
// A later fragment of which only the first one shows the protocol.
bool HidesProtocol(const PacketDescription& packet);
// RS, NS, NA or RA, whole and from this link.
bool IsDiscovery(const PacketDescription& packet);

// The frame; without the VLAN.
Bytes Build(const PacketDescription& packet);
// What the parser should make of it, for the batch program.
acl_case ToCase(const PacketDescription& packet);

// For messages.
std::string ToString(const PacketDescription& packet);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_DESCRIBED_PACKET_H_
