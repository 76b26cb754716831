// What a rule set means, written as naively as the description in objects.proto: the judge of the
// eBPF matcher. Looks at the description a packet was built from, never at the packet. Thread rule:
// values and pure functions.
#ifndef OUTRIDER_TESTS_BPF_REFERENCE_ACL_H_
#define OUTRIDER_TESTS_BPF_REFERENCE_ACL_H_

#include <cstdint>
#include <set>
#include <string>

#include "tests/bpf/described_packet.h"
#include "vswitch/state/host_state.h"

namespace outrider::tests {

using GroupMembers = std::set<state::GroupMember>;

struct ReferenceVerdict {
  state::AclAction action = state::AclAction::kDrop;
  // Place of the rule from 1; 0: none of them decided.
  uint32_t rule = 0;
  bool allows() const {
    return action == state::AclAction::kAllow || action == state::AclAction::kAllowRelated;
  }
};

ReferenceVerdict Judge(const state::RuleSet& set, const GroupMembers& groups,
                       const PacketDescription& packet);

// For messages.
std::string ToString(const state::AclRule& rule);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_REFERENCE_ACL_H_
