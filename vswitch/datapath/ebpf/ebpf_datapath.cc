#include "vswitch/datapath/ebpf/ebpf_datapath.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "vswitch/datapath/ebpf/capture_hub.h"
#include "vswitch/datapath/ebpf/connections.h"
#include "vswitch/datapath/ebpf/counters.h"
#include "vswitch/datapath/ebpf/device_binder.h"
#include "vswitch/datapath/ebpf/fdb_table.h"
#include "vswitch/datapath/ebpf/first_frame_reader.h"
#include "vswitch/datapath/ebpf/guest_sender.h"
#include "vswitch/datapath/ebpf/multicast_table.h"
#include "vswitch/datapath/ebpf/neighbor_table.h"
#include "vswitch/datapath/ebpf/port_table.h"
#include "vswitch/datapath/ebpf/port_tracer.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/datapath/ebpf/rule_set_table.h"
#include "vswitch/datapath/ebpf/segment_table.h"
#include "vswitch/datapath/ebpf/source_macs.h"
#include "vswitch/datapath/ebpf/state_reader.h"
#include "vswitch/datapath/ebpf/sweeper.h"
#include "vswitch/datapath/ebpf/tunnel.h"
#include "vswitch/datapath/ebpf/uplink_table.h"
#include "vswitch/datapath/ebpf/vlan_table.h"

namespace outrider::datapath::ebpf {
namespace {

// Programs, maps and what mirrors the maps in memory: made anew as a whole when the tunnel device
// had to be made anew.
struct Pipeline {
  Pipeline(const Options& options, std::unique_ptr<ProgramSet> loaded, sys::NetlinkSocket* netlink,
           sys::TcFilters* filters, sys::TrafficShaper* shaper)
      : programs(std::move(loaded)),
        maps(programs->maps()),
        devices(&maps, netlink, filters, programs.get(), shaper),
        vteps(&maps),
        segments(&maps, &vteps),
        groups(&maps),
        rule_sets(&maps, &groups),
        neighbors(&maps),
        vlans(&maps),
        ports(&maps, &devices, &segments, &rule_sets, &vlans,
              {.mtu = options.underlay_mtu, .overhead = options.vteps.Overhead()}),
        fdb(&maps, &vteps),
        multicast(&maps, &vteps),
        tracer(&maps, programs->constants(), PinnedMapsDir(options.bpffs)),
        uplinks(&maps, netlink, filters, programs.get(), options.uplinks) {}

  // Rebuilds the indices from the maps, after removing what nobody refers to.
  absl::Status Load() {
    ASSIGN_OR_RETURN(Inventory inventory, ReadInventory(maps));
    if (const Orphans orphans = FindOrphans(inventory); !orphans.empty()) {
      RETURN_IF_ERROR(RemoveOrphans(orphans, maps));
      ASSIGN_OR_RETURN(inventory, ReadInventory(maps));
    }
    RETURN_IF_ERROR(devices.ReplaceOldPrograms(inventory));
    vteps.Load(inventory);
    segments.Load(inventory);
    RETURN_IF_ERROR(rule_sets.Load(inventory));
    RETURN_IF_ERROR(groups.Load(inventory));
    vlans.Load(inventory);
    ports.Load(inventory);
    fdb.Load(inventory);
    multicast.Load(inventory);
    RETURN_IF_ERROR(uplinks.Load(inventory));
    // Of ports that went while nobody was here.
    return ebpf::SweepConnections(*programs, abi::OR_SWEEP_OVER).status();
  }

  // An uplink's way out is there before the segment leads to it, the way in when the segment is.
  absl::Status UpsertSegment(const Vni& vni, const state::Segment& segment) {
    RETURN_IF_ERROR(uplinks.Prepare(vni, segment));
    RETURN_IF_ERROR(segments.Upsert(vni, segment));
    return uplinks.Open(vni, segment);
  }

  absl::Status DeleteSegment(const Vni& vni) {
    RETURN_IF_ERROR(uplinks.Close(vni));
    RETURN_IF_ERROR(segments.Delete(vni));
    return uplinks.Forget(vni);
  }

