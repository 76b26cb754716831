#include "tests/fakes/fake_datapath.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

namespace outrider::datapath {
namespace {

bool IsArmed(const state::Port& port) { return port.phase == state::PortPhase::kArmed; }

// As the native datapath's: VXLAN over IPv4.
constexpr uint32_t kOverhead = 50;

bool Watches(const state::Port& port) { return port.report_first_frame || IsArmed(port); }

absl::Status OlderEpoch(const std::string& object, Epoch epoch, Epoch in_force) {
  return absl::FailedPreconditionError(
      fmt::format("{}: epoch {} is older than {}, which is in force", object,
                  static_cast<uint64_t>(epoch), static_cast<uint64_t>(in_force)));
}

template <typename Key>
void Record(ObjectKind kind, const Key& key, const absl::Status& status, uint64_t* counter,
            ApplyResult* result) {
  if (status.ok()) {
    ++*counter;
  } else {
    result->failures.push_back({kind, KeyText(key), status});
  }
}

}  // namespace

absl::StatusOr<state::HostState> FakeDatapath::ReadState() {
  const std::lock_guard lock(mutex_);
  if (read_failure_.second > 0) {
    --read_failure_.second;
    return read_failure_.first;
  }
  return ReadLocked();
}

ApplyResult FakeDatapath::Apply(const state::StateDelta& delta) {
  const std::lock_guard lock(mutex_);
  ApplyResult result;
  applied_.push_back(delta);
  Write(delta, &result);
  Delete(delta, &result);
  total_written_ += result.written;
  total_deleted_ += result.deleted;
  return result;
}

void FakeDatapath::AllowOlderEpoch(const PortId& id) {
  const std::lock_guard lock(mutex_);
  any_epoch_.insert(id);
}

absl::StatusOr<std::set<PortId>> FakeDatapath::FindLostPorts() {
  const std::lock_guard lock(mutex_);
  std::set<PortId> lost;
  const state::HostState now = ReadLocked();
  for (const auto& [id, port] : state_.ports) {
    if (port.phase == state::PortPhase::kDeparted) continue;
    if (port.device && !now.ports.at(id).device) lost.insert(id);
  }
  return lost;
}

std::set<Vni> FakeDatapath::FindLostSegments() {
  const std::lock_guard lock(mutex_);
  std::set<Vni> lost;
  for (const auto& [vni, status] : lost_segments_) {
    if (state_.segments.contains(vni)) lost.insert(vni);
  }
  return lost;
}

void FakeDatapath::SetEventSink(EventSink* sink) {
  std::vector<FirstFrameEvent> waiting;
  std::vector<ReturnedEvent> returned;
  if (sink != nullptr) {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, event] : first_frames_) {
      const auto port = state_.ports.find(id);
      if (port != state_.ports.end() && IsArmed(port->second)) waiting.push_back(event);
    }
    for (const auto& [id, time_us] : moves_.returned()) returned.push_back({id, time_us});
  }
  const std::lock_guard lock(sink_mutex_);
  sink_ = sink;
  for (const FirstFrameEvent& event : waiting) sink_->OnFirstFrame(event);
  for (const ReturnedEvent& event : returned) sink_->OnReturned(event);
}

absl::StatusOr<std::map<PortId, PortCounters>> FakeDatapath::ReadPorts() {
  const std::lock_guard lock(mutex_);
  std::map<PortId, PortCounters> counters;
  for (const auto& [id, port] : state_.ports) {
    const auto found = counters_.find(id);
    counters[id] = found == counters_.end() ? PortCounters{} : found->second;
    counters[id].local = state::IsLocal(port);
  }
  return counters;
}

absl::StatusOr<std::map<std::string, uint64_t>> FakeDatapath::ReadHostDrops() {
  const std::lock_guard lock(mutex_);
  return host_drops_;
}

void FakeDatapath::AddDevice(const std::string& name) {
  const std::lock_guard lock(mutex_);
  devices_[name] = next_incarnation_++;
  removed_devices_.erase(name);
}

void FakeDatapath::RemoveDevice(const std::string& name) {
  const std::lock_guard lock(mutex_);
  devices_.erase(name);
  removed_devices_.insert(name);
}

