#include "controller/service/admin_server.h"

#include <fmt/format.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "controller/service/unix_socket.h"

namespace outrider::controller {
namespace {

constexpr int kMaxAdminMessageBytes = 16 << 20;
// Long enough for calls that wait to notice, and end with a reason.
constexpr std::chrono::milliseconds kAdminShutdownGrace{500};
static_assert(kAdminShutdownGrace > 2 * kCancelPoll);

}  // namespace

AdminServer::AdminServer(const std::string& socket_path, const AdminBackend& backend)
    : socket_path_(socket_path),
      segments_(backend.repository, &stopping_),
      groups_(backend.repository, &stopping_),
      port_groups_(backend.repository, &stopping_),
      gateways_(backend.repository, &stopping_),
      profiles_(backend.repository, &stopping_),
      ports_(backend.repository, &stopping_, backend.hub),
      hosts_(backend.repository, &stopping_, backend.enrollment, backend.driver,
             backend.agent_endpoint),
      migrations_(backend.repository, &stopping_, backend.driver),
      controller_(backend.repository, backend.hub, backend.authority, backend.clock) {}

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& socket_path,
                                                                const AdminBackend& backend) {
  RETURN_IF_ERROR(ClaimSocketPath(socket_path));
  std::unique_ptr<AdminServer> admin(new AdminServer(socket_path, backend));
  grpc::ServerBuilder builder;
  builder.AddListeningPort("unix:" + socket_path, grpc::InsecureServerCredentials());
  builder.SetMaxReceiveMessageSize(kMaxAdminMessageBytes);
  builder.RegisterService(&admin->segments_);
  builder.RegisterService(&admin->groups_);
  builder.RegisterService(&admin->port_groups_);
  builder.RegisterService(&admin->gateways_);
  builder.RegisterService(&admin->profiles_);
  builder.RegisterService(&admin->ports_);
  builder.RegisterService(&admin->hosts_);
  builder.RegisterService(&admin->migrations_);
  builder.RegisterService(&admin->controller_);
  // The file must not be open to others even for the moment between bind and chmod.
  const mode_t mask = umask(0177);
  admin->server_ = builder.BuildAndStart();
  umask(mask);
  if (admin->server_ == nullptr) {
    return absl::UnavailableError(
        fmt::format("socket \"{}\": cannot serve there; check its folder", socket_path));
  }
  if (chmod(socket_path.c_str(), 0600) != 0) {
    return absl::UnavailableError(
        fmt::format("socket \"{}\": chmod: {}", socket_path, std::strerror(errno)));
  }
  return admin;
}

AdminServer::~AdminServer() {
  if (server_ == nullptr) return;
  stopping_ = true;
  // gRPC removes the socket with the listener.
  server_->Shutdown(std::chrono::system_clock::now() + kAdminShutdownGrace);
  server_->Wait();
}

}  // namespace outrider::controller
