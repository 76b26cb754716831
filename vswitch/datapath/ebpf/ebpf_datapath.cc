#include "vswitch/datapath/ebpf/ebpf_datapath.h"

#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/capture_hub.h"
#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/datapath/ebpf/counter_bases.h"
#include "vswitch/datapath/ebpf/counters.h"
#include "vswitch/datapath/ebpf/delta_writer.h"
#include "vswitch/datapath/ebpf/first_frame_reader.h"
#include "vswitch/datapath/ebpf/guest_sender.h"
#include "vswitch/datapath/ebpf/move_reader.h"
#include "vswitch/datapath/ebpf/pipeline.h"
#include "vswitch/datapath/ebpf/port_memory.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/ebpf/source_macs.h"
#include "vswitch/datapath/ebpf/state_reader.h"
#include "vswitch/datapath/ebpf/station_sweep.h"
#include "vswitch/datapath/ebpf/sweeper.h"
#include "vswitch/datapath/ebpf/tunnel.h"
#include "vswitch/datapath/ebpf/uplink_table.h"

namespace outrider::datapath::ebpf {

namespace {

uint8_t ChecksumsOf(const Options& options) {
  return static_cast<uint8_t>((options.checksum_v4 ? OR_CHECKSUM_IPV4 : 0) |
                              (options.checksum_v6 ? OR_CHECKSUM_IPV6 : 0));
}

}  // namespace

class EbpfDatapath::Impl {
 public:
  // What the datapath talks to the kernel by.
  struct Handles {
    std::unique_ptr<sys::NextHops> next_hops;
    std::unique_ptr<sys::IpsecPolicies> ipsec;
    std::unique_ptr<sys::TcFilters> filters;
    std::unique_ptr<sys::TcFilters> underlay_filters;
    std::unique_ptr<sys::TrafficShaper> shaper;
  };

  Impl(const Options& options, sys::NetlinkSocket* netlink, Handles handles)
      : options_(options),
        handles_(std::move(handles)),
        kernel_{netlink,
                handles_.next_hops.get(),
                handles_.ipsec.get(),
                handles_.filters.get(),
                handles_.underlay_filters.get(),
                handles_.shaper.get()},
        tunnel_(netlink, kernel_.filters, options.tunnel_device, options.vxlan_port) {}

  // Brings tunnel device, programs and indices up, over whatever is there.
  absl::Status Start() {
    ASSIGN_OR_RETURN(const int tunnel, tunnel_.EnsureDevice());
    ASSIGN_OR_RETURN(auto programs,
                     ProgramSet::Create(options_.bpffs, {.tunnel_ifindex = tunnel,
                                                         .local_vteps = options_.vteps,
                                                         .vxlan_port = options_.vxlan_port,
                                                         .checksums = ChecksumsOf(options_)}));
    auto pipeline = std::make_shared<Pipeline>(options_, std::move(programs), kernel_);
    // Ports first: the tunnel's programs deliver to them.
    RETURN_IF_ERROR(pipeline->Load());
    RETURN_IF_ERROR(tunnel_.Start(*pipeline->programs));
    RETURN_IF_ERROR(pipeline->programs->SweepOldVersions());
    const std::lock_guard lock(mutex_);
    pipeline_ = std::move(pipeline);
    // While somebody captures the maps stay those; otherwise they may have been made anew, too.
    if (captures_ != nullptr && captures_.use_count() > 1) return absl::OkStatus();
    ASSIGN_OR_RETURN(captures_, CaptureHub::Open(PinnedMapsDir(options_.bpffs)));
    return absl::OkStatus();
  }

