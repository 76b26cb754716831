// The rules of each section of a profile, one source file each. For the folder's own use.
//
// Errors are bare ("acl ingress rule 3: ..."); the caller puts the profile in front. Pure; any
// thread.
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

absl::Status CheckAcl(const Model& model, const v1::AclSection& acl);
absl::Status CheckQos(const v1::QosSection& qos);
absl::Status CheckSecurity(const v1::SecuritySection& security);
// What the security section looks at, of a port; the caller puts the port in front.
absl::Status CheckAllowedAddresses(const v1::Port& port);

// One match of a rule: its fields by themselves, and together.
absl::Status CheckMatch(const Model& model, const v1::AclMatch& match);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_VALIDATE_SECTIONS_H_
