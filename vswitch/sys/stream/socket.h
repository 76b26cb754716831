// Stream sockets of the kernel behind Status: made, bound and connected, never blocking. Owns their
// descriptors. Any thread.
#ifndef OUTRIDER_VSWITCH_SYS_STREAM_SOCKET_H_
#define OUTRIDER_VSWITCH_SYS_STREAM_SOCKET_H_

#include <cstdint>
#include <string>

#include "vswitch/sys/stream/stream_address.h"
#include "vswitch/types/unique_fd.h"

namespace outrider::stream {

// Makes a unix path free to listen on: nothing is taken from a server that lives. Makes missing
// parent folders (0755) and removes a socket nobody listens on. AlreadyExists, with `taken`:
// somebody does; FailedPrecondition: a file that is no socket is there; InvalidArgument: too long.
absl::Status FreeSocketPath(const std::string& path, const std::string& taken);
// Listens at a passive address. A unix path gets `mode`, missing parent folders (0755), and
// replaces a socket nobody listens on. AlreadyExists: somebody does; FailedPrecondition: a file
// that is no socket is there.
absl::StatusOr<UniqueFd> Listen(const StreamAddress& address, uint32_t mode);
// The port a listening TCP socket has.
uint16_t PortOf(int fd);
// Begins to connect; it is done, or has failed, when the socket can be written to (SocketError).
absl::StatusOr<UniqueFd> BeginConnect(const StreamAddress& address);
// What became of a connect that was begun.
absl::Status SocketError(int fd, const StreamAddress& address);
// "unix" or "tcp:127.0.0.1:40000".
std::string PeerName(int fd);

// Lets this process have as many descriptors as its hard limit allows, `wanted` at most. Returns
// how many it may have.
uint64_t RaiseDescriptorLimit(uint64_t wanted);

}  // namespace outrider::stream

#endif  // OUTRIDER_VSWITCH_SYS_STREAM_SOCKET_H_
