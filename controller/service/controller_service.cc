#include "controller/service/controller_service.h"

#include <fmt/format.h>

#include "controller/model/underlay.h"
#include "controller/pki/audit.h"
#include "controller/store/unplanned_moves.h"

namespace outrider::controller {

grpc::Status SegmentService::Create(grpc::ServerContext* context, const v1::Segment* request,
                                    v1::Segment* response) {
  grpc::Status status = ObjectService::Create(context, request, response);
  if (status.ok()) SetMtuInForce(response);
  return status;
}

grpc::Status SegmentService::Update(grpc::ServerContext* context, const v1::Segment* request,
                                    v1::Segment* response) {
  grpc::Status status = ObjectService::Update(context, request, response);
  if (status.ok()) SetMtuInForce(response);
  return status;
}

grpc::Status SegmentService::Get(grpc::ServerContext* context, const v1::GetRequest* request,
                                 v1::Segment* response) {
  grpc::Status status = ObjectService::Get(context, request, response);
  if (status.ok()) SetMtuInForce(response);
  return status;
}

grpc::Status SegmentService::List(grpc::ServerContext* context, const v1::ListRequest* request,
                                  v1::ListSegmentsResponse* response) {
  grpc::Status status = ObjectService::List(context, request, response);
  repository()->Read([response](const Model& model) {
    for (v1::Segment& segment : *response->mutable_items()) {
      segment.set_mtu_in_force(MtuInForce(model, segment));
    }
  });
  return status;
}

void SegmentService::SetMtuInForce(v1::Segment* segment) const {
  repository()->Read(
      [segment](const Model& model) { segment->set_mtu_in_force(MtuInForce(model, *segment)); });
}

grpc::Status PortService::GetCounters(grpc::ServerContext*, const v1::PortCountersRequest* request,
                                      v1::PortCountersResponse* response) {
  const auto port = repository()->Get<v1::Port>(request->name());
  if (!port.ok()) return ToGrpc(port.status());
  const auto counters = hub_->counters().Get(request->name());
  if (!counters) {
    const std::string& host = port->location().host();
    return ToGrpc(absl::UnavailableError(fmt::format(
        "port \"{}\": {}", request->name(),
        host.empty() ? "is on no host, so nobody counts"
                     : fmt::format("host \"{}\" has reported no counters yet; try again in {} s",
                                   host, kCountersIntervalS))));
  }
  *response = *counters;
  return grpc::Status::OK;
}

grpc::Status PortService::Thaw(grpc::ServerContext*, const v1::GetRequest* request,
                               v1::Port* response) {
  const auto port = ThawPort(repository(), request->name());
  if (port.ok()) {
    AuditGranted(fmt::format("claims of port \"{}\", which was frozen on host \"{}\"",
                             port->meta().name(), port->location().host()));
  }
  return ToGrpc(port, response);
}

grpc::Status ControllerService::GetStatus(grpc::ServerContext*,
                                          const v1::GetControllerStatusRequest*,
                                          v1::ControllerStatus* response) {
  response->set_version(OUTRIDER_VERSION);
  response->set_store_id(repository_->store_id());
  repository_->Read([response](const Model& model) {
    const auto size = [](const auto& container) { return static_cast<uint32_t>(container.size()); };
    response->set_revision(model.revision());
    response->set_hosts(size(model.All<v1::Host>()));
    response->set_segments(size(model.All<v1::Segment>()));
    response->set_ports(size(model.All<v1::Port>()));
    response->set_profiles(size(model.All<v1::Profile>()));
    response->set_migrations_running(size(model.index().running_migrations.Get(Index::kAll)));
  });
  const SessionStats stats = hub_->stats();
  response->set_hosts_connected(stats.connected);
  response->set_sessions_resumed(stats.resumed);
  response->set_sessions_snapshot(stats.snapshots);
  response->set_started_us(started_us_);
  response->set_trust_domain(authority_->TrustDomain());
  response->set_ca_expires_us(authority_->ExpiresUs());
  return grpc::Status::OK;
}

}  // namespace outrider::controller
