// The native datapath: turns a HostState into rows of the eBPF maps, tc filters on port devices and
// a vxlan device. Owns the pins under its bpffs directory, the filters on port devices and the
// tunnel device; all of them outlast the process, and destroying the object stops nothing. Knows
// nothing of the controller or of who wants what.
//
// Everything ReadState returns comes from the kernel: maps, filters, links. Indices in memory only
// mirror the maps and are rebuilt by Create().
//
// Thread rule: Datapath's. Create, ReadState, Apply and the destructor on one thread, which stays
// in the network namespace of the NetlinkSocket. The other interfaces from any thread; of
// PacketTracer in that namespace.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_EBPF_DATAPATH_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_EBPF_DATAPATH_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "vswitch/abi/or_abi.h"
#include "vswitch/datapath/connection_table.h"
#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/ebpf/uplinks.h"
#include "vswitch/datapath/frame_injection.h"
#include "vswitch/datapath/move_path.h"
#include "vswitch/datapath/multicast_path.h"
#include "vswitch/datapath/packet_capture.h"
#include "vswitch/datapath/packet_tracer.h"
#include "vswitch/datapath/port_memory.h"
#include "vswitch/datapath/underlay_path.h"
#include "vswitch/sys/netlink/netlink_socket.h"
#include "vswitch/types/vtep_pair.h"

namespace outrider::datapath::ebpf {

struct Options {
  // Directory of this datapath's own, on a bpffs; a bpffs is mounted there if none is.
  std::string bpffs = "/sys/fs/bpf/outrider";
  std::string tunnel_device = "or-vxlan";
  // Local VTEPs: sources of what is encapsulated. Devices of the host must hold them
  // (FindVtepDevice).
  VtepPair vteps;
  // Layer-3 MTU of the underlay, bytes (sys::UnderlayMtu).
  uint32_t underlay_mtu = 1500;
  // Physical networks this host has an uplink to. The devices may come later.
  Uplinks uplinks;
  // UDP port of VXLAN, host byte order.
  uint16_t vxlan_port = 4789;
  // Frames are encapsulated here where the way is known and the host has no IPsec policies; false:
  // by the kernel's tunnel device, past the host's packet filter.
  bool encapsulate = true;
  // Families whose outer UDP headers get a checksum, by the tunnel device.
  bool checksum_v4 = false;
  bool checksum_v6 = false;
};

class EbpfDatapath final : public Datapath,
                           public DatapathCounters,
                           public ConnectionTable,
                           public MulticastPath,
                           public MovePath,
                           public FrameInjection,
                           public PacketTracer,
                           public PortMemory,
                           public PacketCapture,
                           public UnderlayPath {
 public:
  // Takes over what is pinned under options.bpffs, without a frame lost: programs of the same
  // content are used as they are, others are replaced filter by filter, maps are kept. Removes rows
  // and lists that an interrupted Apply left behind. `netlink` outlives the object.
  //
  // Errors: Unimplemented (kernel lacks what the programs need), FailedPrecondition (pins of
  // another layout, tunnel device of somebody else), PermissionDenied.
  static absl::StatusOr<std::unique_ptr<EbpfDatapath>> Create(const Options& options,
                                                              sys::NetlinkSocket* netlink);
  // Removes what a datapath with these options put on the host: filters, tunnel device, pins. The
  // devices of ports keep the MTU they were given and IPv6 off.
  // Needs no datapath object and no working programs. Ok when there is nothing.
  static absl::Status Uninstall(const Options& options, sys::NetlinkSocket* netlink);

  ~EbpfDatapath() override;

  std::string Kind() const override { return "ebpf"; }
  absl::StatusOr<state::HostState> ReadState() override;
  ApplyResult Apply(const state::StateDelta& delta) override;
  void AllowOlderEpoch(const PortId& id) override;
  absl::StatusOr<std::set<PortId>> FindLostPorts() override;
  std::set<Vni> FindLostSegments() override;
  void RefreshUnderlay(const std::optional<sys::NextHop>& hop) override;
  void RenewUnderlay() override;
  absl::StatusOr<UnderlayCounters> ReadUnderlay() override;
  void SetEventSink(EventSink* sink) override;

  absl::StatusOr<std::map<PortId, PortCounters>> ReadPorts() override;
  absl::StatusOr<std::map<std::string, uint64_t>> ReadHostDrops() override;

  absl::StatusOr<ConnectionList> ListConnections(const std::optional<PortId>& port,
                                                 size_t limit) override;
  absl::StatusOr<uint64_t> FlushConnections(const std::optional<PortId>& port) override;
  absl::StatusOr<uint64_t> SweepConnections() override;
  absl::StatusOr<Trace> TraceFrame(const TraceRequest& request) override;
  absl::StatusOr<std::unique_ptr<CaptureSession>> StartCapture(const CaptureRequest& request,
                                                               PacketCapture::Sink sink) override;

  absl::StatusOr<std::map<MulticastMember, int64_t>> ReadMembers() override;
  absl::Status PutMember(const MulticastMember& member, int64_t until_us) override;
  absl::Status RemoveMember(const MulticastMember& member) override;
  absl::Status SendToGuest(const PortId& port, const Vni& vni,
                           const std::vector<uint8_t>& frame) override;

  absl::StatusOr<DeliveredFrames> Delivered(const PortId& id) override;
  absl::Status Redirect(const PortId& id, std::optional<uint64_t> first,
                        uint64_t paused_boot_ns) override;
  absl::Status TakeBack(const PortId& id) override;
  absl::StatusOr<MoveCounts> ReadMove(const PortId& id) override;

  absl::StatusOr<InjectionPoint> InjectionPointOf(const PortId& id) override;

  uint32_t AbiVersion() const override { return OR_ABI_VERSION; }
  absl::StatusOr<std::vector<ConnectionRecord>> ExportConnections(const PortId& id) override;
  absl::StatusOr<ImportResult> ImportConnections(
      const PortId& id, const std::vector<ConnectionRecord>& records) override;
  absl::StatusOr<uint64_t> EndConnections(const PortId& id,
                                          const std::vector<std::string>& keys) override;
  absl::StatusOr<std::vector<BucketLevel>> ExportLevels(const PortId& id) override;
  absl::Status ImportLevels(const PortId& id, const std::vector<BucketLevel>& levels) override;
  absl::Status SetCounterBase(const PortId& id, const PortCounters& base) override;
  absl::StatusOr<std::map<PortId, std::map<std::string, uint64_t>>> CarriedDrops() override;
  absl::Status AllowAdoption(const PortId& id, uint64_t duration_ns) override;

 private:
  class Impl;
  explicit EbpfDatapath(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_EBPF_DATAPATH_H_
