#include "vswitch/datapath/ebpf/inventory.h"

#include <cstring>

namespace outrider::datapath::ebpf {
namespace {

template <typename Map, typename Rows>
absl::Status DumpInto(const Map& map, Rows* rows) {
  ASSIGN_OR_RETURN(const auto entries, map.Dump());
  rows->insert(entries.begin(), entries.end());
  return absl::OkStatus();
}

absl::Status ReadRuleSets(const DatapathMaps& maps, std::map<uint32_t, LoadedRuleSet>* sets) {
  ASSIGN_OR_RETURN(const std::vector<uint32_t> ids, maps.rule_sets.Keys());
  for (const uint32_t id : ids) {
    ASSIGN_OR_RETURN(const sys::Bytes image, maps.rule_sets.Lookup(id));
    auto loaded = DecodeImage(image);
    if (!loaded.ok()) return Annotate(loaded.status(), maps.rule_sets.name());
    sets->emplace(id, *std::move(loaded));
  }
  return absl::OkStatus();
}

absl::Status ReadGroups(const DatapathMaps& maps, Inventory* rows) {
  ASSIGN_OR_RETURN(const auto groups, maps.groups.Dump());
  for (const auto& [id, group] : groups) {
    rows->groups[id] = std::string(group.name, strnlen(group.name, sizeof(group.name)));
  }
  ASSIGN_OR_RETURN(rows->group_members, maps.group_members.Keys());
  ASSIGN_OR_RETURN(rows->group_combos, maps.group_combos.Dump());
  ASSIGN_OR_RETURN(rows->group_rows, maps.group_rows.Dump());
  return absl::OkStatus();
}

absl::Status ReadMoves(const DatapathMaps& maps, Inventory* rows) {
  RETURN_IF_ERROR(DumpInto(maps.departure_info, &rows->departure_info));
  for (const auto& [index, info] : rows->departure_info) {
    ASSIGN_OR_RETURN(rows->departures[index], maps.departures.Lookup(index));
  }
  ASSIGN_OR_RETURN(rows->arrivals, maps.arrivals.Dump());
  return DumpInto(maps.first_frames, &rows->first_frames);
}

}  // namespace

absl::StatusOr<Inventory> ReadInventory(const DatapathMaps& maps) {
  Inventory rows;
  RETURN_IF_ERROR(DumpInto(maps.devices, &rows.devices));
  RETURN_IF_ERROR(DumpInto(maps.ports, &rows.ports));
  RETURN_IF_ERROR(DumpInto(maps.port_info, &rows.port_info));
  RETURN_IF_ERROR(DumpInto(maps.segments, &rows.segments));
  RETURN_IF_ERROR(ReadRuleSets(maps, &rows.rule_sets));
  RETURN_IF_ERROR(ReadGroups(maps, &rows));
  ASSIGN_OR_RETURN(const auto vlan_segments, maps.vlan_segments.Dump());
  for (const auto& [key, vni] : vlan_segments) rows.vlan_maps[key.map].segments[key.vlan] = vni;
  ASSIGN_OR_RETURN(const auto vlan_tags, maps.vlan_tags.Dump());
  for (const auto& [key, vlan] : vlan_tags) rows.vlan_maps[key.map].tags[key.vni] = vlan;
  RETURN_IF_ERROR(DumpInto(maps.limits, &rows.limits));
  ASSIGN_OR_RETURN(const auto allowed, maps.allowed_rows.Dump());
  for (const auto& [key, row] : allowed) rows.allowed[key.list][key.slot] = row;
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
  RETURN_IF_ERROR(ReadMoves(maps, &rows));
  ASSIGN_OR_RETURN(rows.multicast_groups, maps.multicast_groups.Dump());
  ASSIGN_OR_RETURN(rows.multicast_members, maps.multicast_members.Dump());
  RETURN_IF_ERROR(DumpInto(maps.providers, &rows.providers));
  ASSIGN_OR_RETURN(rows.uplink_vlans, maps.uplink_vlans.Dump());
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

state::Provider DecodeProvider(const abi::or_provider& row) {
  return {.uplink = std::string(row.uplink, strnlen(row.uplink, sizeof(row.uplink))),
          .vlan = static_cast<uint16_t>(row.vlan)};
}

std::optional<state::Provider> ProviderOf(const Inventory& inventory, uint32_t vni,
                                          const abi::or_segment& segment) {
  const auto found = inventory.providers.find(vni);
  if ((segment.flags & OR_SEGMENT_PROVIDER) == 0 || found == inventory.providers.end()) {
    return std::nullopt;
  }
  return DecodeProvider(found->second);
}

std::optional<state::Arrival> ArrivalOf(const Inventory& inventory, uint32_t index) {
  std::optional<state::Arrival> arrival;
  for (const auto& [key, owner] : inventory.arrivals) {
    if (owner != index) continue;
    if (arrival) return std::nullopt;
    arrival = {.vtep = IpAddress(ToArray(key.address)),
               .label = static_cast<uint16_t>(key.label),
               .host = {}};
  }
  return arrival;
}

uint32_t VtepOf(const Inventory& inventory, uint32_t index) {
  const auto row = inventory.departures.find(index);
  return row == inventory.departures.end() ? 0 : row->second.vtep;
}

bool TakesCopies(const abi::or_port& port) {
  return port.ifindex != 0 && port.phase != abi::OR_PORT_BLOCKED;
}

std::set<uint32_t> SegmentsOf(const abi::or_port& port, const VlanMap& map) {
  std::set<uint32_t> vnis;
  if (port.vni != 0) vnis.insert(port.vni);
  for (const auto& [vni, vlan] : map.tags) vnis.insert(vni);
  return vnis;
}

std::map<uint32_t, std::set<uint32_t>> CopiedPorts(const Inventory& inventory) {
  static const VlanMap* const kNone = new VlanMap();
  std::map<uint32_t, std::set<uint32_t>> copied;
  for (const auto& [index, port] : inventory.ports) {
    if (!TakesCopies(port)) continue;
    const auto map = inventory.vlan_maps.find(port.vlan_map);
    const VlanMap& vlans = map == inventory.vlan_maps.end() ? *kNone : map->second;
    for (const uint32_t vni : SegmentsOf(port, vlans)) copied[vni].insert(index);
  }
  return copied;
}

}  // namespace outrider::datapath::ebpf
