// A profile's rules as hosts get them: rule sets that name groups by key. See profile_compiler.h
// for how to have one, compile_policy.h for the rest of a profile.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_COMPILE_PROFILE_H_
#define OUTRIDER_CONTROLLER_COMPUTE_COMPILE_PROFILE_H_

#include <optional>
#include <set>
#include <string>

#include "outrider/v1/host_state.pb.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller {

struct CompiledProfile {
  // Absent: everything is allowed. Digests are set.
  std::optional<v1::RuleSet> ingress;
  std::optional<v1::RuleSet> egress;
  // Keys of the groups the rule sets name (groups.h).
  std::set<std::string> groups;
  bool keep_established = false;
  // 0: no rule is stateful.
  uint32_t max_connections = 0;
};

// `effective`: with what the profile inherits. The result depends on nothing else, so a change of a
// group's members changes no rule set.
CompiledProfile CompileProfile(const v1::Profile& effective);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_COMPILE_PROFILE_H_
