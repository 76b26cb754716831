#include "vswitch/datapath/ebpf/port_table.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

#include "vswitch/abi/or_drop.h"
#include "vswitch/datapath/ebpf/absent_row.h"
#include "vswitch/datapath/ebpf/arrival_rows.h"
#include "vswitch/datapath/ebpf/port_buckets.h"

namespace outrider::datapath::ebpf {
namespace {

bool WatchesFirstFrame(const abi::or_port& row) {
  return row.phase == abi::OR_PORT_ARMED || (row.flags & OR_PORT_REPORT_FIRST_FRAME) != 0;
}

// A port that is ARMED anew, for another epoch or migration, waits for a frame, whatever came
// before. One that is only written again has been opened by its frame for good. A frame seen while
// armed is not reported again when the port goes active.
bool StartsWatch(const abi::or_port& row, const std::optional<abi::or_port>& in_force,
                 bool same_migration) {
  if (!WatchesFirstFrame(row)) return false;
  if (!in_force || !WatchesFirstFrame(*in_force)) return true;
  if (row.phase != abi::OR_PORT_ARMED) return false;
  return in_force->phase != abi::OR_PORT_ARMED || in_force->epoch != row.epoch || !same_migration;
}

absl::Status DeleteDrops(const DatapathMaps& maps, uint32_t index) {
  for (uint32_t reason = 1; reason < OR_DROP_REASON_COUNT; ++reason) {
    RETURN_IF_ERROR(OkIfAbsent(maps.drops.Delete({.port = index, .reason = reason})));
  }
  return absl::OkStatus();
}

bool SameBytes(const abi::or_port& a, const abi::or_port& b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

uint32_t DeviceFlags(const sys::Link& link, const state::Shaper& shaper) {
  if (link.kind != "veth") return 0;
  // A shaper works on the device's queue.
  const bool straight = link.peer_elsewhere && shaper.max_kbps == 0;
  return OR_DEVICE_TAKES_UNPACKED | (straight ? OR_DEVICE_PEER : 0);
}

}  // namespace

void PortTable::Load(const Inventory& inventory) {
  std::map<uint32_t, Digest> rule_sets;
  for (const auto& [id, loaded] : inventory.rule_sets) rule_sets[id] = loaded.digest;
  policies_.Load(inventory);
  for (const auto& [index, row] : inventory.ports) {
    const auto info = inventory.port_info.find(index);
    if (info == inventory.port_info.end()) continue;
    Entry& entry = entries_[DecodePortId(info->second)];
    entry.index = index;
    entry.row = row;
    entry.ifindex = row.ifindex;
    entry.port = DecodePort(row, info->second, rule_sets, inventory).value_or(state::Port{});
    entry.port.arrival = ArrivalOf(inventory, index);
    entry.moving = (row.flags & OR_PORT_MOVING) != 0;
    indices_.insert(index);
    last_index_ = index;
    // Who ran before may have replaced it just now.
    place_free_[index] = grace_.MarkFreed();
  }
  grace_.Begin();
}

absl::Status PortTable::Upsert(const PortId& id, const state::Port& wanted) {
  RETURN_IF_ERROR(CheckEpoch(id, wanted));
  ASSIGN_OR_RETURN(Entry * entry, EntryOf(id));
  state::Port port = wanted;
  PortReferences references;
  absl::Status status = Resolve(id, &port, &references);
  // A local port's device is its owner's, but for what was asked of it.
  const uint32_t wanted_mtu = state::IsLocal(port) ? port.mtu_request : references.mtu;
  const uint32_t device_mtu = status.ok() ? wanted_mtu : 0;
  if (const absl::Status bound = Rebind(id, port, device_mtu, entry, &references);
      !bound.ok() && !(port.phase == state::PortPhase::kDeparted && absl::IsNotFound(bound))) {
    port.phase = state::PortPhase::kBlocked;
    if (status.ok()) status = Annotate(bound, "port " + id.ToString());
  }
  if (references.ifindex == 0) port.device.reset();
  if (const absl::Status written = WriteRows(id, port, references, entry); !written.ok()) {
    Silence(entry);
    return written;
  }
  // As wanted, not as it could be had: RefreshSegment tries again.
  entry->port = wanted;
  entry->any_epoch = false;
  return status;
}

absl::Status PortTable::Delete(const PortId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return absl::OkStatus();
  Entry& entry = found->second;
  if (entry.row) {
    // Without its row the port forwards nothing in either direction; only then the filters go.
    SetCopied({}, entry.row, entry.index);
    RETURN_IF_ERROR(OkIfAbsent(maps_->ports.Delete(entry.index)));
    place_free_[entry.index] = grace_.MarkFreed();
    entry.row.reset();
  }
  if (entry.ifindex != 0) RETURN_IF_ERROR(devices_->Unbind(entry.ifindex));
  if (entry.port.arrival) RETURN_IF_ERROR(SetArrival(*maps_, entry.index, std::nullopt));
  RETURN_IF_ERROR(DeletePortSideRows(*maps_, entry.index));
  indices_.erase(entry.index);
  entries_.erase(found);
  return absl::OkStatus();
}

std::vector<std::pair<PortId, absl::Status>> PortTable::RefreshSegment(const Vni& vni) {
  std::vector<std::pair<PortId, absl::Status>> failures;
  for (const auto& [id, entry] : entries_) {
    if (!state::SegmentsOf(entry.port).contains(vni)) continue;
    const state::Port port = entry.port;
    if (const absl::Status status = Upsert(id, port); !status.ok()) {
      failures.emplace_back(id, status);
    }
  }
  return failures;
}

void PortTable::AllowOlderEpoch(const PortId& id) {
  const auto found = entries_.find(id);
  if (found != entries_.end()) found->second.any_epoch = true;
}

absl::StatusOr<std::set<PortId>> PortTable::FindLost() {
  std::map<uint32_t, std::string> devices;
  for (const auto& [id, entry] : entries_) {
    if (entry.row && entry.row->ifindex != 0 && entry.port.device) {
      devices[entry.row->ifindex] = *entry.port.device;
    }
  }
  ASSIGN_OR_RETURN(const std::set<uint32_t> whole, devices_->Whole(devices));
  std::set<PortId> lost;
  for (const auto& [id, entry] : entries_) {
    if (!entry.row || entry.row->ifindex == 0) continue;
    // It needs no device any more.
    if (entry.row->phase == abi::OR_PORT_DEPARTED) continue;
    ASSIGN_OR_RETURN(const bool shaped, IsShaped(entry));
    if (!shaped || !whole.contains(entry.row->ifindex)) lost.insert(id);
  }
  return lost;
}

// A port that is blocked for want of its shaper has lost nothing.
absl::StatusOr<bool> PortTable::IsShaped(const Entry& entry) const {
  if (entry.port.shaper.max_kbps == 0 || entry.row->phase == abi::OR_PORT_BLOCKED) return true;
  return devices_->HasShaper(entry.row->ifindex, entry.port.shaper);
}

std::optional<uint32_t> PortTable::IndexOf(const PortId& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end() || !found->second.row) return std::nullopt;
  return found->second.index;
}

std::optional<uint32_t> PortTable::ArrivesAnew(const PortId& id, const state::Port& wanted) const {
  const auto found = entries_.find(id);
  if (found == entries_.end() || wanted.phase != state::PortPhase::kArmed) return std::nullopt;
  const bool known = found->second.port.migration_id == wanted.migration_id;
  return known ? std::nullopt : std::optional(found->second.index);
}

bool PortTable::Learns(const PortId& id) const {
  const auto found = entries_.find(id);
  return found != entries_.end() && found->second.row &&
         (found->second.row->flags & OR_PORT_LEARN_MACS) != 0;
}

uint8_t PortTable::PhaseOf(const PortId& id) const {
  const auto found = entries_.find(id);
  const bool in_force = found != entries_.end() && found->second.row;
  return in_force ? found->second.row->phase : static_cast<uint8_t>(abi::OR_PORT_BLOCKED);
}

absl::Status PortTable::SetMoving(const PortId& id, bool moving) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return absl::OkStatus();
  Entry& entry = found->second;
  entry.moving = moving;
  if (!entry.row) return absl::OkStatus();
  abi::or_port row = *entry.row;
  row.flags &= static_cast<uint8_t>(~OR_PORT_MOVING);
  if (moving) row.flags |= OR_PORT_MOVING;
  return ReplaceRow(row, &entry);
}

