// ACL rules in OpenFlow's words: which matches together are one rule. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_OVS_OPENFLOW_ACL_H_
#define OUTRIDER_VSWITCH_OVS_OPENFLOW_ACL_H_

#include <map>
#include <string>
#include <vector>

#include "vswitch/state/host_state.h"
#include "vswitch/sys/openflow/flow.h"

namespace outrider::ovs {

// The prefixes of a group, by its name.
using GroupPrefixes = std::map<std::string, std::vector<IpPrefix>>;
GroupPrefixes GroupsOf(const state::HostState& state);

// Most matches that stand for one rule; beyond, what multiplies most is left out and said in words.
inline constexpr size_t kMostMatchesPerRule = 256;

struct RuleMatches {
  // Frames that match one of them match the rule. None: the rule can match nothing.
  std::vector<openflow::Match> matches = {};
  // What of the rule is not in `matches`: "group address/web". Empty: all is.
  std::string in_words = {};
  // Decides about ARP, or about neighbour and router discovery, which pass otherwise.
  bool names_arp = false;
  bool names_discovery = false;
};
RuleMatches MatchesOf(const state::AclRule& rule, const GroupPrefixes& groups);

// A range of layer-4 ports as values and masks, at most 30.
struct MaskedPort {
  uint16_t value = 0, mask = 0xffff;
  bool operator==(const MaskedPort&) const = default;
};
std::vector<MaskedPort> MaskedPorts(const state::PortRange& range);

// The flows of a list: `where` is what each of them matches besides (the port), `next` where what
// is allowed goes on. `number` of the cookie is the rule's. Counts are put in by the caller.
struct AclFlows {
  uint8_t table = 0;
  uint8_t next = 0;
  openflow::Match where = {};
  // Cookie without the rule's number.
  uint64_t cookie = 0;
};
struct AclFlow {
  openflow::FlowStats flow = {};
  // By which the rule is counted, and whether this flow carries its count: the first of a rule.
  uint32_t number = 0;
  bool counts = false;
};
std::vector<AclFlow> RenderRuleSet(const state::RuleSet& set, const GroupPrefixes& groups,
                                   const AclFlows& place);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OPENFLOW_ACL_H_
