// Rule sets as the programs read them, and back: lossless, so that what is in force can be compared
// with what is wanted. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_RULE_CODEC_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_RULE_CODEC_H_

#include "vswitch/abi/or_abi.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// ResourceExhausted when the set has more than OR_MAX_RULES rules.
absl::StatusOr<abi::or_rule_set> EncodeRuleSet(const Digest& digest, const state::RuleSet& set);
state::RuleSet DecodeRuleSet(const abi::or_rule_set& row);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_RULE_CODEC_H_