bool PortTable::UsesRuleSet(const Digest& digest) const {
  const auto rule_set = rule_sets_->IdOf(digest);
  if (!rule_set) return false;
  for (const auto& [id, entry] : entries_) {
    if (entry.row &&
        (entry.row->ingress_rule_set == *rule_set || entry.row->egress_rule_set == *rule_set)) {
      return true;
    }
  }
  return false;
}

absl::Status PortTable::PurgeVlanMaps() {
  std::set<uint32_t> used;
  for (const auto& [id, entry] : entries_) {
    if (entry.row && entry.row->vlan_map != 0) used.insert(entry.row->vlan_map);
  }
  if (!vlans_->HasOthers(used)) return absl::OkStatus();
  RETURN_IF_ERROR(WaitForFrames());
  return vlans_->KeepOnly(used);
}

absl::StatusOr<PortTable::Entry*> PortTable::EntryOf(const PortId& id) {
  if (const auto found = entries_.find(id); found != entries_.end()) return &found->second;
  // Goes round, so that an index is not reused while frames may still carry its old meaning.
  for (uint32_t step = 1; step < OR_MAX_PORTS; ++step) {
    const uint32_t index = 1 + (last_index_ + step - 1) % (OR_MAX_PORTS - 1);
    if (indices_.contains(index)) continue;
    // A frame that was under way may have spent from them after the former port's end.
    RETURN_IF_ERROR(RenewBuckets(*maps_, index));
    indices_.insert(index);
    last_index_ = index;
    Entry& entry = entries_[id];
    entry.index = index;
    return &entry;
  }
  return absl::ResourceExhaustedError(
      fmt::format("port {}: this host already has {} ports", id.ToString(), OR_MAX_PORTS - 1));
}

