// ProfileService of api.proto: profiles as objects, their life, and what a change would do.
// Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_PROFILE_SERVICE_H_
#define OUTRIDER_CONTROLLER_SERVICE_PROFILE_SERVICE_H_

#include "controller/service/object_service.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller {

class ProfileService : public ObjectService<v1::ProfileService::Service, v1::Profile,
                                            v1::ListProfilesResponse, v1::ProfileChange> {
 public:
  using ObjectService::ObjectService;
  grpc::Status Apply(grpc::ServerContext* context, const v1::Profile* request,
                     v1::Profile* response) override;
  // With the draft.
  grpc::Status ListRevisions(grpc::ServerContext* context,
                             const v1::ListProfileRevisionsRequest* request,
                             v1::ListProfileRevisionsResponse* response) override;
  grpc::Status GetEffective(grpc::ServerContext* context, const v1::GetRequest* request,
                            v1::Profile* response) override;
  grpc::Status SaveDraft(grpc::ServerContext* context, const v1::Profile* request,
                         v1::Profile* response) override;
  grpc::Status Activate(grpc::ServerContext* context, const v1::ProfileRevisionRequest* request,
                        v1::Profile* response) override;
  grpc::Status Rollback(grpc::ServerContext* context, const v1::ProfileRevisionRequest* request,
                        v1::Profile* response) override;
  grpc::Status Retire(grpc::ServerContext* context, const v1::GetRequest* request,
                      v1::Profile* response) override;
  grpc::Status DryRun(grpc::ServerContext* context, const v1::Profile* request,
                      v1::DryRunProfileResponse* response) override;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_PROFILE_SERVICE_H_
