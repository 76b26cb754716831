// What agents talk to: sessions and enrolment, and nothing else, on one TLS port. Owns the port and
// the services; shows a server certificate that was replaced (CertificateAuthority::RefreshServer)
// to whoever connects some seconds later. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_AGENT_SERVER_H_
#define OUTRIDER_CONTROLLER_SERVICE_AGENT_SERVER_H_

#include <absl/status/statusor.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "controller/pki/certificate_authority.h"
#include "controller/pki/enrollment.h"
#include "controller/pki/peer_verifier.h"
#include "controller/service/enrollment_service.h"
#include "controller/service/session_service.h"
#include "controller/session/session_hub.h"

namespace outrider::controller {

// What the services stand on. All must outlive the server.
struct AgentBackend {
  SessionHub* hub = nullptr;
  Enrollment* enrollment = nullptr;
  CertificateAuthority* authority = nullptr;
  const PeerVerifier* verifier = nullptr;
};

class AgentServer {
 public:
  // Serves on `listen` ("host:port", port 0 takes a free one) when it returns. UNAVAILABLE when the
  // address cannot be had.
  static absl::StatusOr<std::unique_ptr<AgentServer>> Start(const std::string& listen,
                                                            const AgentBackend& backend);
  // Ends all sessions.
  ~AgentServer();

  // `listen` with the port it got.
  const std::string& address() const { return address_; }

 private:
  explicit AgentServer(const AgentBackend& backend)
      : sessions_(backend.hub, backend.verifier),
        enrollment_(backend.enrollment, backend.verifier) {}

  SessionService sessions_;
  EnrollmentService enrollment_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_AGENT_SERVER_H_