absl::Status PortTable::Rebind(const PortId& id, const state::Port& port, uint32_t mtu,
                               Entry* entry, PortReferences* bound) {
  if (!port.device) return Unbind(entry);
  // A device that was renamed, or that netlink does not tell of just now, keeps our programs:
  // without them its guest would be a neighbour of the host itself.
  ASSIGN_OR_RETURN(const sys::Link link, devices_->Find(*port.device));
  const auto ifindex = static_cast<uint32_t>(link.ifindex);
  if (entry->ifindex != ifindex) {
    RETURN_IF_ERROR(Unbind(entry));
    RETURN_IF_ERROR(TakeFromOther(id, ifindex));
  }
  // A device that does not take MTU or shaper is bound all the same, to a blocked port.
  absl::Status fits = mtu == 0 ? absl::OkStatus() : devices_->SetMtu(link, mtu);
  if (fits.ok()) fits = devices_->SetShaper(link, port.shaper);
  entry->ifindex = ifindex;
  RETURN_IF_ERROR(devices_->Bind(link, entry->index));
  bound->ifindex = ifindex;
  bound->device = DeviceFlags(link, port.shaper);
  return fits;
}

absl::Status PortTable::TakeFromOther(const PortId& id, uint32_t ifindex) {
  for (auto& [other_id, other] : entries_) {
    if (other_id == id || other.ifindex != ifindex) continue;
    // Its filters stay: the new port's are the same.
    RETURN_IF_ERROR(Block(&other));
    other.ifindex = 0;
  }
  return absl::OkStatus();
}

absl::Status PortTable::Unbind(Entry* entry) {
  if (entry->ifindex == 0) return absl::OkStatus();
  RETURN_IF_ERROR(Block(entry));
  RETURN_IF_ERROR(devices_->Unbind(entry->ifindex));
  entry->ifindex = 0;
  return absl::OkStatus();
}

absl::Status PortTable::Block(Entry* entry) {
  if (!entry->row) return absl::OkStatus();
  abi::or_port row = *entry->row;
  row.phase = abi::OR_PORT_BLOCKED;
  row.ifindex = 0;
  return ReplaceRow(row, entry);
}

absl::Status PortTable::WriteRows(const PortId& id, const state::Port& port,
                                  PortReferences references, Entry* entry) {
  const uint32_t index = entry->index;
  const bool is_new = !entry->row;
  ASSIGN_OR_RETURN(references.policy, policies_.Ensure(port));
  references.moving = entry->moving;
  const abi::or_port row = EncodePort(port, references);
  const abi::or_port_info info = EncodePortInfo(id, port);
  if (is_new) {
    // Counters of a port that was silenced go on.
    RETURN_IF_ERROR(KeepOrCreate(maps_->port_stats, index));
    RETURN_IF_ERROR(maps_->port_info.Update(index, info));
  }
  const abi::or_limits limits = policies_.LimitsOf(row.limits);
  const abi::or_limits limits_before = policies_.LimitsOf(is_new ? row.limits : entry->row->limits);
  const bool counts_macs = row.max_macs != 0 || (row.flags & OR_PORT_LEARN_MACS) != 0;
  if (counts_macs) RETURN_IF_ERROR(KeepOrCreate(maps_->mac_windows, index));
  if (row.max_connections != 0) {
    RETURN_IF_ERROR(KeepOrCreate(maps_->fragments, index));
    RETURN_IF_ERROR(KeepOrCreate(maps_->connection_counts, index));
  }
  const bool forget_frame =
      StartsWatch(row, entry->row, entry->port.migration_id == port.migration_id);
  if (forget_frame) RETURN_IF_ERROR(OkIfAbsent(maps_->first_frames.Delete(index)));
  RETURN_IF_ERROR(ReplaceRow(row, entry));
  if (entry->port.arrival || port.arrival) {
    RETURN_IF_ERROR(SetArrival(*maps_, index, port.arrival));
  }
  RETURN_IF_ERROR(RenewBuckets(*maps_, index, limits_before, limits));
  if (!counts_macs) RETURN_IF_ERROR(OkIfAbsent(maps_->mac_windows.Delete(index)));
  if (!is_new) RETURN_IF_ERROR(maps_->port_info.Update(index, info));
  // Once more: a frame by the old row may have been noted meanwhile.
  if (forget_frame || !WatchesFirstFrame(row)) {
    return OkIfAbsent(maps_->first_frames.Delete(index));
  }
  return absl::OkStatus();
}

