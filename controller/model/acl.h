// ACL rules as hosts get them: names of groups become keys, families are settled, order is decided.
// Shared by validation and compute, so that both mean the same.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_ACL_H_
#define OUTRIDER_CONTROLLER_MODEL_ACL_H_

#include <optional>
#include <string>
#include <vector>

#include "outrider/v1/host_state.pb.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller {

// Most rules a direction may have. Groups count as one.
inline constexpr int kMaxRules = 10'240;
inline constexpr uint32_t kDefaultLogRate = 10;
inline constexpr uint32_t kDefaultMaxConnections = 16'384;

using AclRules = google::protobuf::RepeatedPtrField<v1::AclRule>;

// IP protocol number of "tcp", "udp", "icmp", "icmpv6", "sctp" or a decimal 1..255; 0 for empty;
// nullopt for what is neither.
std::optional<uint32_t> ProtocolNumber(const std::string& protocol);
bool HasPorts(uint32_t protocol);   // TCP, UDP, SCTP
bool IsAnyIcmp(uint32_t protocol);  // ICMP, ICMPv6

// What happens to traffic no rule matches: as given, or ALLOW in a section without rules, else
// DROP.
v1::AclAction DefaultAction(const v1::AclSection& section);

// Connections a port under this section may hold: as given or the default; 0 when no rule is
// stateful, because then there are none.
uint32_t MaxConnections(const v1::AclSection& section);

// In order of decision: priority descending, then drop, reject, allow, then as given. One rule for
// each of `rules`; `number` is its place among them. What cannot be parsed was refused at the
// write.
std::vector<v1::CompiledRule> CompileRules(const AclRules& rules);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_ACL_H_
