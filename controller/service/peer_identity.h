// From a gRPC call to the identity of who calls. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_PEER_IDENTITY_H_
#define OUTRIDER_CONTROLLER_SERVICE_PEER_IDENTITY_H_

#include <grpcpp/server_context.h>

#include <string>

#include "controller/pki/peer_verifier.h"

namespace outrider::controller {

// UNAUTHENTICATED, with an audit line that names `what` and the caller's address, when the call
// came without a client certificate that holds.
absl::StatusOr<PeerIdentity> IdentifyPeer(const PeerVerifier& verifier,
                                          const grpc::ServerContextBase& context,
                                          const std::string& what);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_PEER_IDENTITY_H_
