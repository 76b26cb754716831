// MigrationService of api.proto over the migration driver. Thread-safe; a Prepare that waits holds
// its call's thread.
#ifndef OUTRIDER_CONTROLLER_SERVICE_MIGRATION_SERVICE_H_
#define OUTRIDER_CONTROLLER_SERVICE_MIGRATION_SERVICE_H_

#include <string>

#include "controller/migration/driver.h"
#include "controller/service/object_service.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller {

class MigrationService : public ReadService<v1::MigrationService::Service, v1::Migration,
                                            v1::ListMigrationsResponse, v1::MigrationChange> {
 public:
  // All must outlive the service.
  MigrationService(Repository* repository, const StopFlag* stopping, MigrationDriver* driver)
      : ReadService(repository, stopping), driver_(driver) {}

  grpc::Status Prepare(grpc::ServerContext* context, const v1::PrepareMigrationRequest* request,
                       v1::Migration* response) override;
  grpc::Status Switchover(grpc::ServerContext* context, const v1::SwitchoverRequest* request,
                          v1::Migration* response) override;
  grpc::Status Abort(grpc::ServerContext* context, const v1::AbortMigrationRequest* request,
                     v1::Migration* response) override;

 private:
  // Waits until the migration is ARMED or further. DEADLINE_EXCEEDED after `wait_ms`,
  // FAILED_PRECONDITION when it is aborted meanwhile, UNAVAILABLE when the controller stops.
  absl::StatusOr<v1::Migration> WaitArmed(grpc::ServerContext* context, const std::string& id,
                                          uint32_t wait_ms);

  MigrationDriver* const driver_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_MIGRATION_SERVICE_H_