  // Once: after the first Apply, or when nothing was to apply.
  void UnbindUnclaimedDevices() {
    if (!std::exchange(may_have_unclaimed, false)) return;
    const absl::Status status = UnbindUnclaimed(maps, &devices);
    if (status.ok()) return;
    may_have_unclaimed = true;
    spdlog::warn("devices of former ports keep our programs: {}", Message(status));
  }

  std::unique_ptr<ProgramSet> programs;
  DatapathMaps maps;
  DeviceBinder devices;
  VtepTable vteps;
  SegmentTable segments;
  GroupTable groups;
  RuleSetTable rule_sets;
  NeighborTable neighbors;
  VlanTable vlans;
  PortTable ports;
  FdbTable fdb;
  MulticastTable multicast;
  PortTracer tracer;
  UplinkTable uplinks;
  bool may_have_unclaimed = true;  // devices, see sweeper.h
};

// Collects what became of a delta's objects.
class Outcome {
 public:
  template <typename Key>
  void Upserted(ObjectKind kind, const Key& key, const absl::Status& status) {
    if (status.ok()) ++result_.written;
    Failed(kind, key, status);
  }
  template <typename Key>
  void Deleted(ObjectKind kind, const Key& key, const absl::Status& status) {
    if (status.ok()) ++result_.deleted;
    Failed(kind, key, status);
  }
  // What failed beside the delta's own objects.
  template <typename Key>
  void Failed(ObjectKind kind, const std::vector<std::pair<Key, absl::Status>>& failures) {
    for (const auto& [key, status] : failures) Failed(kind, key, status);
  }
  ApplyResult Take() { return std::move(result_); }

 private:
  template <typename Key>
  void Failed(ObjectKind kind, const Key& key, const absl::Status& status) {
    if (!status.ok()) result_.failures.push_back({kind, KeyText(key), status});
  }

  ApplyResult result_;
};

}  // namespace

class EbpfDatapath::Impl {
 public:
  Impl(const Options& options, sys::NetlinkSocket* netlink, std::unique_ptr<sys::TcFilters> filters,
       std::unique_ptr<sys::TrafficShaper> shaper)
      : options_(options),
        netlink_(netlink),
        filters_(std::move(filters)),
        shaper_(std::move(shaper)),
        tunnel_(netlink, filters_.get(), options.tunnel_device, options.vxlan_port) {}

  // Brings tunnel device, programs and indices up, over whatever is there.
  absl::Status Start() {
    ASSIGN_OR_RETURN(const int tunnel, tunnel_.EnsureDevice());
    ASSIGN_OR_RETURN(auto programs,
                     ProgramSet::Create(options_.bpffs,
                                        {.tunnel_ifindex = tunnel, .local_vteps = options_.vteps}));
    auto pipeline = std::make_shared<Pipeline>(options_, std::move(programs), netlink_,
                                               filters_.get(), shaper_.get());
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

  ApplyResult Apply(const state::StateDelta& delta) {
    Outcome outcome;
    // Maps that ports left in an earlier call: its grace period has passed by now.
    if (const absl::Status status = pipeline_->ports.PurgeVlanMaps(); !status.ok()) {
      spdlog::warn("VLAN maps of before may stay until the next change: {}", Message(status));
    }
    // It takes memory, no more, if it stays.
    if (const absl::Status status = pipeline_->ports.RemoveRetired(); !status.ok()) {
      spdlog::warn("limits or addresses of former profiles stay: {}", Message(status));
    }
    Write(delta, &outcome);
    Delete(delta, &outcome);
    pipeline_->UnbindUnclaimedDevices();
    pipeline_->ports.EndApply();
    pipeline_->segments.EndApply();
    pipeline_->uplinks.EndApply();
    if (const absl::Status status = pipeline_->groups.EndApply(); !status.ok()) {
      spdlog::warn("groups: rows of no use stay until the next change: {}", Message(status));
    }
    return outcome.Take();
  }

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
  bool TakeSweepAnyway() { return sweep_anyway_.exchange(false); }

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
    if (const absl::Status status = RepeatFirstFrames(pipeline_->maps, sink_); !status.ok()) {
      spdlog::error("first frames of before may not be reported: {}", Message(status));
    }
  }

