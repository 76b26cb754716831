#include "vswitch/datapath/ebpf/segment_table.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider::datapath::ebpf {
namespace {

abi::or_member_key MemberKey(const Vni& vni, const IpAddress& vtep) {
  abi::or_member_key key{};
  key.vni = vni.value();
  CopyBytes(vtep.bytes(), key.address);
  return key;
}

bool OnlyVtepsDiffer(const state::Segment& a, state::Segment b) {
  b.vteps = a.vteps;
  return a == b;
}

void AppendKeys(uint32_t list, uint32_t size, std::vector<abi::or_replication_key>* keys) {
  for (uint32_t slot = 0; slot < size; ++slot) keys->push_back({.list = list, .slot = slot});
}

}  // namespace

void SegmentTable::Load(const Inventory& inventory) {
  copied_ = CopiedPorts(inventory);
  for (const auto& [number, row] : inventory.segments) {
    const auto vni = Vni::FromValue(number);
    if (!vni.ok()) continue;
    Entry& entry = entries_[*vni];
    entry.in_force = true;
    entry.segment.mtu = row.mtu;
    DecodeSegmentFlags(row.flags, &entry.segment);
    entry.segment.provider = ProviderOf(inventory, number, row);
    const Copies copies = CopiesOf(inventory, row);
    entry.listed_ports = copies.ports;
    for (const uint32_t index : copies.vteps) {
      const auto vtep = inventory.vteps.find(index);
      if (vtep != inventory.vteps.end()) entry.segment.vteps.insert(vtep->second);
    }
    if (const auto members = inventory.members.find(number); members != inventory.members.end()) {
      for (const auto& [address, index] : members->second) entry.members.insert(address);
    }
    entry.list = row.replication;
    entry.list_size = row.local_copies + row.remote_copies;
    last_list_ = std::max(last_list_, row.replication);
    if (entry.listed_ports != copied_[number]) dirty_.insert(number);
  }
}

std::optional<uint32_t> SegmentTable::Mtu(const Vni& vni) const {
  const auto found = entries_.find(vni);
  if (found == entries_.end() || !found->second.in_force) return std::nullopt;
  return found->second.segment.mtu;
}

bool SegmentTable::HasProvider(const Vni& vni) const {
  const auto found = entries_.find(vni);
  return found != entries_.end() && found->second.segment.provider.has_value();
}

absl::Status SegmentTable::Upsert(const Vni& vni, const state::Segment& segment) {
  Entry& entry = entries_[vni];
  // A source is accepted before copies are sent to it, and refused after they no longer are: the
  // answer to a copy always finds the door open.
  RETURN_IF_ERROR(AddMembers(vni, segment.vteps, &entry));
  if (entry.in_force && OnlyVtepsDiffer(entry.segment, segment)) {
    entry.next = segment;
    dirty_.insert(vni.value());
    return absl::OkStatus();
  }
  entry.next.reset();
  RETURN_IF_ERROR(WriteRow(vni, segment, &entry));
  dirty_.erase(vni.value());
  return RemoveMembers(vni, segment.vteps, &entry);
}

absl::Status SegmentTable::Delete(const Vni& vni) {
  const auto found = entries_.find(vni);
  if (found == entries_.end()) return absl::OkStatus();
  Entry& entry = found->second;
  if (entry.in_force) {
    RETURN_IF_ERROR(maps_->segments.Delete(vni.value()));
    entry.in_force = false;
    retired_.emplace_back(entry.list, entry.list_size);
    MarkFreed({KindOf(vni, entry.segment)});
  }
  RETURN_IF_ERROR(RemoveMembers(vni, {}, &entry));
  dirty_.erase(vni.value());
  entries_.erase(found);
  return absl::OkStatus();
}

void SegmentTable::SetCopied(uint32_t vni, uint32_t port_index, bool copied) {
  std::set<uint32_t>& ports = copied_[vni];
  const bool changed = copied ? ports.insert(port_index).second : ports.erase(port_index) > 0;
  if (changed) dirty_.insert(vni);
}

