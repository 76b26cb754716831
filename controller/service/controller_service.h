// The rest of the operator's API: objects with no verb of their own, ports, and the controller's
// status. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_CONTROLLER_SERVICE_H_
#define OUTRIDER_CONTROLLER_SERVICE_CONTROLLER_SERVICE_H_

#include "controller/pki/certificate_authority.h"
#include "controller/service/object_service.h"
#include "controller/session/session_hub.h"
#include "outrider/v1/api.grpc.pb.h"

namespace outrider::controller {

// Answers say what mtu is in force.
class SegmentService : public ObjectService<v1::SegmentService::Service, v1::Segment,
                                            v1::ListSegmentsResponse, v1::SegmentChange> {
 public:
  using ObjectService::ObjectService;
  grpc::Status Create(grpc::ServerContext* context, const v1::Segment* request,
                      v1::Segment* response) override;
  grpc::Status Update(grpc::ServerContext* context, const v1::Segment* request,
                      v1::Segment* response) override;
  grpc::Status Get(grpc::ServerContext* context, const v1::GetRequest* request,
                   v1::Segment* response) override;
  grpc::Status List(grpc::ServerContext* context, const v1::ListRequest* request,
                    v1::ListSegmentsResponse* response) override;

 private:
  void SetMtuInForce(v1::Segment* segment) const;
};

using AddressGroupService = ObjectService<v1::AddressGroupService::Service, v1::AddressGroup,
                                          v1::ListAddressGroupsResponse, v1::AddressGroupChange>;
using PortGroupService = ObjectService<v1::PortGroupService::Service, v1::PortGroup,
                                       v1::ListPortGroupsResponse, v1::PortGroupChange>;
using GatewayService = ObjectService<v1::GatewayService::Service, v1::Gateway,
                                     v1::ListGatewaysResponse, v1::GatewayChange>;

class PortService : public ObjectService<v1::PortService::Service, v1::Port, v1::ListPortsResponse,
                                         v1::PortChange> {
 public:
  // All must outlive the service.
  PortService(Repository* repository, const StopFlag* stopping, const SessionHub* hub)
      : ObjectService(repository, stopping), hub_(hub) {}
  grpc::Status GetCounters(grpc::ServerContext* context, const v1::PortCountersRequest* request,
                           v1::PortCountersResponse* response) override;
  grpc::Status Thaw(grpc::ServerContext* context, const v1::GetRequest* request,
                    v1::Port* response) override;

 private:
  const SessionHub* const hub_;
};

class ControllerService : public v1::ControllerService::Service {
 public:
  // All must outlive the service.
  ControllerService(Repository* repository, const SessionHub* hub,
                    const CertificateAuthority* authority, const Clock* clock)
      : repository_(repository), hub_(hub), authority_(authority), started_us_(clock->NowUs()) {}
  grpc::Status GetStatus(grpc::ServerContext* context,
                         const v1::GetControllerStatusRequest* request,
                         v1::ControllerStatus* response) override;

 private:
  Repository* const repository_;
  const SessionHub* const hub_;
  const CertificateAuthority* const authority_;
  const int64_t started_us_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_CONTROLLER_SERVICE_H_
