#include "vswitch/datapath/ebpf/vlan_table.h"

#include <utility>

namespace outrider::datapath::ebpf {

void VlanTable::Load(const Inventory& inventory) {
  contents_ = inventory.vlan_maps;
  for (const auto& [id, map] : contents_) {
    ids_.emplace(map, id);
    last_id_ = id;
  }
}

absl::StatusOr<uint32_t> VlanTable::Acquire(const VlanMap& map) {
  if (map.empty()) return 0u;
  if (const auto found = ids_.find(map); found != ids_.end()) return found->second;
  const uint32_t id = ++last_id_;
  if (const absl::Status status = Write(id, map); !status.ok()) {
    // The error that matters is the first one; what stays behind is swept with the next start.
    DeleteVlanMap(*maps_, id, map).IgnoreError();
    return status;
  }
  ids_.emplace(map, id);
  contents_.emplace(id, map);
  return id;
}

const VlanMap& VlanTable::Find(uint32_t id) const {
  static const VlanMap* const kEmpty = new VlanMap();
  const auto found = contents_.find(id);
  return found == contents_.end() ? *kEmpty : found->second;
}

absl::Status VlanTable::KeepOnly(const std::set<uint32_t>& used) {
  for (auto entry = contents_.begin(); entry != contents_.end();) {
    if (used.contains(entry->first)) {
      ++entry;
      continue;
    }
    RETURN_IF_ERROR(DeleteVlanMap(*maps_, entry->first, entry->second));
    ids_.erase(entry->second);
    entry = contents_.erase(entry);
  }
  return absl::OkStatus();
}

absl::Status VlanTable::Write(uint32_t id, const VlanMap& map) {
  std::vector<std::pair<abi::or_vlan_key, uint32_t>> segments;
  for (const auto& [vlan, vni] : map.segments) segments.push_back({{id, vlan}, vni});
  std::vector<std::pair<abi::or_vlan_tag_key, uint32_t>> tags;
  for (const auto& [vni, vlan] : map.tags) tags.push_back({{id, vni}, vlan});
  RETURN_IF_ERROR(maps_->vlan_segments.UpdateBatch(segments));
  return maps_->vlan_tags.UpdateBatch(tags);
}

absl::Status DeleteVlanMap(const DatapathMaps& maps, uint32_t id, const VlanMap& map) {
  std::vector<abi::or_vlan_key> segments;
  for (const auto& [vlan, vni] : map.segments) segments.push_back({id, vlan});
  std::vector<abi::or_vlan_tag_key> tags;
  for (const auto& [vni, vlan] : map.tags) tags.push_back({id, vni});
  RETURN_IF_ERROR(maps.vlan_segments.DeleteBatch(segments));
  return maps.vlan_tags.DeleteBatch(tags);
}

}  // namespace outrider::datapath::ebpf
