// EnrollmentService: first certificates for tokens, and renewals. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_ENROLLMENT_SERVICE_H_
#define OUTRIDER_CONTROLLER_SERVICE_ENROLLMENT_SERVICE_H_

#include "controller/pki/enrollment.h"
#include "controller/pki/peer_verifier.h"
#include "outrider/v1/session.grpc.pb.h"

namespace outrider::controller {

class EnrollmentService : public v1::EnrollmentService::CallbackService {
 public:
  // Both must outlive the service and its server.
  EnrollmentService(Enrollment* enrollment, const PeerVerifier* verifier)
      : enrollment_(enrollment), verifier_(verifier) {}

  grpc::ServerUnaryReactor* Enroll(grpc::CallbackServerContext* context,
                                   const v1::EnrollRequest* request,
                                   v1::EnrollResponse* response) override;
  grpc::ServerUnaryReactor* Renew(grpc::CallbackServerContext* context,
                                  const v1::RenewRequest* request,
                                  v1::EnrollResponse* response) override;

 private:
  Enrollment* const enrollment_;
  const PeerVerifier* const verifier_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_ENROLLMENT_SERVICE_H_