  absl::StatusOr<state::HostState> ReadState() {
    ASSIGN_OR_RETURN(const bool whole, tunnel_.IsWhole(*pipeline_->programs));
    if (!whole) RETURN_IF_ERROR(Repair());
    pipeline_->uplinks.Refresh();
    ASSIGN_OR_RETURN(const Inventory inventory, ReadInventory(pipeline_->maps));
    ASSIGN_OR_RETURN(const auto bound, pipeline_->devices.BoundPorts(inventory));
    state::HostState state = ToHostState(inventory, bound);
    for (const Vni& vni : pipeline_->uplinks.Lost()) {
      const auto segment = state.segments.find(vni);
      if (segment != state.segments.end()) segment->second.mtu = 0;
    }
    RETURN_IF_ERROR(ForgetLostShapers(inventory, &state));
    return state;
  }

  ApplyResult Apply(const state::StateDelta& delta) { return ApplyDelta(delta, pipeline_.get()); }

  void AllowOlderEpoch(const PortId& id) { pipeline_->ports.AllowOlderEpoch(id); }

  absl::StatusOr<std::set<PortId>> FindLostPorts() {
    ASSIGN_OR_RETURN(const bool whole, tunnel_.IsWhole(*pipeline_->programs));
    if (!whole) RETURN_IF_ERROR(Repair());
    // After a repair a port that could not be written may wait for its next try.
    if (!repaired_) pipeline_->UnbindUnclaimedDevices();
    if (const absl::Status status = ForgetOldMacs(pipeline_->maps); !status.ok()) {
      spdlog::warn("source MACs of before are not forgotten: {}", Message(status));
    }
    if (const absl::Status status = ForgetOldStations(pipeline_->maps); !status.ok()) {
      spdlog::warn("stations of before are not forgotten: {}", Message(status));
    }
    return pipeline_->ports.FindLost();
  }

  std::set<Vni> FindLostSegments() {
    pipeline_->uplinks.Refresh();
    return pipeline_->uplinks.Lost();
  }

  void RefreshUnderlay(const std::optional<sys::NextHop>& hop) { pipeline_->RefreshUnderlay(hop); }
  void RenewUnderlay() {
    const absl::Status status = pipeline_->underlay.Renew();
    if (!status.ok()) spdlog::warn("underlay: {}", Message(status));
  }

  void SetEventSink(EventSink* sink) {
    sink_ = sink;
    first_frames_.reset();
    if (sink_ != nullptr) StartReader();
  }

  absl::StatusOr<std::map<MulticastMember, int64_t>> ReadMembers() {
    std::map<MulticastMember, int64_t> members;
    for (const MulticastTable::Member& member : pipeline_->multicast.Members()) {
      ASSIGN_OR_RETURN(const abi::or_port_info info, pipeline_->maps.port_info.Lookup(member.port));
      members[{DecodePortId(info), member.key}] = static_cast<int64_t>(member.until_ns / 1000);
    }
    return members;
  }

  absl::Status PutMember(const MulticastMember& member, int64_t until_us) {
    ASSIGN_OR_RETURN(const uint32_t index, FindIndex(member.port));
    return pipeline_->multicast.Join(member.group, index, static_cast<uint64_t>(until_us) * 1000);
  }

  absl::Status RemoveMember(const MulticastMember& member) {
    const auto index = pipeline_->ports.IndexOf(member.port);
    return index ? pipeline_->multicast.Leave(member.group, *index) : absl::OkStatus();
  }

  absl::Status SendToGuest(const PortId& port, const Vni& vni, const std::vector<uint8_t>& frame) {
    ASSIGN_OR_RETURN(const uint32_t index, FindIndex(port));
    return ebpf::SendToGuest(pipeline_->maps, index, vni.value(), frame);
  }

  // Whether connections of deleted ports may be left though no port counts any. Any thread.
  // For readers on other threads: the pipeline may be replaced meanwhile.
  std::shared_ptr<Pipeline> pipeline() {
    const std::lock_guard lock(mutex_);
    return pipeline_;
  }
  std::shared_ptr<CaptureHub> captures() {
    const std::lock_guard lock(mutex_);
    return captures_;
  }

 private:
  absl::StatusOr<uint32_t> FindIndex(const PortId& id) const {
    const auto index = pipeline_->ports.IndexOf(id);
    if (!index) return absl::NotFoundError("port " + id.ToString() + ": is not in force");
    return *index;
  }

