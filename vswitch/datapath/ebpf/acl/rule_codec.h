// The rules of an image as they were given, and back: lossless, so that what is in force can be
// compared with what is wanted. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_CODEC_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_CODEC_H_

#include <cstdint>
#include <span>
#include <vector>

#include "vswitch/abi/or_acl.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

abi::or_acl_action EncodeAction(state::AclAction action);
// Drop for what is no rule's action.
state::AclAction DecodeAction(uint64_t action);

// struct or_rule per rule, then the names of the groups.
std::vector<uint8_t> EncodeRules(const std::vector<state::AclRule>& rules);

// A set as read back from its image.
struct LoadedRuleSet {
  Digest digest;
  state::RuleSet set;
};
// DataLoss when the bytes are not an image.
absl::StatusOr<LoadedRuleSet> DecodeImage(std::span<const uint8_t> image);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_RULE_CODEC_H_
