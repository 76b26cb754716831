#include "controller/service/profile_service.h"

#include "controller/compute/dry_run.h"
#include "controller/store/profile_life.h"

namespace outrider::controller {

grpc::Status ProfileService::Apply(grpc::ServerContext*, const v1::Profile* request,
                                   v1::Profile* response) {
  return ToGrpc(ApplyProfile(repository(), *request), response);
}

grpc::Status ProfileService::ListRevisions(grpc::ServerContext*,
                                           const v1::ListProfileRevisionsRequest* request,
                                           v1::ListProfileRevisionsResponse* response) {
  const auto revisions =
      repository()->Read([&](const Model& model) { return ProfileLine(model, request->name()); });
  if (revisions.empty()) return ToGrpc(Repository::NotFound(Kind::kProfile, request->name()));
  for (const auto& revision : revisions) *response->add_revisions() = *revision;
  return grpc::Status::OK;
}

grpc::Status ProfileService::GetEffective(grpc::ServerContext*, const v1::GetRequest* request,
                                          v1::Profile* response) {
  const auto profile =
      repository()->Read([&](const Model& model) { return model.Effective(request->name()); });
  if (profile == nullptr) return ToGrpc(Repository::NotFound(Kind::kProfile, request->name()));
  *response = *profile;
  return grpc::Status::OK;
}

grpc::Status ProfileService::SaveDraft(grpc::ServerContext*, const v1::Profile* request,
                                       v1::Profile* response) {
  return ToGrpc(SaveProfileDraft(repository(), *request), response);
}

grpc::Status ProfileService::Activate(grpc::ServerContext*,
                                      const v1::ProfileRevisionRequest* request,
                                      v1::Profile* response) {
  return ToGrpc(ActivateProfile(repository(), request->name(), request->profile_revision()),
                response);
}

grpc::Status ProfileService::Rollback(grpc::ServerContext*,
                                      const v1::ProfileRevisionRequest* request,
                                      v1::Profile* response) {
  return ToGrpc(RollbackProfile(repository(), request->name(), request->profile_revision()),
                response);
}

grpc::Status ProfileService::Retire(grpc::ServerContext*, const v1::GetRequest* request,
                                    v1::Profile* response) {
  return ToGrpc(RetireProfile(repository(), request->name()), response);
}

grpc::Status ProfileService::DryRun(grpc::ServerContext*, const v1::Profile* request,
                                    v1::DryRunProfileResponse* response) {
  // On a copy: objects are shared, and nobody waits for the comparison.
  const Model model = repository()->Read([](const Model& present) { return present; });
  return ToGrpc(DryRunProfile(model, *request), response);
}

}  // namespace outrider::controller