bool FakeDatapath::InjectFirstFrame(const PortId& port, uint16_t ether_type, int64_t time_us) {
  FirstFrameEvent event{.port = port, .ether_type = ether_type, .time_us = time_us};
  {
    const std::lock_guard lock(mutex_);
    const auto found = state_.ports.find(port);
    if (found == state_.ports.end() || !Watches(found->second) || !IsBound(port)) return false;
    event.armed = IsArmed(found->second);
    if (!first_frames_.emplace(port, event).second) return false;
  }
  const std::lock_guard lock(sink_mutex_);
  if (sink_ == nullptr) return false;
  sink_->OnFirstFrame(event);
  return true;
}

bool FakeDatapath::InjectGuestFrame(const PortId& port, int64_t time_us) {
  {
    const std::lock_guard lock(mutex_);
    if (!IsBound(port) || !moves_.GuestSends(port, time_us)) return false;
  }
  const std::lock_guard lock(sink_mutex_);
  if (sink_ == nullptr) return false;
  sink_->OnReturned({.port = port, .time_us = time_us});
  return true;
}

FrameFate FakeDatapath::InjectDelivery(const PortId& port, uint64_t boot_ns,
                                       const std::optional<MacAddress>& destination) {
  const std::lock_guard lock(mutex_);
  const state::HostState now = ReadLocked();
  const auto found = now.ports.find(port);
  const bool forwards =
      found != now.ports.end() && (found->second.phase == state::PortPhase::kActive ||
                                   found->second.phase == state::PortPhase::kDeparted);
  if (!forwards) return FrameFate::kDropped;
  return moves_.Deliver(port, boot_ns, destination.value_or(found->second.mac));
}

std::optional<PortId> FakeDatapath::InjectArrival(const IpAddress& source, uint16_t label) {
  const std::lock_guard lock(mutex_);
  return moves_.Arrive(source, label);
}

void FakeDatapath::SetArrivalCounts(const PortId& port, uint64_t arrived, uint64_t refused) {
  const std::lock_guard lock(mutex_);
  moves_.SetPeerCounts(port, arrived, refused);
}

std::vector<uint64_t> FakeDatapath::SentAfter(const PortId& port) const {
  const std::lock_guard lock(mutex_);
  return moves_.Sent(port);
}

absl::StatusOr<DeliveredFrames> FakeDatapath::Delivered(const PortId& id) {
  const std::lock_guard lock(mutex_);
  return moves_.Delivered(id);
}

absl::Status FakeDatapath::Redirect(const PortId& id, std::optional<uint64_t> first,
                                    uint64_t /*paused_boot_ns*/) {
  const std::lock_guard lock(mutex_);
  return moves_.Redirect(id, first);
}

absl::Status FakeDatapath::TakeBack(const PortId& id) {
  const std::lock_guard lock(mutex_);
  return moves_.TakeBack(id);
}

absl::StatusOr<MoveCounts> FakeDatapath::ReadMove(const PortId& id) {
  const std::lock_guard lock(mutex_);
  return moves_.ReadMove(id);
}

void FakeDatapath::SetCounters(const PortId& port, const PortCounters& counters) {
  const std::lock_guard lock(mutex_);
  counters_[port] = counters;
}

void FakeDatapath::SetHostDrops(const std::map<std::string, uint64_t>& drops) {
  const std::lock_guard lock(mutex_);
  host_drops_ = drops;
}

void FakeDatapath::FailUpsert(ObjectKind kind, const std::string& key, const absl::Status& status,
                              int times) {
  const std::lock_guard lock(mutex_);
  upsert_failures_[{kind, key}] = {status, times};
}

void FakeDatapath::LoseSegment(const Vni& vni, const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  lost_segments_.erase(vni);
  if (!status.ok()) lost_segments_.emplace(vni, status);
}

void FakeDatapath::FailReadState(const absl::Status& status, int times) {
  const std::lock_guard lock(mutex_);
  read_failure_ = {status, times};
}

std::vector<state::StateDelta> FakeDatapath::applied() const {
  const std::lock_guard lock(mutex_);
  return applied_;
}

