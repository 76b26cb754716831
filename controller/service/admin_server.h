// The operator's API on a unix socket (0600): whoever may open the file is administrator. Owns the
// socket and the services. Thread-safe.
#ifndef OUTRIDER_CONTROLLER_SERVICE_ADMIN_SERVER_H_
#define OUTRIDER_CONTROLLER_SERVICE_ADMIN_SERVER_H_

#include <absl/status/statusor.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "controller/migration/driver.h"
#include "controller/model/clock.h"
#include "controller/pki/certificate_authority.h"
#include "controller/pki/enrollment.h"
#include "controller/service/controller_service.h"
#include "controller/service/host_service.h"
#include "controller/service/migration_service.h"
#include "controller/service/profile_service.h"
#include "controller/session/session_hub.h"
#include "controller/store/repository.h"

namespace outrider::controller {

// What the services stand on. All must outlive the server.
struct AdminBackend {
  Repository* repository = nullptr;
  MigrationDriver* driver = nullptr;
  SessionHub* hub = nullptr;
  Enrollment* enrollment = nullptr;
  CertificateAuthority* authority = nullptr;
  const Clock* clock = nullptr;
  // Where agents reach the controller; empty when not known.
  std::string agent_endpoint;
};

class AdminServer {
 public:
  // Serves on `socket_path` when it returns. Errors as of ClaimSocketPath.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const std::string& socket_path,
                                                            const AdminBackend& backend);
  // Ends calls under way (those that wait with UNAVAILABLE), and removes the socket.
  ~AdminServer();

 private:
  AdminServer(const std::string& socket_path, const AdminBackend& backend);

  const std::string socket_path_;
  StopFlag stopping_ = false;
  SegmentService segments_;
  AddressGroupService groups_;
  PortGroupService port_groups_;
  GatewayService gateways_;
  ProfileService profiles_;
  PortService ports_;
  HostService hosts_;
  MigrationService migrations_;
  ControllerService controller_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SERVICE_ADMIN_SERVER_H_