  void Write(const state::StateDelta& delta, Outcome* outcome) {
    Pipeline& to = *pipeline_;
    for (const auto& [digest, set] : delta.rule_sets.upserts) {
      outcome->Upserted(ObjectKind::kRuleSet, digest, to.rule_sets.Upsert(digest, set));
    }
    for (const auto& member : delta.group_members.upserts) {
      outcome->Upserted(ObjectKind::kGroupMember, member, to.groups.Insert(member));
    }
    for (const auto& [vni, segment] : delta.segments.upserts) {
      const auto old_mtu = to.segments.Mtu(vni);
      outcome->Upserted(ObjectKind::kSegment, vni, to.UpsertSegment(vni, segment));
      // As it is in force, whatever became of the rest.
      const auto mtu = to.segments.Mtu(vni);
      if (old_mtu && mtu && *mtu != *old_mtu) {
        spdlog::info("segment {}: mtu {} instead of {}", vni.value(), *mtu, *old_mtu);
        RefreshPorts(vni, delta, outcome);
      }
    }
    for (const auto& [key, mac] : delta.neighbors.upserts) {
      outcome->Upserted(ObjectKind::kNeighbor, key, to.neighbors.Upsert(key, mac));
    }
    for (const auto& [id, port] : delta.ports.upserts) {
      outcome->Upserted(ObjectKind::kPort, id, to.ports.Upsert(id, port));
    }
    for (const auto& [key, entry] : delta.fdb.upserts) {
      const auto* port = std::get_if<PortId>(&entry.where);
      const auto index = port == nullptr ? std::nullopt : to.ports.IndexOf(*port);
      outcome->Upserted(ObjectKind::kFdb, key, to.fdb.Upsert(key, entry, index));
    }
    for (const auto& [key, vteps] : delta.multicast_groups.upserts) {
      outcome->Upserted(ObjectKind::kMulticastGroup, key, to.multicast.Upsert(key, vteps));
    }
    // After the FDB: a port with many VLANs that has moved is found at once, whatever its
    // broadcasts take.
    outcome->Failed(ObjectKind::kSegment, to.segments.Flush());
  }

  // Ports the delta does not mention follow their segment's new MTU; the others are about to.
  void RefreshPorts(const Vni& vni, const state::StateDelta& delta, Outcome* outcome) {
    std::vector<std::pair<PortId, absl::Status>> failures;
    for (auto& failure : pipeline_->ports.RefreshSegment(vni)) {
      if (!delta.ports.upserts.contains(failure.first)) failures.push_back(std::move(failure));
    }
    outcome->Failed(ObjectKind::kPort, failures);
  }

  void Delete(const state::StateDelta& delta, Outcome* outcome) {
    Pipeline& from = *pipeline_;
    for (const auto& key : delta.multicast_groups.deletes) {
      outcome->Deleted(ObjectKind::kMulticastGroup, key, from.multicast.Delete(key));
    }
    for (const auto& key : delta.fdb.deletes) {
      outcome->Deleted(ObjectKind::kFdb, key, from.fdb.Delete(key));
    }
    DeletePorts(delta.ports.deletes, outcome);
    outcome->Failed(ObjectKind::kSegment, from.segments.Flush());
    for (const auto& key : delta.neighbors.deletes) {
      outcome->Deleted(ObjectKind::kNeighbor, key, from.neighbors.Delete(key));
    }
    for (const auto& vni : delta.segments.deletes) {
      outcome->Deleted(ObjectKind::kSegment, vni, from.DeleteSegment(vni));
    }
    for (const auto& member : delta.group_members.deletes) {
      outcome->Deleted(ObjectKind::kGroupMember, member, from.groups.Erase(member));
    }
    for (const auto& digest : delta.rule_sets.deletes) {
      outcome->Deleted(ObjectKind::kRuleSet, digest, DeleteRuleSet(digest));
    }
  }