  // A rate that somebody removed from a device is none that is in force.
  absl::Status ForgetLostShapers(const Inventory& inventory, state::HostState* state) {
    for (const auto& [index, info] : inventory.port_info) {
      const auto port = state->ports.find(DecodePortId(info));
      const auto row = inventory.ports.find(index);
      if (port == state->ports.end() || row == inventory.ports.end() || !port->second.device ||
          port->second.shaper.max_kbps == 0) {
        continue;
      }
      ASSIGN_OR_RETURN(const bool shaped,
                       pipeline_->devices.HasShaper(row->second.ifindex, port->second.shaper));
      if (!shaped) port->second.shaper = {};
    }
    return absl::OkStatus();
  }

  // The tunnel device vanished or lost its programs. A new device is a new constant of the
  // programs.
  absl::Status Repair() {
    spdlog::warn("tunnel device {}: gone, down or without programs; setting it up again",
                 options_.tunnel_device);
    // It reads maps of the pipeline that goes.
    first_frames_.reset();
    repaired_ = true;
    const absl::Status status = Start();
    if (sink_ != nullptr) StartReader();
    return status;
  }

  void StartReader() {
    const auto fd = pipeline_->programs->maps()->Descriptor("or_events");
    auto reader = fd.ok() ? FirstFrameReader::Start(*fd, &pipeline_->maps, sink_)
                          : absl::StatusOr<std::unique_ptr<FirstFrameReader>>(fd.status());
    if (!reader.ok()) {
      spdlog::error("first frames will not be reported: {}", Message(reader.status()));
      return;
    }
    first_frames_ = *std::move(reader);
    if (const absl::Status status = RepeatEvents(pipeline_->maps, sink_); !status.ok()) {
      spdlog::error("first frames of before may not be reported: {}", Message(status));
    }
  }