std::vector<std::pair<Vni, absl::Status>> SegmentTable::Flush(const std::set<Vni>& leaving) {
  std::vector<std::pair<Vni, absl::Status>> failures;
  const std::vector<Vni> outdated = TakeOutdated(leaving);
  if (outdated.empty()) {
    // What stays takes memory, no more, and goes with the next row.
    if (grace_.IsOver(grace_.LastFreed())) PurgeRetired().IgnoreError();
    return failures;
  }
  // Once, not for each: their own old lists stay until the next call, or until the map is full.
  const absl::Status purged = PurgeRetired();
  for (const Vni& vni : outdated) {
    const absl::Status status = purged.ok() ? WriteOutdated(vni) : purged;
    if (!status.ok()) failures.emplace_back(vni, status);
  }
  return failures;
}

std::vector<Vni> SegmentTable::TakeOutdated(const std::set<Vni>& leaving) {
  std::vector<std::pair<SegmentKind, Vni>> outdated;
  std::set<uint32_t> known;
  for (const uint32_t number : dirty_) {
    const auto vni = Vni::FromValue(number);
    if (!vni.ok()) continue;
    const auto found = entries_.find(*vni);
    // A port may be in a segment that is not here: its frames go nowhere.
    if (found == entries_.end() || !found->second.in_force) continue;
    known.insert(number);
    if (!leaving.contains(*vni)) outdated.emplace_back(KindOf(*vni, found->second.segment), *vni);
  }
  dirty_ = std::move(known);
  std::sort(outdated.begin(), outdated.end());
  std::vector<Vni> vnis;
  for (const auto& [kind, vni] : outdated) vnis.push_back(vni);
  return vnis;
}

absl::Status SegmentTable::WriteOutdated(const Vni& vni) {
  Entry& entry = entries_.at(vni);
  const state::Segment segment = entry.next.value_or(entry.segment);
  RETURN_IF_ERROR(WriteRow(vni, segment, &entry));
  RETURN_IF_ERROR(RemoveMembers(vni, segment.vteps, &entry));
  entry.next.reset();
  dirty_.erase(vni.value());
  return absl::OkStatus();
}

absl::Status SegmentTable::AddMembers(const Vni& vni, const std::set<IpAddress>& vteps,
                                      Entry* entry) {
  for (const IpAddress& vtep : vteps) {
    if (entry->members.contains(vtep)) continue;
    ASSIGN_OR_RETURN(const uint32_t index, vteps_->Acquire(vtep));
    const absl::Status status = maps_->members.Update(MemberKey(vni, vtep), index);
    if (!status.ok()) {
      // The error that matters is the first one.
      vteps_->Release(index).IgnoreError();
      return status;
    }
    entry->members.insert(vtep);
  }
  return absl::OkStatus();
}

absl::Status SegmentTable::RemoveMembers(const Vni& vni, const std::set<IpAddress>& keep,
                                         Entry* entry) {
  const std::set<IpAddress> members = entry->members;
  for (const IpAddress& vtep : members) {
    if (keep.contains(vtep)) continue;
    RETURN_IF_ERROR(maps_->members.Delete(MemberKey(vni, vtep)));
    entry->members.erase(vtep);
    if (const auto index = vteps_->IndexOf(vtep)) RETURN_IF_ERROR(vteps_->Release(*index));
  }
  return absl::OkStatus();
}

