#include "vswitch/datapath/ebpf/inventory.h"

namespace outrider::datapath::ebpf {
namespace {

template <typename Key, typename Value>
absl::Status DumpInto(const sys::TypedMap<Key, Value>& map, std::map<Key, Value>* rows) {
  ASSIGN_OR_RETURN(const auto entries, map.Dump());
  rows->insert(entries.begin(), entries.end());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Inventory> ReadInventory(const DatapathMaps& maps) {
  Inventory rows;
  RETURN_IF_ERROR(DumpInto(maps.devices, &rows.devices));
  RETURN_IF_ERROR(DumpInto(maps.ports, &rows.ports));
  RETURN_IF_ERROR(DumpInto(maps.port_info, &rows.port_info));
  RETURN_IF_ERROR(DumpInto(maps.segments, &rows.segments));
  RETURN_IF_ERROR(DumpInto(maps.rule_sets, &rows.rule_sets));
  ASSIGN_OR_RETURN(const auto replication, maps.replication.Dump());
  for (const auto& [key, value] : replication) rows.replication[key.list][key.slot] = value;
  ASSIGN_OR_RETURN(const auto vteps, maps.vteps.Dump());
  for (const auto& [index, vtep] : vteps) rows.vteps[index] = IpAddress(ToArray(vtep.address));
  ASSIGN_OR_RETURN(const auto members, maps.members.Dump());
  for (const auto& [key, index] : members) {
    rows.members[key.vni][IpAddress(ToArray(key.address))] = index;
  }
  ASSIGN_OR_RETURN(rows.fdb, maps.fdb.Dump());
  ASSIGN_OR_RETURN(rows.neighbors, maps.neighbors.Dump());
  return rows;
}

Copies CopiesOf(const Inventory& inventory, const abi::or_segment& segment) {
  Copies copies;
  const auto list = inventory.replication.find(segment.replication);
  if (list == inventory.replication.end()) return copies;
  for (const auto& [slot, value] : list->second) {
    if (slot < segment.local_copies) {
      copies.ports.insert(value);
    } else if (slot < segment.local_copies + segment.remote_copies) {
      copies.vteps.insert(value);
    }
  }
  return copies;
}

bool TakesCopies(const abi::or_port& port) {
  return port.vni != 0 && port.ifindex != 0 && port.phase != abi::OR_PORT_BLOCKED;
}

}  // namespace outrider::datapath::ebpf