  const Options options_;
  const Handles handles_;
  const Kernel kernel_;
  Tunnel tunnel_;
  std::mutex mutex_;  // pipeline_ and captures_, the pointers
  std::shared_ptr<Pipeline> pipeline_;
  std::shared_ptr<CaptureHub> captures_;
  bool repaired_ = false;
  EventSink* sink_ = nullptr;
  std::unique_ptr<FirstFrameReader> first_frames_;
};

EbpfDatapath::EbpfDatapath(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EbpfDatapath::~EbpfDatapath() = default;

absl::StatusOr<std::unique_ptr<EbpfDatapath>> EbpfDatapath::Create(const Options& options,
                                                                   sys::NetlinkSocket* netlink) {
  if (options.vteps.All().empty()) {
    return absl::InvalidArgumentError("no VTEP: the host needs an address on the underlay");
  }
  Impl::Handles handles;
  ASSIGN_OR_RETURN(handles.next_hops, sys::NextHops::Create());
  ASSIGN_OR_RETURN(handles.ipsec, sys::IpsecPolicies::Create());
  ASSIGN_OR_RETURN(handles.filters, sys::KernelTcFilters::Create());
  ASSIGN_OR_RETURN(handles.underlay_filters, sys::KernelTcFilters::Create(sys::kUnderlayTcHandle));
  ASSIGN_OR_RETURN(handles.shaper, sys::TrafficShaper::Create());
  auto impl = std::make_unique<Impl>(options, netlink, std::move(handles));
  RETURN_IF_ERROR(impl->Start());
  // Whoever captured before is gone.
  RETURN_IF_ERROR(impl->captures()->Clear());
  return std::unique_ptr<EbpfDatapath>(new EbpfDatapath(std::move(impl)));
}

absl::Status EbpfDatapath::Uninstall(const Options& options, sys::NetlinkSocket* netlink) {
  ASSIGN_OR_RETURN(const auto filters, sys::KernelTcFilters::Create());
  ASSIGN_OR_RETURN(const auto underlay_filters,
                   sys::KernelTcFilters::Create(sys::kUnderlayTcHandle));
  ASSIGN_OR_RETURN(const auto shaper, sys::TrafficShaper::Create());
  ASSIGN_OR_RETURN(const std::set<uint32_t> ours, PinnedProgramIds(options.bpffs));
  ASSIGN_OR_RETURN(const std::vector<sys::Link> links, netlink->ListLinks());
  // Every device: what the maps say need not be whole.
  RETURN_IF_ERROR(LetGoOfUplinks(links, options.bpffs, filters.get(), netlink));
  for (const sys::Link& link : links) {
    RETURN_IF_ERROR(DetachPrograms(filters.get(), static_cast<uint32_t>(link.ifindex),
                                   [&ours](uint32_t id) { return ours.contains(id); }));
    RETURN_IF_ERROR(LetGoOfUnderlay(link.ifindex, ours, underlay_filters.get()));
    RETURN_IF_ERROR(shaper->Unshape(link.ifindex));
  }
  RETURN_IF_ERROR(
      RemoveTunnelDevice(netlink, {.name = options.tunnel_device, .port = options.vxlan_port}));
  return RemoveAllPins(options.bpffs);
}

absl::StatusOr<state::HostState> EbpfDatapath::ReadState() { return impl_->ReadState(); }

ApplyResult EbpfDatapath::Apply(const state::StateDelta& delta) { return impl_->Apply(delta); }

void EbpfDatapath::AllowOlderEpoch(const PortId& id) { impl_->AllowOlderEpoch(id); }

absl::StatusOr<std::set<PortId>> EbpfDatapath::FindLostPorts() { return impl_->FindLostPorts(); }

void EbpfDatapath::RefreshUnderlay(const std::optional<sys::NextHop>& hop) {
  impl_->RefreshUnderlay(hop);
}

void EbpfDatapath::RenewUnderlay() { impl_->RenewUnderlay(); }

absl::StatusOr<UnderlayCounters> EbpfDatapath::ReadUnderlay() {
  return ReadUnderlayCounters(impl_->pipeline()->maps);
}

std::set<Vni> EbpfDatapath::FindLostSegments() { return impl_->FindLostSegments(); }

void EbpfDatapath::SetEventSink(EventSink* sink) { impl_->SetEventSink(sink); }

absl::StatusOr<std::map<PortId, PortCounters>> EbpfDatapath::ReadPorts() {
  return ReadPortCounters(impl_->pipeline()->maps);
}

absl::StatusOr<std::map<std::string, uint64_t>> EbpfDatapath::ReadHostDrops() {
  return ReadHostDropCounters(impl_->pipeline()->maps);
}

absl::StatusOr<ConnectionList> EbpfDatapath::ListConnections(const std::optional<PortId>& port,
                                                             size_t limit) {
  return ReadConnections(impl_->pipeline()->maps, port, limit);
}

absl::StatusOr<uint64_t> EbpfDatapath::FlushConnections(const std::optional<PortId>& port) {
  const auto pipeline = impl_->pipeline();
  if (!port) return ebpf::SweepConnections(*pipeline->programs, abi::OR_SWEEP_ALL);
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(pipeline->maps, *port));
  return ebpf::SweepConnections(*pipeline->programs, abi::OR_SWEEP_PORT, index);
}

absl::StatusOr<uint64_t> EbpfDatapath::SweepConnections() {
  const auto pipeline = impl_->pipeline();
  ASSIGN_OR_RETURN(const bool any, HasConnections(pipeline->maps));
  const bool sweep = pipeline->sweep_anyway.exchange(false) || any;
  return sweep ? ebpf::SweepConnections(*pipeline->programs, abi::OR_SWEEP_OVER) : 0;
}

absl::StatusOr<std::vector<ConnectionRecord>> EbpfDatapath::ExportConnections(const PortId& id) {
  return ebpf::ExportConnections(impl_->pipeline()->maps, id);
}

absl::StatusOr<ImportResult> EbpfDatapath::ImportConnections(
    const PortId& id, const std::vector<ConnectionRecord>& records) {
  const auto pipeline = impl_->pipeline();
  return ebpf::ImportConnections(pipeline->maps, *pipeline->programs, id, records);
}

absl::StatusOr<uint64_t> EbpfDatapath::EndConnections(const PortId& id,
                                                      const std::vector<std::string>& keys) {
  const auto pipeline = impl_->pipeline();
  return ebpf::EndConnections(pipeline->maps, *pipeline->programs, id, keys);
}

absl::StatusOr<std::vector<BucketLevel>> EbpfDatapath::ExportLevels(const PortId& id) {
  return ebpf::ExportLevels(impl_->pipeline()->maps, id);
}

absl::Status EbpfDatapath::ImportLevels(const PortId& id, const std::vector<BucketLevel>& levels) {
  return ebpf::ImportLevels(impl_->pipeline()->maps, id, levels);
}

absl::Status EbpfDatapath::SetCounterBase(const PortId& id, const PortCounters& base) {
  const auto pipeline = impl_->pipeline();
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(pipeline->maps, id));
  return WriteCounterBase(pipeline->maps, index, base);
}