uint64_t FakeDatapath::total_written() const {
  const std::lock_guard lock(mutex_);
  return total_written_;
}

uint64_t FakeDatapath::total_deleted() const {
  const std::lock_guard lock(mutex_);
  return total_deleted_;
}

std::optional<FakeDatapath::Incarnation> FakeDatapath::FindDevice(const std::string& name) const {
  const auto found = devices_.find(name);
  if (found != devices_.end()) return found->second;
  if (options_.any_device_exists && !removed_devices_.contains(name)) return 0;
  return std::nullopt;
}

state::HostState FakeDatapath::ReadLocked() const {
  state::HostState state = state_;
  for (auto& [id, port] : state.ports) {
    if (IsArmed(port) && first_frames_.contains(id)) port.phase = state::PortPhase::kActive;
    if (!port.device || IsBound(id)) continue;
    port.device.reset();
    if (port.phase != state::PortPhase::kDeparted) port.phase = state::PortPhase::kBlocked;
  }
  return state;
}

bool FakeDatapath::IsBound(const PortId& id) const {
  const auto port = state_.ports.find(id);
  const auto binding = bindings_.find(id);
  return port != state_.ports.end() && binding != bindings_.end() &&
         port->second.device == binding->second.device &&
         FindDevice(binding->second.device) == binding->second.incarnation;
}

absl::Status FakeDatapath::UpsertSegment(const Vni& vni, const state::Segment& segment) {
  RETURN_IF_ERROR(TakeFailure(ObjectKind::kSegment, KeyText(vni)));
  state_.segments.insert_or_assign(vni, segment);
  const auto lost = lost_segments_.find(vni);
  return lost == lost_segments_.end() ? absl::OkStatus() : lost->second;
}

absl::Status FakeDatapath::UpsertPort(const PortId& id, state::Port port) {
  const auto old = state_.ports.find(id);
  if (old != state_.ports.end() && port.epoch < old->second.epoch && !any_epoch_.contains(id)) {
    return OlderEpoch("port " + id.ToString(), port.epoch, old->second.epoch);
  }
  const state::Port wanted = port;
  absl::Status status = TakeFailure(ObjectKind::kPort, KeyText(id));
  if (status.ok()) status = Resolve(id, &port);
  const absl::Status bound = Bind(id, &port);
  // What is redirected needs no device here.
  const bool needs_device = port.phase != state::PortPhase::kDeparted;
  if (status.ok() && needs_device) status = bound;
  if (!status.ok()) port.phase = state::PortPhase::kBlocked;
  if (port.arrival) port.arrival->host.clear();
  PrepareFirstFrame(id, port);
  state_.ports.insert_or_assign(id, port);
  wanted_.insert_or_assign(id, wanted);
  any_epoch_.erase(id);
  RefreshMove(id);
  return status;
}

absl::Status FakeDatapath::Resolve(const PortId& id, state::Port* port) const {
  const std::string name = "port " + id.ToString();
  absl::Status status;
  for (auto* digest : {&port->ingress_rule_set, &port->egress_rule_set}) {
    if (!*digest || state_.rule_sets.contains(**digest)) continue;
    status = absl::FailedPreconditionError(
        fmt::format("{}: rule set {} is not in force", name, (*digest)->ToString()));
    digest->reset();
  }
  for (const Vni& vni : state::SegmentsOf(*port)) {
    const auto segment = state_.segments.find(vni);
    if (segment == state_.segments.end()) {
      return absl::FailedPreconditionError(
          fmt::format("{}: segment {} is not in force", name, vni.ToString()));
    }
    const uint32_t mtu = segment->second.mtu;
    if (vni.IsLocal() || mtu + kOverhead <= options_.underlay_mtu) continue;
    return absl::FailedPreconditionError(fmt::format(
        "{}: segment {} mtu {} needs an underlay of {} bytes, this host has {}; lower the "
        "segment's mtu or raise the underlay's",
        name, vni.value(), mtu, mtu + kOverhead, options_.underlay_mtu));
  }
  return status;
}

