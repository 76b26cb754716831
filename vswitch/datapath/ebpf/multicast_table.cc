#include "vswitch/datapath/ebpf/multicast_table.h"

#include "vswitch/datapath/ebpf/absent_row.h"

namespace outrider::datapath::ebpf {
namespace {

bool IsVtep(uint32_t place) { return (place & OR_MULTICAST_VTEP) != 0; }

abi::or_multicast_group Encode(const state::MulticastKey& key) {
  abi::or_multicast_group row{};
  row.vni = key.vni.value();
  CopyBytes(key.group.bytes(), row.address);
  return row;
}

abi::or_multicast_member Encode(const state::MulticastKey& key, uint32_t place) {
  return {.group = Encode(key), .place = place};
}

}  // namespace

void MulticastTable::Load(const Inventory& inventory) {
  for (const auto& [row, until_ns] : inventory.multicast_members) {
    const auto vni = Vni::FromValue(row.group.vni);
    if (!vni.ok()) continue;
    const state::MulticastKey key{.vni = *vni, .group = IpAddress(ToArray(row.group.address))};
    groups_[key][row.place] = until_ns;
  }
}

absl::Status MulticastTable::Upsert(const state::MulticastKey& key,
                                    const std::set<IpAddress>& vteps) {
  std::set<uint32_t> gone;
  if (const auto group = groups_.find(key); group != groups_.end()) {
    for (const auto& [place, until_ns] : group->second) {
      if (IsVtep(place)) gone.insert(place);
    }
  }
  for (const IpAddress& vtep : vteps) {
    const auto index = vteps_->IndexOf(vtep);
    if (index && gone.erase(OR_MULTICAST_VTEP | *index) != 0) continue;
    RETURN_IF_ERROR(AddVtep(key, vtep));
  }
  for (const uint32_t place : gone) RETURN_IF_ERROR(RemoveVtep(key, place));
  return absl::OkStatus();
}

absl::Status MulticastTable::Join(const state::MulticastKey& key, uint32_t port,
                                  uint64_t until_ns) {
  return Add(key, port, until_ns);
}

absl::Status MulticastTable::Leave(const state::MulticastKey& key, uint32_t port) {
  return Remove(key, port);
}

absl::Status MulticastTable::DropPort(uint32_t port) {
  for (const Member& member : Members()) {
    if (member.port == port) RETURN_IF_ERROR(Remove(member.key, port));
  }
  return absl::OkStatus();
}

std::vector<MulticastTable::Member> MulticastTable::Members() const {
  std::vector<Member> members;
  for (const auto& [key, places] : groups_) {
    for (const auto& [place, until_ns] : places) {
      if (!IsVtep(place)) members.push_back({.key = key, .port = place, .until_ns = until_ns});
    }
  }
  return members;
}

absl::Status MulticastTable::Add(const state::MulticastKey& key, uint32_t place, uint64_t value) {
  const auto found = groups_.find(key);
  const size_t before = found == groups_.end() ? 0 : found->second.size();
  const bool is_new = before == 0 || !found->second.contains(place);
  if (is_new) {
    const auto count = static_cast<uint32_t>(before + 1);
    RETURN_IF_ERROR(maps_->multicast_groups.Update(Encode(key), count));
  }
  const absl::Status status = maps_->multicast_members.Update(Encode(key, place), value);
  if (status.ok()) {
    groups_[key][place] = value;
  } else if (before == 0) {
    // The error that matters is the first one.
    maps_->multicast_groups.Delete(Encode(key)).IgnoreError();
  }
  return status;
}

absl::Status MulticastTable::Remove(const state::MulticastKey& key, uint32_t place) {
  const auto found = groups_.find(key);
  if (found == groups_.end() || !found->second.contains(place)) return absl::OkStatus();
  RETURN_IF_ERROR(OkIfAbsent(maps_->multicast_members.Delete(Encode(key, place))));
  found->second.erase(place);
  if (!found->second.empty()) {
    const auto count = static_cast<uint32_t>(found->second.size());
    return maps_->multicast_groups.Update(Encode(key), count);
  }
  groups_.erase(found);
  return OkIfAbsent(maps_->multicast_groups.Delete(Encode(key)));
}

absl::Status MulticastTable::AddVtep(const state::MulticastKey& key, const IpAddress& vtep) {
  ASSIGN_OR_RETURN(const uint32_t index, vteps_->Acquire(vtep));
  const absl::Status status = Add(key, OR_MULTICAST_VTEP | index, 0);
  if (!status.ok()) vteps_->Release(index).IgnoreError();
  return status;
}

absl::Status MulticastTable::RemoveVtep(const state::MulticastKey& key, uint32_t place) {
  RETURN_IF_ERROR(Remove(key, place));
  return vteps_->Release(place & ~OR_MULTICAST_VTEP);
}

}  // namespace outrider::datapath::ebpf
