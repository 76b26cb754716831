#include "controller/service/host_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controller/pki/audit.h"

namespace outrider::controller {

grpc::Status HostService::Enroll(grpc::ServerContext*, const v1::EnrollHostRequest* request,
                                 v1::EnrollHostResponse* response) {
  return ToGrpc(enrollment_->Invite(*request, endpoint_), response);
}

grpc::Status HostService::Evacuate(grpc::ServerContext*, const v1::EvacuateHostRequest* request,
                                   v1::EvacuateHostResponse* response) {
  const auto done = driver_->Evacuate(request->name(), request->force());
  if (!done.ok()) return ToGrpc(done.status());
  AuditGranted(fmt::format("evacuation of host \"{}\"{}: ports {}, migrations ended {}",
                           request->name(), request->force() ? " by force" : "", done->ports,
                           done->migrations));
  response->mutable_ports()->Add(done->ports.begin(), done->ports.end());
  response->mutable_migrations()->Add(done->migrations.begin(), done->migrations.end());
  return grpc::Status::OK;
}

}  // namespace outrider::controller
