// Puts the Open vSwitch surfaces together: database, its view, the host behind it, and the sockets
// in one folder. Owns all of it, and its two threads: the sockets' and database's, and the one on
// which ports are made. Decides nothing else.
//
// Thread rule: made and destroyed on one thread.
#ifndef OUTRIDER_VSWITCH_AGENT_OVS_SURFACES_H_
#define OUTRIDER_VSWITCH_AGENT_OVS_SURFACES_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vswitch/agent/host_facts.h"
#include "vswitch/agent/ovs_ports.h"
#include "vswitch/agent/ovsdb_rows.h"
#include "vswitch/ovs/openflow_server.h"
#include "vswitch/ovs/ovsdb_server.h"
#include "vswitch/ovs/switch_view.h"
#include "vswitch/ovs/unixctl_server.h"
#include "vswitch/sys/stream/poll_loop.h"

namespace outrider::agent {

class OvsSurfaces {
 public:
  // All outlive the object.
  struct Dependencies {
    LocalStore* store;
    PortOperations* ports;
    Executor* reconciler_executor;
    Reconciler* reconciler;
    datapath::DatapathCounters* counters;
    datapath::PacketTracer* tracer;
    datapath::StationTable* stations;
    // libvirt may have asked for PortData, as it does while a guest stands still to be moved; on a
    // thread of the surfaces', must not block.
    std::function<void()> on_port_data_read;
    // `ovs-appctl exit`.
    std::function<void()> on_exit;
  };
  struct Options {
    // Made if it is not there.
    std::string rundir;
    std::string host_id;
    std::string version;
    // Of internal ports where nobody asks for another, bytes.
    uint32_t mtu = 1450;
  };

  // Serves from here on. Errors name the socket and what is in the way: AlreadyExists, an Open
  // vSwitch or another agent that serves there.
  static absl::StatusOr<std::unique_ptr<OvsSurfaces>> Create(const Options& options,
                                                             Dependencies dependencies);
  ~OvsSurfaces();
  OvsSurfaces(const OvsSurfaces&) = delete;
  OvsSurfaces& operator=(const OvsSurfaces&) = delete;

  // Any thread: a network device came, went or changed.
  void DeviceChanged();

  struct Summary {
    size_t bridges = 0;
    // What the database holds and has no effect: "Bridge br0: stp_enable".
    std::vector<std::string> without_effect;
  };
  // Any thread.
  Summary Summarize();

 private:
  OvsSurfaces(Options options, Dependencies dependencies);
  // On the loop.
  absl::Status Start();
  absl::Status StartView();
  absl::Status StartSockets();
  void ServeBridges();
  void NoteInterface(const ovs::RowChange& change);
  void Stop();

  const Options options_;
  Dependencies dependencies_;
  OvsdbRows rows_;
  std::unique_ptr<stream::PollLoop> loop_;
  // On which ports are made.
  EventLoop ports_loop_;
  std::unique_ptr<OvsPorts> ports_;
  // The rest belongs to the loop's thread.
  std::unique_ptr<ovs::Database> database_;
  std::unique_ptr<ovs::SwitchView> view_;
  std::unique_ptr<HostFacts> facts_;
  ovs::UnixctlCommands commands_;
  std::unique_ptr<ovs::OvsdbServer> server_;
  std::unique_ptr<ovs::UnixctlServer> unixctl_;
  std::unique_ptr<ovs::OpenFlowServer> openflow_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool serve_posted_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_OVS_SURFACES_H_
