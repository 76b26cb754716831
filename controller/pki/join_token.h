// The one line an operator carries from the controller to a new host, and the secret in it. Knows
// the format only; which tokens are good is enrollment's business. Pure but for the random source;
// any thread.
#ifndef OUTRIDER_CONTROLLER_PKI_JOIN_TOKEN_H_
#define OUTRIDER_CONTROLLER_PKI_JOIN_TOKEN_H_

#include <absl/status/statusor.h>

#include <string>

namespace outrider::controller {

struct JoinToken {
  // host:port agents reach the controller at.
  std::string endpoint;
  std::string host_id;
  std::string secret;
  // Roots the agent trusts for its very first connection, PEM.
  std::string ca_pem;
};

// "or1." and the base64url form (RFC 4648 section 5, no padding) of a JSON object with v, endpoint,
// host, secret and ca.
std::string EncodeJoinToken(const JoinToken& token);

// Characters of a secret: 32 bytes in base64url without padding.
inline constexpr size_t kTokenSecretSize = 43;

// 256 random bits, base64url.
absl::StatusOr<std::string> GenerateTokenSecret();

// What is stored in place of the secret: SHA-256, lower-case hex.
std::string TokenSecretHash(const std::string& secret);

// Whether two hashes of secrets are the same, in time that does not depend on where they differ.
bool SameTokenSecret(const std::string& sha256_hex, const std::string& other_sha256_hex);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_PKI_JOIN_TOKEN_H_
