// AgentSessionService: carries agents' streams to the session hub. Every stream is a reactor, so
// that a thousand agents need no thousand threads. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_SESSION_SERVICE_H_
#define OUTRIDER_CONTROLLER_SERVICE_SESSION_SERVICE_H_

#include "controller/pki/peer_verifier.h"
#include "controller/session/session_hub.h"
#include "outrider/v1/session.grpc.pb.h"

namespace outrider::controller {

class SessionService : public v1::AgentSessionService::CallbackService {
 public:
  // Both must outlive the service and its server.
  SessionService(SessionHub* hub, const PeerVerifier* verifier) : hub_(hub), verifier_(verifier) {}

  grpc::ServerBidiReactor<v1::AgentMessage, v1::ControllerMessage>* Session(
      grpc::CallbackServerContext* context) override;

 private:
  SessionHub* const hub_;
  const PeerVerifier* const verifier_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_SESSION_SERVICE_H_
