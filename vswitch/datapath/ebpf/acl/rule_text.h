// A rule in words, for people: "drop tcp from 10.0.0.0/8 to group address/web port 22". Pure; any
// thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_TEXT_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_TEXT_H_

#include <string>

#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// "tcp", "udp", "icmp", "icmpv6", "sctp", else the number.
std::string ProtocolText(uint8_t protocol);
// "SYN,ACK"; "none".
std::string TcpFlagsText(uint8_t flags);

// Everything the rule names, but its number and its log.
std::string RuleText(const state::AclRule& rule);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_TEXT_H_
