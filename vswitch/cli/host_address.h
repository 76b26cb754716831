// Where a host of a connection's name is: numbers as they stand, names looked up.
//
// Thread rule: any thread; a look-up blocks.
#ifndef OUTRIDER_VSWITCH_CLI_HOST_ADDRESS_H_
#define OUTRIDER_VSWITCH_CLI_HOST_ADDRESS_H_

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <vector>

#include "vswitch/types/status.h"

namespace outrider::cli {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// At least one, in the order to try. Unavailable: there is no such host; the message is the word of
// the system that Open vSwitch's tools say then.
absl::StatusOr<std::vector<SocketAddress>> FindHost(const std::string& host, uint16_t port);

}  // namespace outrider::cli

#endif  // OUTRIDER_VSWITCH_CLI_HOST_ADDRESS_H_