void PortTable::EndApply() {
  std::set<uint32_t> limits;
  std::set<uint32_t> allowed;
  for (const auto& [id, entry] : entries_) {
    if (!entry.row) continue;
    limits.insert(entry.row->limits);
    allowed.insert(entry.row->allowed);
  }
  policies_.Retire(limits, allowed);
  policies_free_ = grace_.LastFreed();
  grace_.Begin();
}

absl::Status PortTable::RemoveRetired() {
  return grace_.IsOver(policies_free_) ? policies_.RemoveRetired() : absl::OkStatus();
}

absl::Status PortTable::ReplaceRow(const abi::or_port& row, Entry* entry) {
  if (entry->row && SameBytes(*entry->row, row)) return absl::OkStatus();
  absl::Status status = grace_.WaitFor(place_free_[entry->index]);
  if (status.ok()) status = maps_->ports.Update(entry->index, row);
  if (!status.ok()) {
    Silence(entry);
    return status;
  }
  if (entry->row) place_free_[entry->index] = grace_.MarkFreed();
  SetCopied(row, entry->row, entry->index);
  entry->row = row;
  return absl::OkStatus();
}

void PortTable::SetCopied(const abi::or_port& row, const std::optional<abi::or_port>& old,
                          uint32_t index) {
  const std::set<uint32_t> segments = SegmentsOf(row, vlans_->Find(row.vlan_map));
  if (old) {
    for (const uint32_t vni : SegmentsOf(*old, vlans_->Find(old->vlan_map))) {
      if (!segments.contains(vni)) segments_->SetCopied(vni, index, false);
    }
  }
  for (const uint32_t vni : segments) segments_->SetCopied(vni, index, TakesCopies(row));
}

void PortTable::Silence(Entry* entry) {
  if (!entry->row) return;
  if (const absl::Status status = OkIfAbsent(maps_->ports.Delete(entry->index)); !status.ok()) {
    spdlog::error("port index {}: cannot be closed: {}", entry->index, Message(status));
    return;
  }
  place_free_[entry->index] = grace_.MarkFreed();
  SetCopied({}, entry->row, entry->index);
  entry->row.reset();
}

absl::Status ResetPortCounts(const DatapathMaps& maps, uint32_t index) {
  RETURN_IF_ERROR(DeleteDrops(maps, index));
  RETURN_IF_ERROR(OkIfAbsent(maps.counter_bases.Delete(index)));
  RETURN_IF_ERROR(OkIfAbsent(maps.port_stats.Delete(index)));
  return KeepOrCreate(maps.port_stats, index);
}

absl::Status DeletePortSideRows(const DatapathMaps& maps, uint32_t index) {
  RETURN_IF_ERROR(DeleteDrops(maps, index));
  // First: without its count a port gets no new connection.
  RETURN_IF_ERROR(OkIfAbsent(maps.connection_counts.Delete(index)));
  RETURN_IF_ERROR(OkIfAbsent(maps.fragments.Delete(index)));
  RETURN_IF_ERROR(OkIfAbsent(maps.adoptions.Delete(index)));
  RETURN_IF_ERROR(OkIfAbsent(maps.first_frames.Delete(index)));
  RETURN_IF_ERROR(OkIfAbsent(maps.mac_windows.Delete(index)));
  RETURN_IF_ERROR(RenewBuckets(maps, index));
  RETURN_IF_ERROR(OkIfAbsent(maps.port_stats.Delete(index)));
  RETURN_IF_ERROR(OkIfAbsent(maps.counter_bases.Delete(index)));
  return OkIfAbsent(maps.port_info.Delete(index));
}

}  // namespace outrider::datapath::ebpf