absl::StatusOr<std::map<PortId, std::map<std::string, uint64_t>>> EbpfDatapath::CarriedDrops() {
  return ReadCarriedDrops(impl_->pipeline()->maps);
}

absl::Status EbpfDatapath::AllowAdoption(const PortId& id, uint64_t duration_ns) {
  return ebpf::AllowAdoption(impl_->pipeline()->maps, id, duration_ns);
}

absl::StatusOr<std::map<MulticastMember, int64_t>> EbpfDatapath::ReadMembers() {
  return impl_->ReadMembers();
}

absl::Status EbpfDatapath::PutMember(const MulticastMember& member, int64_t until_us) {
  return impl_->PutMember(member, until_us);
}

absl::Status EbpfDatapath::RemoveMember(const MulticastMember& member) {
  return impl_->RemoveMember(member);
}

absl::Status EbpfDatapath::SendToGuest(const PortId& port, const Vni& vni,
                                       const std::vector<uint8_t>& frame) {
  return impl_->SendToGuest(port, vni, frame);
}

absl::StatusOr<Trace> EbpfDatapath::TraceFrame(const TraceRequest& request) {
  const auto pipeline = impl_->pipeline();
  return pipeline->tracer.TraceFrame(request);
}

absl::StatusOr<std::unique_ptr<CaptureSession>> EbpfDatapath::StartCapture(
    const CaptureRequest& request, PacketCapture::Sink sink) {
  return impl_->captures()->Start(request, std::move(sink));
}

absl::StatusOr<DeliveredFrames> EbpfDatapath::Delivered(const PortId& id) {
  return ReadDelivered(impl_->pipeline()->maps, id);
}

absl::Status EbpfDatapath::Redirect(const PortId& id, std::optional<uint64_t> first,
                                    uint64_t paused_boot_ns) {
  return impl_->pipeline()->departures.Redirect(id, first, paused_boot_ns);
}

absl::Status EbpfDatapath::TakeBack(const PortId& id) {
  return impl_->pipeline()->departures.TakeBack(id);
}

absl::StatusOr<InjectionPoint> EbpfDatapath::InjectionPointOf(const PortId& id) {
  const auto pipeline = impl_->pipeline();
  ASSIGN_OR_RETURN(const uint32_t index, FindPortIndex(pipeline->maps, id));
  auto point = ebpf::InjectionPointOf(pipeline->maps, index);
  if (!point.ok()) return Annotate(point.status(), "port " + id.ToString());
  return point;
}

absl::StatusOr<MoveCounts> EbpfDatapath::ReadMove(const PortId& id) {
  return ReadMoveCounts(impl_->pipeline()->maps, id);
}

}  // namespace outrider::datapath::ebpf
