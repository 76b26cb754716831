// Puts the agent together over the native datapath: which part runs on which thread, what starts
// after what, and the reverse at the end. Owns all parts. Decides nothing else.
//
// Threads: the reconciler's loop (also the datapath's), the session's loop, the memory's loop (of
// ports that move), the probes' loop, the link monitor's, the datapath's event reader, the
// hypervisors' watch and libvirt's, gRPC's, and two for metrics.
#ifndef OUTRIDER_VSWITCH_AGENT_AGENT_H_
#define OUTRIDER_VSWITCH_AGENT_AGENT_H_

#include <atomic>
#include <memory>

#include "proto/metrics_server.h"
#include "vswitch/agent/agent_metrics.h"
#include "vswitch/agent/announcer.h"
#include "vswitch/agent/arrival_counts.h"
#include "vswitch/agent/connection_sweep.h"
#include "vswitch/agent/controller_channel.h"
#include "vswitch/agent/controller_session.h"
#include "vswitch/agent/device_watch.h"
#include "vswitch/agent/free_memory.h"
#include "vswitch/agent/guest_loads.h"
#include "vswitch/agent/guest_watch.h"
#include "vswitch/agent/identity.h"
#include "vswitch/agent/local_api.h"
#include "vswitch/agent/memory_sender.h"
#include "vswitch/agent/move_prober.h"
#include "vswitch/agent/options.h"
#include "vswitch/agent/ovs_surfaces.h"
#include "vswitch/agent/peer_client.h"
#include "vswitch/agent/peer_server.h"
#include "vswitch/agent/state_directory.h"
#include "vswitch/agent/underlay_watch.h"
#include "vswitch/datapath/ebpf/ebpf_datapath.h"
#include "vswitch/datapath/ebpf/pinned_stations.h"
#include "vswitch/types/vtep_pair.h"

namespace outrider::agent {

class Agent {
 public:
  // Runs from here on. Errors say what to do; nothing is left running.
  static absl::StatusOr<std::unique_ptr<Agent>> Create(const Options& options);
  // Stops the process's part; what is in force goes on forwarding.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Removes what an agent with these options put on the host. FailedPrecondition: it still runs.
  static absl::Status Uninstall(const Options& options);

 private:
  Agent(Options options, StateDirectory directory);
  absl::Status Start();
  absl::Status StartDatapath();
  // What others of this host's guests see of a move elsewhere.
  void MakeProber();
  absl::Status StartReconciler();
  // Null: no device of this host can be read by the kernel.
  KernelReaderQuestion KernelReaders();
  // What moving ports remember goes from agent to agent.
  void StartPeers();
  absl::Status StartSession();
  absl::Status StartPorts();
  absl::Status StartOvs();
  absl::Status StartLocalApi();
  absl::Status StartMetrics();
  absl::Status StartGuestWatch();
  // The part of AgentStatus that stays.
  v1::AgentStatus Self() const;
  void DescribeOvs(v1::AgentStatus* status);
  // A device of this host came, went or changed.
  void OnDevice(const DeviceChange& change);

  const Options options_;
  const StateDirectory directory_;
  datapath::ebpf::PinnedStations stations_;
  const int64_t started_us_ = WallMicros();
  VtepPair vteps_;
  uint32_t underlay_mtu_ = 0;
  Enrollment enrollment_;
  std::unique_ptr<LocalStore> store_;
  // The datapath's; used on the reconciler's loop.
  std::unique_ptr<sys::NetlinkSocket> netlink_;
  std::unique_ptr<datapath::ebpf::EbpfDatapath> datapath_;
  std::unique_ptr<MulticastSnooper> multicast_;
  std::unique_ptr<sys::FrameSender> frames_;
  std::unique_ptr<Announcer> announcer_;
  // Of guests' devices; used on the reconciler's loop.
  std::unique_ptr<sys::DeviceCounterReader> device_counters_;
  std::unique_ptr<GrpcPeerLinks> peer_links_;
  ArrivalCounts arrivals_;
  FreeMemory free_memory_{&reconciler_loop_};
  std::unique_ptr<MemorySender> memory_sender_;
  std::unique_ptr<MemoryReceiver> memory_receiver_;
  std::unique_ptr<PeerServer> peer_server_;
  std::unique_ptr<MoveProber> prober_;
  std::unique_ptr<Reconciler> reconciler_;
  std::unique_ptr<GuestLoads> loads_;
  std::unique_ptr<ConnectionSweep> connections_;
  std::unique_ptr<IdentityKeeper> identity_;
  std::unique_ptr<GrpcControllerStreamFactory> streams_;
  std::unique_ptr<ControllerSession> session_;
  std::unique_ptr<PortOperations> ports_;
  // Set once; the watch is older than the surfaces.
  std::atomic<OvsSurfaces*> ovs_told_ = nullptr;
  std::unique_ptr<DeviceWatch> devices_;
  std::unique_ptr<UnderlayWatch> underlay_;
  std::unique_ptr<OvsSurfaces> ovs_;
  std::unique_ptr<LocalApi> local_api_;
  std::unique_ptr<AgentMetrics> metrics_;
  std::unique_ptr<MetricsServer> metrics_server_;
  std::unique_ptr<GuestWatch> guests_;
  // Destroyed first: no work runs once the parts above go.
  EventLoop session_loop_;
  EventLoop memory_loop_;
  EventLoop probe_loop_;
  EventLoop reconciler_loop_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_AGENT_H_
