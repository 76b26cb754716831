// Words of refusals: every one begins with the object it is about. For the folder's own use.
#ifndef OUTRIDER_CONTROLLER_MODEL_COMPLAINT_H_
#define OUTRIDER_CONTROLLER_MODEL_COMPLAINT_H_

#include <fmt/format.h>

#include <string>

#include "controller/model/change.h"
#include "controller/model/one_line.h"
#include "controller/model/status.h"

namespace outrider::controller {

// `segment "red"`. The name may be a peer's, and none.
template <typename T>
std::string Subject(const T& object) {
  return fmt::format("{} \"{}\"", KindName(KindOf<T>::value), OneLine(object.meta().name()));
}

// `segment "red": <format>`
template <typename T, typename... Args>
std::string Complaint(const T& object, fmt::format_string<Args...> format, Args&&... args) {
  return Subject(object) + ": " + fmt::format(format, std::forward<Args>(args)...);
}

template <typename T, typename... Args>
absl::Status Invalid(const T& object, fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(Complaint(object, format, std::forward<Args>(args)...));
}

template <typename T, typename... Args>
absl::Status Taken(const T& object, fmt::format_string<Args...> format, Args&&... args) {
  return absl::AlreadyExistsError(Complaint(object, format, std::forward<Args>(args)...));
}

template <typename T, typename... Args>
absl::Status Refused(const T& object, fmt::format_string<Args...> format, Args&&... args) {
  return absl::FailedPreconditionError(Complaint(object, format, std::forward<Args>(args)...));
}

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MODEL_COMPLAINT_H_
