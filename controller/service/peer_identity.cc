#include "controller/service/peer_identity.h"

#include <fmt/format.h>
#include <grpc/grpc_security_constants.h>

#include <memory>

#include "controller/pki/audit.h"

namespace outrider::controller {
namespace {

std::string Property(const grpc::AuthContext& context, const char* name) {
  const auto values = context.FindPropertyValues(name);
  return values.empty() ? "" : std::string(values.front().data(), values.front().size());
}

}  // namespace

absl::StatusOr<PeerIdentity> IdentifyPeer(const PeerVerifier& verifier,
                                          const grpc::ServerContextBase& context,
                                          const std::string& what) {
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  auto identity = verifier.Verify(Property(*auth, GRPC_X509_PEM_CERT_PROPERTY_NAME),
                                  Property(*auth, GRPC_X509_PEM_CERT_CHAIN_PROPERTY_NAME));
  if (!identity.ok()) {
    return AuditRefused(fmt::format("{} from {}", what, context.peer()), identity.status());
  }
  return identity;
}

}  // namespace outrider::controller
