// The one line of `outrider host enroll` that makes this machine a host: "or1." and the base64url
// form (RFC 4648 section 5) of a JSON object with v, endpoint, host, secret and ca. Pure; any
// thread.
#ifndef OUTRIDER_VSWITCH_AGENT_JOIN_TOKEN_H_
#define OUTRIDER_VSWITCH_AGENT_JOIN_TOKEN_H_

#include <string>

#include "vswitch/types/status.h"

namespace outrider::agent {

struct JoinToken {
  // host:port.
  std::string endpoint;
  std::string host_id;
  std::string secret;
  // PEM.
  std::string ca_pem;
};

// White space around it is ignored. Errors never show the secret.
absl::StatusOr<JoinToken> ParseJoinToken(const std::string& text);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_JOIN_TOKEN_H_
