// What a rule set means, written as naively as the description in objects.proto: the judge of the
// eBPF matcher. Looks at the description a packet was built from, never at the packet. Thread rule:
// values and pure functions.
#ifndef OUTRIDER_TESTS_BPF_REFERENCE_ACL_H_
#define OUTRIDER_TESTS_BPF_REFERENCE_ACL_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/packet_builder.h"
#include "vswitch/abi/or_abi.h"

namespace outrider::tests {

enum class Family { kIpv4, kIpv6, kArp, kRarp, kOther };
enum class Fragment { kWhole, kFirst, kLater };
// The switch's: ingress is from the guest.
enum class Direction { kIngress, kEgress };

struct PacketDescription {
  Family family = Family::kIpv4;
  std::string src;
  std::string dst;
  uint8_t protocol = 6;
  Fragment fragment = Fragment::kWhole;
  uint16_t src_port = 0;
  uint16_t dst_port = 0;
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  uint8_t hop_limit = 64;  // IPv6
  // IPv6: a destination options header in front of the upper layer. In a non-first fragment it
  // hides the protocol.
  bool extension = false;
};

struct RuleSetDescription {
  std::vector<abi::or_rule> rules;
  abi::or_acl_action default_action = abi::OR_ACL_DROP;
};

// From a small world, so that rules and packets often meet.
PacketDescription RandomPacket(std::mt19937& random);
RuleSetDescription RandomRuleSet(std::mt19937& random);

Bytes Build(const PacketDescription& packet, const std::string& dst_mac,
            const std::string& src_mac);
bool ReferenceAllows(const RuleSetDescription& set, const PacketDescription& packet,
                     Direction direction);

// For messages.
std::string ToString(const PacketDescription& packet);
std::string ToString(const RuleSetDescription& set);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_REFERENCE_ACL_H_
