// Makes a path ready for a server to listen on: nothing is taken from a server that lives.
#ifndef OUTRIDER_VSWITCH_AGENT_UNIX_SOCKET_PATH_H_
#define OUTRIDER_VSWITCH_AGENT_UNIX_SOCKET_PATH_H_

#include <string>

#include "vswitch/types/status.h"

namespace outrider::agent {

// Makes missing parent directories (0755) and removes a socket nobody listens on. AlreadyExists: in
// use. FailedPrecondition: a file that is no socket. InvalidArgument: too long for a socket's name.
absl::Status PrepareSocketPath(const std::string& path);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_UNIX_SOCKET_PATH_H_
