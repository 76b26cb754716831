// What a profile would change if it were put in force: which ports, on which hosts, and how.
// Changes nothing.
//
// Pure; any thread (the model must not change meanwhile).
#ifndef OUTRIDER_CONTROLLER_COMPUTE_DRY_RUN_H_
#define OUTRIDER_CONTROLLER_COMPUTE_DRY_RUN_H_

#include "controller/model/model.h"
#include "controller/model/status.h"
#include "outrider/v1/api.pb.h"

namespace outrider::controller {

// Most lines about one port; one more says how many were left out.
inline constexpr size_t kMaxDryRunLines = 20;

// Errors as of Validate: what would be refused is refused here. A port counts as changed when a
// host could tell: another comment on a rule changes nothing.
absl::StatusOr<v1::DryRunProfileResponse> DryRunProfile(const Model& model, v1::Profile candidate);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_DRY_RUN_H_
