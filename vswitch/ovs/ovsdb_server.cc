#include "vswitch/ovs/ovsdb_server.h"

#include <utility>

namespace outrider::ovs {
namespace {

// Descriptors for clients beside those of the process's own business.
constexpr uint64_t kDescriptors = 16384;

}  // namespace

absl::StatusOr<std::unique_ptr<OvsdbServer>> OvsdbServer::Create(stream::PollLoop* loop,
                                                                 Database* database,
                                                                 const Options& options) {
  stream::RaiseDescriptorLimit(kDescriptors);
  std::unique_ptr<OvsdbServer> server(new OvsdbServer());
  ASSIGN_OR_RETURN(server->service_, OvsdbService::Create(loop, database));
  // Whoever is on this host is seen to go: no probes, as ovsdb-server on unix sockets.
  server->connections_ = std::make_unique<OvsdbConnections>(
      server->service_.get(), std::chrono::milliseconds(0), OvsdbConnections::Events{});
  const stream::StreamAddress address{.passive = true, .path = options.socket_path};
  ASSIGN_OR_RETURN(
      server->listener_,
      stream::StreamListener::Create(
          loop,
          {.address = address, .mode = options.mode, .max_connections = options.max_connections},
          [connections =
               server->connections_.get()](std::unique_ptr<stream::StreamConnection> connection) {
            connections->Add(std::move(connection));
          }));
  server->remotes_ = std::make_unique<ManagerRemotes>(server->service_.get(), database,
                                                      options.manager_status_interval);
  return server;
}

}  // namespace outrider::ovs
