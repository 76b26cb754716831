// HostService of api.proto: hosts as they are, invitations of new ones, and what becomes of those
// that have failed. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_HOST_SERVICE_H_
#define OUTRIDER_CONTROLLER_SERVICE_HOST_SERVICE_H_

#include <string>

#include "controller/migration/driver.h"
#include "controller/pki/enrollment.h"
#include "controller/service/object_service.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller {

class HostService : public ReadService<v1::HostService::Service, v1::Host, v1::ListHostsResponse,
                                       v1::HostChange> {
 public:
  // `endpoint`: where agents reach the controller, host:port; empty when not known. Pointers must
  // outlive the service.
  HostService(Repository* repository, const StopFlag* stopping, Enrollment* enrollment,
              MigrationDriver* driver, const std::string& endpoint)
      : ReadService(repository, stopping),
        enrollment_(enrollment),
        driver_(driver),
        endpoint_(endpoint) {}

  grpc::Status Enroll(grpc::ServerContext* context, const v1::EnrollHostRequest* request,
                      v1::EnrollHostResponse* response) override;
  grpc::Status Evacuate(grpc::ServerContext* context, const v1::EvacuateHostRequest* request,
                        v1::EvacuateHostResponse* response) override;

 private:
  Enrollment* const enrollment_;
  MigrationDriver* const driver_;
  const std::string endpoint_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_HOST_SERVICE_H_
