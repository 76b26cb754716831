#include "controller/service/enrollment_service.h"

#include "controller/service/peer_identity.h"
#include "controller/service/status_mapping.h"

namespace outrider::controller {

grpc::ServerUnaryReactor* EnrollmentService::Enroll(grpc::CallbackServerContext* context,
                                                    const v1::EnrollRequest* request,
                                                    v1::EnrollResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpc(enrollment_->Enroll(*request, context->peer()), response));
  return reactor;
}

grpc::ServerUnaryReactor* EnrollmentService::Renew(grpc::CallbackServerContext* context,
                                                   const v1::RenewRequest* request,
                                                   v1::EnrollResponse* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const auto identity = IdentifyPeer(*verifier_, *context, "renew certificate");
  reactor->Finish(identity.ok()
                      ? ToGrpc(enrollment_->Renew(*identity, *request, context->peer()), response)
                      : ToGrpc(identity.status()));
  return reactor;
}

}  // namespace outrider::controller
