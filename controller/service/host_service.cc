#include "controller/service/host_service.h"

namespace outrider::controller {

grpc::Status HostService::Enroll(grpc::ServerContext*, const v1::EnrollHostRequest* request,
                                 v1::EnrollHostResponse* response) {
  return ToGrpc(enrollment_->Invite(*request, endpoint_), response);
}

}  // namespace outrider::controller
