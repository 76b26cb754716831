// The two macros of this code base, and small helpers around absl::Status. vswitch's copy: vswitch
// and controller share proto/ only.
//
// Debian's abseil has a string_view of its own: errors are built from std::string, and messages are
// taken out as std::string. Any thread.
#ifndef OUTRIDER_VSWITCH_TYPES_STATUS_H_
#define OUTRIDER_VSWITCH_TYPES_STATUS_H_

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <string>
#include <utility>

namespace outrider {

inline std::string Message(const absl::Status& status) { return std::string(status.message()); }

// The same code with `context` and ": " before the message.
inline absl::Status Annotate(const absl::Status& status, const std::string& context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), context + ": " + Message(status));
}

// Status of a failed system call: the code that fits `error` (an errno), the message
// "<what>: <ENAME> (<text>)". `what` names the call and the object.
absl::Status ErrnoStatus(int error, const std::string& what);

}  // namespace outrider

#define OUTRIDER_CONCAT_INNER(a, b) a##b
#define OUTRIDER_CONCAT(a, b) OUTRIDER_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expr)                                   \
  do {                                                          \
    if (auto outrider_status = (expr); !outrider_status.ok()) { \
      return outrider_status;                                   \
    }                                                           \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_INNER(OUTRIDER_CONCAT(outrider_or_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_INNER(tmp, lhs, expr) \
  auto tmp = (expr);                           \
  if (!tmp.ok()) return tmp.status();          \
  lhs = std::move(tmp).value()

#endif  // OUTRIDER_VSWITCH_TYPES_STATUS_H_
