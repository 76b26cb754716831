// The OVSDB server on its unix socket, with the remotes that the Manager table asks for. Owns all
// of it but the database.
//
// Thread rule: made, used and destroyed on the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_OVSDB_SERVER_H_
#define OUTRIDER_VSWITCH_OVS_OVSDB_SERVER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "vswitch/ovs/manager_remotes.h"
#include "vswitch/ovs/ovsdb_connections.h"
#include "vswitch/ovs/ovsdb_service.h"
#include "vswitch/sys/stream/stream_listener.h"

namespace outrider::ovs {

class OvsdbServer {
 public:
  struct Options {
    // "<run dir>/db.sock".
    std::string socket_path;
    uint32_t mode = 0600;
    size_t max_connections = 2048;
    // Between two writes of the Manager rows' status.
    std::chrono::milliseconds manager_status_interval{2500};
  };

  // `loop` and `database` outlive it. Errors of the socket as in stream/socket.h.
  static absl::StatusOr<std::unique_ptr<OvsdbServer>> Create(stream::PollLoop* loop,
                                                             Database* database,
                                                             const Options& options);
  OvsdbService* service() { return service_.get(); }
  // On the unix socket.
  size_t connections() const { return connections_->size(); }
  const ManagerRemotes& remotes() const { return *remotes_; }

 private:
  OvsdbServer() = default;

  std::unique_ptr<OvsdbService> service_;
  std::unique_ptr<OvsdbConnections> connections_;
  std::unique_ptr<stream::StreamListener> listener_;
  std::unique_ptr<ManagerRemotes> remotes_;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OVSDB_SERVER_H_