  // Their connections go with them, before an index is another port's.
  void DeletePorts(const std::vector<PortId>& ids, Outcome* outcome) {
    if (ids.empty()) return;
    Pipeline& from = *pipeline_;
    std::set<uint32_t> gone;
    bool had_connections = false;
    for (const PortId& id : ids) {
      const std::optional<uint32_t> index = AnyIndexOf(id);
      had_connections = had_connections || (index && MayHaveConnections(*index));
      const absl::Status status = DeletePort(id, index);
      if (status.ok() && index) gone.insert(*index);
      outcome->Deleted(ObjectKind::kPort, id, status);
    }
    const absl::Status counts = DeleteRuleCounts(
        from.maps, [&](const abi::or_rule_count_key& key) { return gone.contains(key.port); });
    if (!counts.ok()) spdlog::warn("counters of deleted ports' rules stay: {}", Message(counts));
    if (!had_connections) {
      // One may have begun since it was looked: that is a matter of the next sweep.
      sweep_anyway_ = true;
      return;
    }
    absl::Status swept = from.ports.WaitForFrames();
    if (swept.ok()) {
      swept = ebpf::SweepConnections(*from.programs, abi::OR_SWEEP_OVER).status();
    }
    if (!swept.ok()) spdlog::error("connections of deleted ports are left: {}", Message(swept));
  }

  bool MayHaveConnections(uint32_t port) const {
    const auto count = pipeline_->maps.connection_counts.Lookup(port);
    return count.ok() ? *count != 0 : !absl::IsNotFound(count.status());
  }

  absl::Status DeletePort(const PortId& id, const std::optional<uint32_t>& index) {
    if (index) {
      RETURN_IF_ERROR(pipeline_->fdb.DropPort(*index));
      RETURN_IF_ERROR(pipeline_->multicast.DropPort(*index));
    }
    return pipeline_->ports.Delete(id);
  }

  // Also of a port that could not be written: others' rows still name it.
  std::optional<uint32_t> AnyIndexOf(const PortId& id) const {
    if (const auto index = pipeline_->ports.IndexOf(id)) return index;
    const absl::StatusOr<uint32_t> known = FindPortIndex(pipeline_->maps, id);
    return known.ok() ? std::optional(*known) : std::nullopt;
  }

  absl::Status DeleteRuleSet(const Digest& digest) {
    // A port whose new profile was refused is still on it.
    if (pipeline_->ports.UsesRuleSet(digest)) {
      return absl::FailedPreconditionError("rule set " + digest.ToString() +
                                           ": a port still uses it");
    }
    RETURN_IF_ERROR(pipeline_->ports.WaitForFrames());
    return pipeline_->rule_sets.Delete(digest);
  }

  const Options options_;
  sys::NetlinkSocket* const netlink_;
  const std::unique_ptr<sys::TcFilters> filters_;
  const std::unique_ptr<sys::TrafficShaper> shaper_;
  Tunnel tunnel_;
  std::mutex mutex_;  // pipeline_ and captures_, the pointers
  std::shared_ptr<Pipeline> pipeline_;
  std::shared_ptr<CaptureHub> captures_;
  bool repaired_ = false;
  std::atomic<bool> sweep_anyway_ = false;
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
  ASSIGN_OR_RETURN(auto filters, sys::KernelTcFilters::Create());
  ASSIGN_OR_RETURN(auto shaper, sys::TrafficShaper::Create());
  auto impl = std::make_unique<Impl>(options, netlink, std::move(filters), std::move(shaper));
  RETURN_IF_ERROR(impl->Start());
  // Whoever captured before is gone.
  RETURN_IF_ERROR(impl->captures()->Clear());
  return std::unique_ptr<EbpfDatapath>(new EbpfDatapath(std::move(impl)));
}

absl::Status EbpfDatapath::Uninstall(const Options& options, sys::NetlinkSocket* netlink) {
  ASSIGN_OR_RETURN(const auto filters, sys::KernelTcFilters::Create());
  ASSIGN_OR_RETURN(const auto shaper, sys::TrafficShaper::Create());
  ASSIGN_OR_RETURN(const std::set<uint32_t> ours, PinnedProgramIds(options.bpffs));
  ASSIGN_OR_RETURN(const std::vector<sys::Link> links, netlink->ListLinks());
  // Every device: what the maps say need not be whole.
  RETURN_IF_ERROR(LetGoOfUplinks(links, options.bpffs, filters.get(), netlink));
  for (const sys::Link& link : links) {
    RETURN_IF_ERROR(DetachPrograms(filters.get(), static_cast<uint32_t>(link.ifindex),
                                   [&ours](uint32_t id) { return ours.contains(id); }));
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
  const bool sweep = impl_->TakeSweepAnyway() || any;
  return sweep ? ebpf::SweepConnections(*pipeline->programs, abi::OR_SWEEP_OVER) : 0;
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

}  // namespace outrider::datapath::ebpf
