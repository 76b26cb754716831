// Serves OpenFlow for each bridge on `<bridge>.mgmt` and `<bridge>.snoop` in a directory. Owns the
// listeners and the connections; what is answered is the session's matter.
//
// Bounds: of what a peer sends at most one incomplete message is kept; while it does not read what
// it asked for, nothing more is answered and nothing more is read.
//
// Thread rule: the loop's thread.
#ifndef OUTRIDER_VSWITCH_OVS_OPENFLOW_SERVER_H_
#define OUTRIDER_VSWITCH_OVS_OPENFLOW_SERVER_H_

#include <map>
#include <memory>
#include <set>
#include <string>

#include "vswitch/ovs/openflow_session.h"
#include "vswitch/sys/stream/poll_loop.h"
#include "vswitch/sys/stream/stream_listener.h"

namespace outrider::ovs {

class OpenFlowConnection;

class OpenFlowServer {
 public:
  struct Options {
    // Of the sockets: Open vSwitch's rundir.
    std::string directory = {};
    uint32_t mode = 0600;
    size_t max_connections = 256;
    stream::StreamLimits limits = {};
  };
  // `loop` and `facts` outlive the server.
  OpenFlowServer(stream::PollLoop* loop, SwitchFactsSource* facts, Options options);
  // Closes everything and removes the sockets.
  ~OpenFlowServer();
  OpenFlowServer(const OpenFlowServer&) = delete;
  OpenFlowServer& operator=(const OpenFlowServer&) = delete;

  // Serves these bridges from now on and no others; connections of those that stay stay. A bridge
  // that cannot be served (no room in a socket's path, `/` in its name) does not keep the others
  // from it; the first such error is returned.
  absl::Status SetBridges(const std::set<std::string>& bridges);

  size_t connections() const { return connections_.size(); }

 private:
  struct Served {
    std::unique_ptr<stream::StreamListener> management;
    std::unique_ptr<stream::StreamListener> snoop;
  };
  absl::StatusOr<std::unique_ptr<stream::StreamListener>> Listen(const std::string& bridge,
                                                                 OpenFlowSession::Kind kind);
  void Accept(const std::string& bridge, OpenFlowSession::Kind kind,
              std::unique_ptr<stream::StreamConnection> stream);
  void Forget(uint64_t id);

  stream::PollLoop* const loop_;
  SwitchFactsSource* const facts_;
  const Options options_;
  std::map<std::string, Served> served_;
  std::map<uint64_t, std::unique_ptr<OpenFlowConnection>> connections_;
  uint64_t next_id_ = 1;
};

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OPENFLOW_SERVER_H_
