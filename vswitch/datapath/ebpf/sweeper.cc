#include "vswitch/datapath/ebpf/sweeper.h"

#include <set>

#include "vswitch/datapath/ebpf/counters.h"
#include "vswitch/datapath/ebpf/policy_table.h"
#include "vswitch/datapath/ebpf/port_table.h"
#include "vswitch/datapath/ebpf/vlan_table.h"

namespace outrider::datapath::ebpf {
namespace {

// In or_devices: the device has our programs, and nothing of it is forwarded.
constexpr uint32_t kNoPort = 0;

void FindPortOrphans(const Inventory& inventory, Orphans* orphans) {
  for (const auto& [index, row] : inventory.ports) {
    if (!inventory.port_info.contains(index)) orphans->ports.push_back(index);
  }
  for (const auto& [index, info] : inventory.port_info) {
    if (!inventory.ports.contains(index)) orphans->port_info.push_back(index);
  }
  for (const auto& [ifindex, index] : inventory.devices) {
    const auto port = inventory.ports.find(index);
    const bool claimed = port != inventory.ports.end() && port->second.ifindex == ifindex &&
                         inventory.port_info.contains(index);
    if (!claimed && index != kNoPort) orphans->devices.push_back(ifindex);
  }
}

void FindSegmentOrphans(const Inventory& inventory, Orphans* orphans) {
  std::set<uint32_t> lists;
  for (const auto& [vni, row] : inventory.segments) lists.insert(row.replication);
  for (const auto& [list, slots] : inventory.replication) {
    if (lists.contains(list)) continue;
    for (const auto& [slot, value] : slots) orphans->replication.push_back({list, slot});
  }
  for (const auto& [vni, members] : inventory.members) {
    const auto segment = inventory.segments.find(vni);
    const Copies copies =
        segment == inventory.segments.end() ? Copies{} : CopiesOf(inventory, segment->second);
    for (const auto& [address, index] : members) {
      if (copies.vteps.contains(index)) continue;
      abi::or_member_key key{};
      key.vni = vni;
      CopyBytes(address.bytes(), key.address);
      orphans->members.push_back(key);
    }
  }
}

void FindFdbOrphans(const Inventory& inventory, Orphans* orphans) {
  for (const auto& [key, row] : inventory.fdb) {
    const bool leads_somewhere = row.kind == abi::OR_FDB_LOCAL
                                     ? inventory.ports.contains(row.index)
                                     : inventory.vteps.contains(row.index);
    if (!leads_somewhere) orphans->fdb.push_back(key);
  }
}

bool LeadsSomewhere(const Inventory& inventory, const abi::or_multicast_member& row) {
  if (!inventory.segments.contains(row.group.vni)) return false;
  if ((row.place & OR_MULTICAST_VTEP) == 0) return inventory.ports.contains(row.place);
  return inventory.vteps.contains(row.place & ~OR_MULTICAST_VTEP);
}

using GroupKey = std::pair<uint32_t, IpAddress>;
GroupKey KeyOf(const abi::or_multicast_group& group) {
  return {group.vni, IpAddress(ToArray(group.address))};
}

// Groups get the number of members that are left, which an interrupted change may have missed.
void FindMulticastOrphans(const Inventory& inventory, Orphans* orphans) {
  std::map<GroupKey, uint32_t> counts;
  std::map<GroupKey, abi::or_multicast_group> groups;
  for (const auto& [row, until_ns] : inventory.multicast_members) {
    if (!LeadsSomewhere(inventory, row)) {
      orphans->multicast_members.push_back(row);
      continue;
    }
    ++counts[KeyOf(row.group)];
    groups[KeyOf(row.group)] = row.group;
  }
  std::map<GroupKey, uint32_t> written;
  for (const auto& [group, count] : inventory.multicast_groups) {
    written[KeyOf(group)] = count;
    if (!counts.contains(KeyOf(group))) orphans->multicast_groups.push_back(group);
  }
  for (const auto& [key, count] : counts) {
    const auto row = written.find(key);
    if (row == written.end() || row->second != count) {
      orphans->multicast_counts.emplace_back(groups.at(key), count);
    }
  }
}

void FindMoveOrphans(const Inventory& inventory, Orphans* orphans) {
  for (const auto& [index, info] : inventory.departure_info) {
    if (!inventory.ports.contains(index)) orphans->departures.push_back(index);
  }
  for (const auto& [key, index] : inventory.arrivals) {
    const bool whole = inventory.ports.contains(index) && ArrivalOf(inventory, index).has_value();
    if (!whole) orphans->arrivals.push_back(key);
  }
}

// After the members that will go: a VTEP only they refer to goes too.
void FindVtepOrphans(const Inventory& inventory, Orphans* orphans) {
  std::set<uint32_t> used;
  for (const auto& [vni, row] : inventory.segments) {
    const Copies copies = CopiesOf(inventory, row);
    used.insert(copies.vteps.begin(), copies.vteps.end());
  }
  for (const auto& [key, row] : inventory.fdb) {
    if (row.kind == abi::OR_FDB_REMOTE) used.insert(row.index);
  }
  for (const auto& [index, row] : inventory.departures) {
    if (row.vtep != 0 && inventory.ports.contains(index)) used.insert(row.vtep);
  }
  for (const auto& [row, until_ns] : inventory.multicast_members) {
    if ((row.place & OR_MULTICAST_VTEP) != 0 && LeadsSomewhere(inventory, row)) {
      used.insert(row.place & ~OR_MULTICAST_VTEP);
    }
  }
  for (const auto& [index, address] : inventory.vteps) {
    if (!used.contains(index)) orphans->vteps.push_back(index);
  }
}

void FindVlanOrphans(const Inventory& inventory, Orphans* orphans) {
  orphans->vlan_maps = inventory.vlan_maps;
  for (const auto& [index, row] : inventory.ports) orphans->vlan_maps.erase(row.vlan_map);
}

void FindPolicyOrphans(const Inventory& inventory, Orphans* orphans) {
  std::set<uint32_t> limits;
  std::set<uint32_t> allowed;
  for (const auto& [index, row] : inventory.ports) {
    if (!inventory.port_info.contains(index)) continue;
    limits.insert(row.limits);
    allowed.insert(row.allowed);
  }
  for (const auto& [id, row] : inventory.limits) {
    if (!limits.contains(id)) orphans->limits.push_back(id);
  }
  for (const auto& [list, slots] : inventory.allowed) {
    if (allowed.contains(list)) continue;
    std::vector<abi::or_allowed_row>& rows = orphans->allowed[list];
    // By slot, with holes where the write or the removal ended.
    rows.resize(slots.rbegin()->first + 1);
    for (const auto& [slot, row] : slots) rows[slot] = row;
  }
}

}  // namespace

bool Orphans::empty() const {
  return limits.empty() && allowed.empty() && devices.empty() && port_info.empty() &&
         ports.empty() && replication.empty() && members.empty() && fdb.empty() && vteps.empty() &&
         vlan_maps.empty() && multicast_members.empty() && multicast_groups.empty() &&
         multicast_counts.empty() && departures.empty() && arrivals.empty();
}

Orphans FindOrphans(const Inventory& inventory) {
  Orphans orphans;
  FindPortOrphans(inventory, &orphans);
  FindSegmentOrphans(inventory, &orphans);
  FindFdbOrphans(inventory, &orphans);
  FindMulticastOrphans(inventory, &orphans);
  FindMoveOrphans(inventory, &orphans);
  FindVtepOrphans(inventory, &orphans);
  FindVlanOrphans(inventory, &orphans);
  FindPolicyOrphans(inventory, &orphans);
  return orphans;
}

absl::Status RemoveOrphans(const Orphans& orphans, const DatapathMaps& maps,
                           const ProgramSet& programs) {
  RETURN_IF_ERROR(maps.fdb.Delete(programs.Descriptor(Program::kWriteFdb), orphans.fdb));
  RETURN_IF_ERROR(maps.multicast_members.DeleteBatch(orphans.multicast_members));
  RETURN_IF_ERROR(maps.multicast_groups.DeleteBatch(orphans.multicast_groups));
  RETURN_IF_ERROR(maps.multicast_groups.UpdateBatch(orphans.multicast_counts));
  for (const uint32_t index : orphans.ports) RETURN_IF_ERROR(maps.ports.Delete(index));
  for (const uint32_t ifindex : orphans.devices) {
    RETURN_IF_ERROR(maps.devices.Update(ifindex, kNoPort));
  }
  for (const uint32_t index : orphans.port_info) {
    RETURN_IF_ERROR(DeletePortSideRows(maps, index));
  }
  if (const std::set<uint32_t> gone(orphans.port_info.begin(), orphans.port_info.end());
      !gone.empty()) {
    RETURN_IF_ERROR(DeleteRuleCounts(
        maps, [&gone](const abi::or_rule_count_key& key) { return gone.contains(key.port); }));
  }
  RETURN_IF_ERROR(maps.departure_info.DeleteBatch(orphans.departures));
  RETURN_IF_ERROR(maps.arrivals.DeleteBatch(orphans.arrivals));
  RETURN_IF_ERROR(maps.limits.DeleteBatch(orphans.limits));
  for (const auto& [list, rows] : orphans.allowed) {
    RETURN_IF_ERROR(DeleteAllowedList(maps, list, rows));
  }
  RETURN_IF_ERROR(maps.members.DeleteBatch(orphans.members));
  RETURN_IF_ERROR(maps.replication.DeleteBatch(orphans.replication));
  for (const auto& [id, map] : orphans.vlan_maps) RETURN_IF_ERROR(DeleteVlanMap(maps, id, map));
  return maps.vteps.DeleteBatch(orphans.vteps);
}

absl::Status UnbindUnclaimed(const DatapathMaps& maps, DeviceBinder* devices) {
  ASSIGN_OR_RETURN(const auto rows, maps.devices.Dump());
  for (const auto& [ifindex, index] : rows) {
    if (index == kNoPort) RETURN_IF_ERROR(devices->Unbind(ifindex));
  }
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
