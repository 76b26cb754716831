// ACL rules with everything resolved: groups expanded, families settled, order decided. Shared by
// validation (does it fit?) and compute (what does the host get?), so that both mean the same.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_ACL_H_
#define OUTRIDER_CONTROLLER_MODEL_ACL_H_

#include <optional>
#include <string>
#include <vector>

#include "controller/model/model.h"
#include "outrider/v1/host_state.pb.h"

namespace outrider::controller {

// Most rules a direction may have after groups are expanded.
inline constexpr size_t kMaxCompiledRules = 128;

using AclRules = google::protobuf::RepeatedPtrField<v1::AclRule>;

// IP protocol number of "tcp", "udp", "icmp", "icmpv6", "sctp" or a decimal 1..255; 0 for empty;
// nullopt for what is neither.
std::optional<uint32_t> ProtocolNumber(const std::string& protocol);
bool HasPorts(uint32_t protocol);   // TCP, UDP, SCTP
bool IsAnyIcmp(uint32_t protocol);  // ICMP, ICMPv6

// What happens to traffic no rule matches: as given, or ALLOW in a section without rules, else
// DROP.
v1::AclAction DefaultAction(const v1::AclSection& section);

// How many compiled rules the rules make, without making them.
size_t CountCompiled(const Model& model, const AclRules& rules);

// In order of decision: priority descending, drop before allow, then as given. A rule with groups
// becomes one rule per pair of addresses of the same family; an unknown or empty group matches
// nothing.
std::vector<v1::CompiledRule> CompileRules(const Model& model, const AclRules& rules);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_ACL_H_
