// Rule set -> image: what the programs match frames with (vswitch/abi/or_acl.h has the format and
// the method). Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_COMPILER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_COMPILER_H_

#include <map>
#include <string>
#include <vector>

#include "vswitch/abi/or_acl.h"
#include "vswitch/datapath/ebpf/acl/rule_bitmap.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// ResourceExhausted, naming the limit, when the set has more than OR_MAX_RULES rules or its image
// more than OR_ACL_MAX_LINES lines.
absl::StatusOr<std::vector<abi::or_acl_line>> CompileRuleSet(const Digest& digest,
                                                             const state::RuleSet& set);

// The rules that name a group, by its name.
struct GroupRules {
  std::map<std::string, RuleBitmap> source;
  std::map<std::string, RuleBitmap> destination;
};
GroupRules FindGroupRules(const state::RuleSet& set);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ACL_COMPILER_H_