absl::Status FakeDatapath::Bind(const PortId& id, state::Port* port) {
  bindings_.erase(id);
  if (!port->device) return absl::OkStatus();
  const std::string device = *port->device;
  const auto incarnation = FindDevice(device);
  if (!incarnation) {
    port->device.reset();
    return absl::NotFoundError(
        fmt::format("port {}: device {}: no such device", id.ToString(), device));
  }
  const Binding binding{.device = device, .incarnation = *incarnation};
  // Who had the device a moment ago forwards no more.
  std::erase_if(bindings_, [&binding](const auto& entry) { return entry.second == binding; });
  bindings_[id] = binding;
  return absl::OkStatus();
}

void FakeDatapath::PrepareFirstFrame(const PortId& id, const state::Port& port) {
  const auto found = state_.ports.find(id);
  const bool watched = found != state_.ports.end() && Watches(found->second);
  // Opened by its guest, and written again by who has not heard of it: that does not shut it.
  const bool same_wait = watched && IsArmed(found->second) && IsArmed(port) &&
                         found->second.epoch == port.epoch &&
                         found->second.migration_id == port.migration_id;
  if (!watched || (IsArmed(port) && !same_wait) || !Watches(port)) first_frames_.erase(id);
}

absl::Status FakeDatapath::UpsertDeparture(const PortId& id, const state::Departure& departure) {
  RETURN_IF_ERROR(TakeFailure(ObjectKind::kDeparture, KeyText(id)));
  if (!state_.ports.contains(id)) {
    return absl::FailedPreconditionError("port " + id.ToString() + ": is not in force");
  }
  state::Departure& in_force = state_.departures[id];
  in_force = departure;
  in_force.host.clear();
  in_force.peer.clear();
  RefreshMove(id);
  return absl::OkStatus();
}

void FakeDatapath::RefreshMove(const PortId& id) {
  const auto port = state_.ports.find(id);
  const auto departure = state_.departures.find(id);
  moves_.Refresh(id, port == state_.ports.end() ? nullptr : &port->second,
                 departure == state_.departures.end() ? nullptr : &departure->second);
}

absl::Status FakeDatapath::UpsertFdb(const state::FdbKey& key, const state::FdbEntry& entry) {
  RETURN_IF_ERROR(TakeFailure(ObjectKind::kFdb, KeyText(key)));
  const auto old = state_.fdb.find(key);
  if (old != state_.fdb.end() && entry.epoch != Epoch{} && entry.epoch < old->second.epoch) {
    return OlderEpoch("fdb " + KeyText(key), entry.epoch, old->second.epoch);
  }
  const auto* port = std::get_if<PortId>(&entry.where);
  if (port != nullptr && !state_.ports.contains(*port)) {
    return absl::FailedPreconditionError("port " + port->ToString() + ": is not in force");
  }
  state_.fdb.insert_or_assign(key, entry);
  return absl::OkStatus();
}

absl::Status FakeDatapath::TakeFailure(ObjectKind kind, const std::string& key) {
  const auto found = upsert_failures_.find({kind, key});
  if (found == upsert_failures_.end() || found->second.second == 0) return absl::OkStatus();
  --found->second.second;
  return found->second.first;
}

void FakeDatapath::RefreshPorts(const state::StateDelta& delta, const std::set<Vni>& changed,
                                ApplyResult* result) {
  const std::map<PortId, state::Port> wanted = wanted_;
  for (const auto& [id, port] : wanted) {
    const std::set<Vni> segments = state::SegmentsOf(port);
    const bool follows = std::any_of(segments.begin(), segments.end(),
                                     [&](const Vni& vni) { return changed.contains(vni); });
    if (!follows || delta.ports.upserts.contains(id)) continue;
    if (const absl::Status status = UpsertPort(id, port); !status.ok()) {
      result->failures.push_back({ObjectKind::kPort, KeyText(id), status});
    }
  }
}

