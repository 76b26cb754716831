// A profile as hosts get it: rule sets without names, an explicit policer. Internal to compute.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_COMPILE_PROFILE_H_
#define OUTRIDER_CONTROLLER_COMPUTE_COMPILE_PROFILE_H_

#include <optional>

#include "controller/model/model.h"
#include "outrider/v1/host_state.pb.h"

namespace outrider::controller {

struct CompiledProfile {
  // Absent: everything is allowed. Digests are set.
  std::optional<v1::RuleSet> ingress;
  std::optional<v1::RuleSet> egress;
  // Absent: no limit. burst_kb is explicit.
  std::optional<v1::Policer> ingress_policer;
  bool mac_anti_spoof = true;
};

CompiledProfile CompileProfile(const Model& model, const v1::Profile& profile);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_COMPILE_PROFILE_H_