absl::Status SegmentTable::WriteRow(const Vni& vni, const state::Segment& segment, Entry* entry) {
  const std::set<uint32_t>& ports = copied_[vni.value()];
  const bool same_list =
      entry->in_force && entry->listed_ports == ports && entry->segment.vteps == segment.vteps;
  if (same_list && entry->segment == segment) return absl::OkStatus();
  uint32_t list = entry->list;
  if (!same_list) {
    ASSIGN_OR_RETURN(list, WriteList(vni, ports, segment.vteps));
  }
  abi::or_segment row{};
  row.flags = EncodeSegmentFlags(segment);
  row.mtu = segment.mtu;
  row.replication = list;
  row.local_copies = static_cast<uint32_t>(ports.size());
  row.remote_copies = static_cast<uint32_t>(segment.vteps.size());
  const SegmentKind kind = KindOf(vni, segment);
  absl::Status status = AwaitMemory(kind);
  if (status.ok()) status = maps_->segments.Update(vni.value(), row);
  if (!status.ok()) {
    if (!same_list) DropUnseen(list, row.local_copies + row.remote_copies);
    return status;
  }
  if (entry->in_force) MarkFreed({KindOf(vni, entry->segment), kind});
  if (entry->in_force && !same_list) retired_.emplace_back(entry->list, entry->list_size);
  *entry = {.segment = segment,
            .next = std::move(entry->next),
            .members = std::move(entry->members),
            .listed_ports = ports,
            .list = list,
            .list_size = row.local_copies + row.remote_copies,
            .in_force = true};
  return absl::OkStatus();
}

absl::StatusOr<uint32_t> SegmentTable::WriteList(const Vni& vni, const std::set<uint32_t>& ports,
                                                 const std::set<IpAddress>& vteps) {
  if (ports.size() + vteps.size() > OR_MAX_COPIES) {
    return absl::ResourceExhaustedError(fmt::format(
        "segment {}: {} local ports and {} VTEPs, at most {} copies of a frame can be made",
        vni.ToString(), ports.size(), vteps.size(), OR_MAX_COPIES));
  }
  const uint32_t list = ++last_list_;
  std::vector<std::pair<abi::or_replication_key, uint32_t>> rows;
  for (const uint32_t port : ports) {
    rows.push_back({{.list = list, .slot = static_cast<uint32_t>(rows.size())}, port});
  }
  for (const IpAddress& vtep : vteps) {
    const auto index = vteps_->IndexOf(vtep);
    if (!index) return absl::InternalError("vtep " + vtep.ToString() + ": is no member");
    rows.push_back({{.list = list, .slot = static_cast<uint32_t>(rows.size())}, *index});
  }
  absl::Status status = maps_->replication.UpdateBatch(rows);
  if (absl::IsResourceExhausted(status) && !retired_.empty()) {
    status = PurgeRetired();
    if (status.ok()) status = maps_->replication.UpdateBatch(rows);
  }
  if (status.ok()) return list;
  DropUnseen(list, static_cast<uint32_t>(rows.size()));
  return status;
}

absl::Status SegmentTable::AwaitMemory(const SegmentKind& kind) {
  return !obeyed_ || obeyed_->contains(kind) ? absl::OkStatus() : PurgeRetired();
}

void SegmentTable::MarkFreed(const std::set<SegmentKind>& obeyed) {
  grace_.MarkFreed();
  if (!obeyed_) {
    obeyed_ = obeyed;
    return;
  }
  std::erase_if(*obeyed_, [&](const SegmentKind& kind) { return !obeyed.contains(kind); });
}

absl::Status SegmentTable::PurgeRetired() {
  RETURN_IF_ERROR(grace_.Wait());
  obeyed_.reset();
  std::vector<abi::or_replication_key> keys;
  for (const auto& [list, size] : retired_) AppendKeys(list, size, &keys);
  RETURN_IF_ERROR(maps_->replication.DeleteBatch(keys));
  retired_.clear();
  return absl::OkStatus();
}

void SegmentTable::DropUnseen(uint32_t list, uint32_t size) {
  std::vector<abi::or_replication_key> keys;
  AppendKeys(list, size, &keys);
  if (!maps_->replication.DeleteBatch(keys).ok()) retired_.emplace_back(list, size);
}

}  // namespace outrider::datapath::ebpf
