// Decides which host a peer is, by the certificate it showed in a TLS handshake: both sides of a
// link between agents do. The handshake proves that the peer holds the key, and judges nothing, so
// that a refusal is a status with a reason. Pure but for the clock given; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_PEER_CERTIFICATE_H_
#define OUTRIDER_VSWITCH_AGENT_PEER_CERTIFICATE_H_

#include <cstdint>
#include <string>

#include "vswitch/agent/identity_files.h"

namespace outrider::agent {

// Id of the host that the first certificate of `chain_pem` names by its only URI,
// spiffe://<domain>/host/<id>. It must chain to own.ca_pem, be valid at `now_us`, be made for a
// client (hosts' certificates are; that they also serve each other does not change whom they name),
// and be of the domain of our own certificate. Otherwise PermissionDenied.
absl::StatusOr<std::string> IdentifyHost(const std::string& chain_pem, const Identity& own,
                                         int64_t now_us);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PEER_CERTIFICATE_H_
