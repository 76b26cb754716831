// The agent's gRPC service on a unix socket: requests in, operations called, answers out. Owns the
// socket file. Decides nothing.
//
// Thread rule: Create and the destructor on one thread; calls run on gRPC's.
#ifndef OUTRIDER_VSWITCH_AGENT_LOCAL_API_H_
#define OUTRIDER_VSWITCH_AGENT_LOCAL_API_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "outrider/v1/agent.pb.h"
#include "vswitch/agent/controller_session.h"
#include "vswitch/agent/port_operations.h"
#include "vswitch/datapath/connection_table.h"
#include "vswitch/datapath/packet_capture.h"
#include "vswitch/datapath/packet_tracer.h"
#include "vswitch/datapath/station_table.h"

namespace outrider::agent {

class LocalApi {
 public:
  // All outlive the API.
  struct Dependencies {
    PortOperations* ports;
    Executor* reconciler_executor;
    Reconciler* reconciler;
    datapath::DatapathCounters* counters;
    datapath::ConnectionTable* connections;
    datapath::StationTable* stations;
    datapath::PacketTracer* tracer;
    datapath::PacketCapture* capture;
    std::function<SessionStatus()> session;
    // Microseconds since the Unix epoch.
    std::function<int64_t()> certificate_expiry;
    // Fills in what is served to Open vSwitch's clients now; null: nothing is.
    std::function<void(v1::AgentStatus*)> describe_ovs = nullptr;
    // host_id, version, datapath, vteps, underlay_mtu, controller, started_us, ovs_rundir: what
    // stays.
    v1::AgentStatus self;
  };

  // Makes the path free for Create (stream::FreeSocketPath).
  static absl::Status FreePath(const std::string& socket_path);
  // Listens on `socket_path`, mode 0600. A socket nobody listens on is replaced; one in use is
  // AlreadyExists, a path that is no socket or too long FailedPrecondition or InvalidArgument.
  static absl::StatusOr<std::unique_ptr<LocalApi>> Create(const std::string& socket_path,
                                                          Dependencies dependencies);
  // Waits for calls under way, at most a second, and removes the socket.
  virtual ~LocalApi() = default;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_LOCAL_API_H_
