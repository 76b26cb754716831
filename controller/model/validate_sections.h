// The rules of each section of a profile, one source file each. For the folder's own use.
//
// Errors are bare ("acl ingress rule 3: ..."); the caller puts the profile in front. What this
// release does not enforce is refused, so that nobody relies on it. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_MODEL_VALIDATE_SECTIONS_H_
#define OUTRIDER_CONTROLLER_MODEL_VALIDATE_SECTIONS_H_

#include <fmt/format.h>

#include "controller/model/model.h"
#include "controller/model/status.h"

namespace outrider::controller {

// Longest free text of a user, bytes.
inline constexpr size_t kMaxText = 255;

template <typename... Args>
absl::Status Wrong(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<Args>(args)...));
}

// For a field that is in the contract and that no datapath enforces yet.
inline absl::Status NotYet(const char* field) {
  return Wrong("{} is not enforced by this release; remove it", field);
}

absl::Status CheckAcl(const Model& model, const v1::AclSection& acl);
absl::Status CheckQos(const v1::QosSection& qos);
absl::Status CheckSecurity(const v1::SecuritySection& security);

// One match of a rule: its fields by themselves, and together.
absl::Status CheckMatch(const Model& model, const v1::AclMatch& match);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_VALIDATE_SECTIONS_H_