void FakeDatapath::Write(const state::StateDelta& delta, ApplyResult* result) {
  for (const auto& [digest, set] : delta.rule_sets.upserts) {
    const absl::Status status = TakeFailure(ObjectKind::kRuleSet, KeyText(digest));
    if (status.ok()) state_.rule_sets.emplace(digest, set);
    Record(ObjectKind::kRuleSet, digest, status, &result->written, result);
  }
  for (const auto& member : delta.group_members.upserts) {
    const absl::Status status = TakeFailure(ObjectKind::kGroupMember, KeyText(member));
    if (status.ok()) state_.group_members.insert(member);
    Record(ObjectKind::kGroupMember, member, status, &result->written, result);
  }
  std::set<Vni> changed;
  for (const auto& [vni, segment] : delta.segments.upserts) {
    const auto old = state_.segments.find(vni);
    if (old != state_.segments.end() && old->second.mtu != segment.mtu) changed.insert(vni);
    Record(ObjectKind::kSegment, vni, UpsertSegment(vni, segment), &result->written, result);
  }
  RefreshPorts(delta, changed, result);
  for (const auto& [key, mac] : delta.neighbors.upserts) {
    const absl::Status status = TakeFailure(ObjectKind::kNeighbor, KeyText(key));
    if (status.ok()) state_.neighbors.insert_or_assign(key, mac);
    Record(ObjectKind::kNeighbor, key, status, &result->written, result);
  }
  for (const auto& [id, port] : delta.ports.upserts) {
    Record(ObjectKind::kPort, id, UpsertPort(id, port), &result->written, result);
  }
  for (const auto& [id, departure] : delta.departures.upserts) {
    Record(ObjectKind::kDeparture, id, UpsertDeparture(id, departure), &result->written, result);
  }
  for (const auto& [key, entry] : delta.fdb.upserts) {
    Record(ObjectKind::kFdb, key, UpsertFdb(key, entry), &result->written, result);
  }
  for (const auto& [key, vteps] : delta.multicast_groups.upserts) {
    const absl::Status status = TakeFailure(ObjectKind::kMulticastGroup, KeyText(key));
    if (status.ok()) state_.multicast_groups.insert_or_assign(key, vteps);
    Record(ObjectKind::kMulticastGroup, key, status, &result->written, result);
  }
}

void FakeDatapath::DeletePort(const PortId& id) {
  state_.ports.erase(id);
  state_.departures.erase(id);
  wanted_.erase(id);
  bindings_.erase(id);
  first_frames_.erase(id);
  any_epoch_.erase(id);
  counters_.erase(id);
  RefreshMove(id);
  std::erase_if(state_.fdb, [&id](const auto& entry) {
    const auto* port = std::get_if<PortId>(&entry.second.where);
    return port != nullptr && *port == id;
  });
}

void FakeDatapath::Delete(const state::StateDelta& delta, ApplyResult* result) {
  for (const auto& key : delta.multicast_groups.deletes) state_.multicast_groups.erase(key);
  result->deleted += delta.multicast_groups.deletes.size();
  for (const auto& key : delta.fdb.deletes) state_.fdb.erase(key);
  for (const auto& id : delta.departures.deletes) {
    state_.departures.erase(id);
    RefreshMove(id);
  }
  result->deleted += delta.departures.deletes.size();
  for (const auto& id : delta.ports.deletes) DeletePort(id);
  for (const auto& key : delta.neighbors.deletes) state_.neighbors.erase(key);
  for (const auto& vni : delta.segments.deletes) state_.segments.erase(vni);
  for (const auto& member : delta.group_members.deletes) state_.group_members.erase(member);
  result->deleted += delta.group_members.deletes.size();
  result->deleted += delta.fdb.deletes.size() + delta.ports.deletes.size() +
                     delta.neighbors.deletes.size() + delta.segments.deletes.size();
  for (const auto& digest : delta.rule_sets.deletes) {
    const bool used =
        std::any_of(state_.ports.begin(), state_.ports.end(), [&digest](const auto& entry) {
          return entry.second.ingress_rule_set == digest || entry.second.egress_rule_set == digest;
        });
    const absl::Status status =
        used ? absl::FailedPreconditionError("rule set " + digest.ToString() +
                                             ": a port still uses it")
             : absl::OkStatus();
    if (!used) state_.rule_sets.erase(digest);
    Record(ObjectKind::kRuleSet, digest, status, &result->deleted, result);
  }
}

}  // namespace outrider::datapath
