// Taking over the path of a unix socket. Must not know what is served on it. Any thread; two
// callers of one path at the same time are a mistake.
#ifndef OUTRIDER_CONTROLLER_SERVICE_UNIX_SOCKET_H_
#define OUTRIDER_CONTROLLER_SERVICE_UNIX_SOCKET_H_

#include <absl/status/status.h>

#include <string>

namespace outrider::controller {

// Makes sure that `path` can be bound: makes its folder (0755 less the umask) when missing, and
// removes a socket nobody listens on. ALREADY_EXISTS when somebody does; FAILED_PRECONDITION when
// something else than a socket is there; INVALID_ARGUMENT when the path is not absolute or too
// long.
absl::Status ClaimSocketPath(const std::string& path);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_UNIX_SOCKET_H_
