#include "vswitch/datapath/ebpf/vtep_table.h"

#include <fmt/format.h>

#include <cstring>

namespace outrider::datapath::ebpf {

void VtepTable::Load(const Inventory& inventory) {
  for (const auto& [index, address] : inventory.vteps) {
    entries_[index].address = address;
    indices_[address] = index;
    last_index_ = index;
  }
  for (const auto& [vni, members] : inventory.members) {
    for (const auto& [address, index] : members) ++entries_[index].references;
  }
  for (const auto& [key, row] : inventory.fdb) {
    if (row.kind == abi::OR_FDB_REMOTE) ++entries_[row.index].references;
  }
  for (const auto& [index, row] : inventory.departures) {
    if (row.vtep != 0) ++entries_[row.vtep].references;
  }
  for (const auto& [row, until_ns] : inventory.multicast_members) {
    if ((row.place & OR_MULTICAST_VTEP) == 0) continue;
    ++entries_[row.place & ~OR_MULTICAST_VTEP].references;
  }
}

std::optional<uint32_t> VtepTable::IndexOf(const IpAddress& address) const {
  const auto found = indices_.find(address);
  if (found == indices_.end()) return std::nullopt;
  return found->second;
}

absl::StatusOr<uint32_t> VtepTable::Acquire(const IpAddress& address) {
  if (const auto index = IndexOf(address)) {
    ++entries_[*index].references;
    return *index;
  }
  const auto index = FreeIndex();
  if (!index) {
    return absl::ResourceExhaustedError(
        fmt::format("vtep {}: all {} places are taken", address.ToString(), OR_MAX_VTEPS - 1));
  }
  const abi::or_vtep row = ways_->RowOf(address);
  if (const absl::Status status = maps_->vteps.Update(*index, row); !status.ok()) {
    ways_->Forget(address);
    return status;
  }
  entries_[*index] = {.address = address, .references = 1, .row = row};
  indices_[address] = *index;
  last_index_ = *index;
  return *index;
}

absl::Status VtepTable::Release(uint32_t index) {
  const auto found = entries_.find(index);
  if (found == entries_.end() || --found->second.references > 0) return absl::OkStatus();
  ways_->Forget(found->second.address);
  indices_.erase(found->second.address);
  entries_.erase(found);
  return maps_->vteps.Delete(index);
}

absl::Status VtepTable::RefreshEntry(uint32_t index, Entry* entry) {
  const abi::or_vtep row = ways_->RowOf(entry->address);
  if (entry->row && std::memcmp(&*entry->row, &row, sizeof(row)) == 0) return absl::OkStatus();
  RETURN_IF_ERROR(maps_->vteps.Update(index, row));
  entry->row = row;
  return absl::OkStatus();
}

absl::Status VtepTable::Refresh() {
  absl::Status status;
  for (auto& [index, entry] : entries_) status.Update(RefreshEntry(index, &entry));
  return status;
}

absl::Status VtepTable::Refresh(const sys::NextHop& hop) {
  absl::Status status;
  for (const IpAddress& address : ways_->Behind(hop)) {
    if (const auto index = IndexOf(address)) {
      status.Update(RefreshEntry(*index, &entries_.at(*index)));
    }
  }
  return status;
}

std::optional<uint32_t> VtepTable::FreeIndex() {
  for (uint32_t step = 1; step < OR_MAX_VTEPS; ++step) {
    const uint32_t index = 1 + (last_index_ + step - 1) % (OR_MAX_VTEPS - 1);
    if (!entries_.contains(index)) return index;
  }
  return std::nullopt;
}

}  // namespace outrider::datapath::ebpf
