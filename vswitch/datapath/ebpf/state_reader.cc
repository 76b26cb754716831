#include "vswitch/datapath/ebpf/state_reader.h"

#include <algorithm>
#include <utility>

#include "vswitch/datapath/ebpf/departure_codec.h"
#include "vswitch/datapath/ebpf/group_codec.h"
#include "vswitch/datapath/ebpf/port_codec.h"
#include "vswitch/datapath/ebpf/segment_codec.h"

namespace outrider::datapath::ebpf {
namespace {

// `copied`: indices of the ports that should get copies of the segment's BUM frames.
state::Segment ReadSegment(const Inventory& inventory, uint32_t vni, const abi::or_segment& row,
                           const std::set<uint32_t>& copied) {
  state::Segment segment;
  DecodeSegmentFlags(row.flags, &segment);
  const Copies copies = CopiesOf(inventory, row);
  bool whole = copies.ports == copied && copies.vteps.size() == row.remote_copies;
  const auto members = inventory.members.find(vni);
  for (const uint32_t index : copies.vteps) {
    const auto vtep = inventory.vteps.find(index);
    const bool is_member = vtep != inventory.vteps.end() && members != inventory.members.end() &&
                           members->second.contains(vtep->second);
    if (is_member) segment.vteps.insert(vtep->second);
    whole = whole && is_member;
  }
  // A source that is accepted though no copy goes there: too much is in force.
  if (members != inventory.members.end()) {
    whole = whole && members->second.size() == segment.vteps.size();
  }
  segment.provider = ProviderOf(inventory, vni, row);
  whole = whole && segment.provider.has_value() == ((row.flags & OR_SEGMENT_PROVIDER) != 0);
  segment.mtu = whole ? row.mtu : 0;
  return segment;
}

// The largest MTU among the segments of the port that are there; 0: none is.
uint32_t LargestMtu(const Inventory& inventory, const state::Port& port) {
  uint32_t mtu = 0;
  for (const Vni& vni : state::SegmentsOf(port)) {
    const auto segment = inventory.segments.find(vni.value());
    if (segment != inventory.segments.end()) mtu = std::max(mtu, segment->second.mtu);
  }
  return mtu;
}

state::Port ReadPort(const Inventory& inventory, uint32_t index, const abi::or_port& row,
                     const abi::or_port_info& info, bool bound,
                     const std::map<uint32_t, Digest>& rule_sets) {
  auto port = DecodePort(row, info, rule_sets, inventory);
  if (!port) {
    state::Port broken;
    broken.mac = MacAddress(ToArray(row.mac));
    broken.epoch = Epoch{row.epoch};
    return broken;
  }
  port->arrival = ArrivalOf(inventory, index);
  // Its guest's first frame has opened it.
  if (port->phase == state::PortPhase::kArmed && inventory.first_frames.contains(index)) {
    port->phase = state::PortPhase::kActive;
  }
  if (port->device && !bound) {
    port->device.reset();
    // What is redirected needs no device here.
    if (port->phase != state::PortPhase::kDeparted) port->phase = state::PortPhase::kBlocked;
  }
  // A segment's MTU changed and the port has not followed yet.
  if (const uint32_t mtu = LargestMtu(inventory, *port); mtu != 0 && mtu != row.mtu) {
    port->phase = state::PortPhase::kBlocked;
  }
  return *std::move(port);
}

void ReadPorts(const Inventory& inventory, const std::set<uint32_t>& bound_ports,
               state::HostState* state) {
  std::map<uint32_t, Digest> rule_sets;
  for (const auto& [id, loaded] : inventory.rule_sets) rule_sets[id] = loaded.digest;
  for (const auto& [index, row] : inventory.ports) {
    const auto info = inventory.port_info.find(index);
    if (info == inventory.port_info.end()) continue;
    state->ports[DecodePortId(info->second)] =
        ReadPort(inventory, index, row, info->second, bound_ports.contains(index), rule_sets);
  }
}

void ReadDepartures(const Inventory& inventory, state::HostState* state) {
  for (const auto& [index, info] : inventory.departure_info) {
    const auto port_info = inventory.port_info.find(index);
    const auto port = inventory.ports.find(index);
    if (port_info == inventory.port_info.end() || port == inventory.ports.end()) continue;
    state::Departure departure = DecodeDeparture(info);
    // One whose port is not watched yet is not in force.
    if (HasWay(departure) && (port->second.flags & OR_PORT_MOVING) == 0) continue;
    state->departures.emplace(DecodePortId(port_info->second), std::move(departure));
  }
}

void ReadFdb(const Inventory& inventory, state::HostState* state) {
  for (const auto& [key, row] : inventory.fdb) {
    const auto vni = Vni::FromValue(key.vni);
    if (!vni.ok()) continue;
    const state::FdbKey fdb_key{.vni = *vni, .mac = MacAddress(ToArray(key.mac))};
    state::FdbEntry entry{.where = PortId(), .epoch = Epoch{row.epoch}};
    if (row.kind == abi::OR_FDB_LOCAL) {
      const auto info = inventory.port_info.find(row.index);
      if (info == inventory.port_info.end()) continue;
      entry.where = DecodePortId(info->second);
    } else {
      const auto vtep = inventory.vteps.find(row.index);
      if (vtep == inventory.vteps.end()) continue;
      entry.where = vtep->second;
    }
    state->fdb.emplace(fdb_key, std::move(entry));
  }
}

void ReadMulticast(const Inventory& inventory, state::HostState* state) {
  for (const auto& [row, until_ns] : inventory.multicast_members) {
    const auto vni = Vni::FromValue(row.group.vni);
    const auto vtep = inventory.vteps.find(row.place & ~OR_MULTICAST_VTEP);
    // What guests have joined is not of the state.
    if (!vni.ok() || (row.place & OR_MULTICAST_VTEP) == 0 || vtep == inventory.vteps.end())
      continue;
    const IpAddress group(ToArray(row.group.address));
    state->multicast_groups[{*vni, group}].insert(vtep->second);
  }
}

}  // namespace

state::HostState ToHostState(const Inventory& inventory, const std::set<uint32_t>& bound_ports) {
  state::HostState state;
  auto copied = CopiedPorts(inventory);
  for (const auto& [number, row] : inventory.segments) {
    const auto vni = Vni::FromValue(number);
    if (!vni.ok()) continue;
    state.segments.emplace(*vni, ReadSegment(inventory, number, row, copied[number]));
  }
  for (const auto& [id, loaded] : inventory.rule_sets) {
    state.rule_sets.emplace(loaded.digest, loaded.set);
  }
  for (const abi::or_group_member& row : inventory.group_members) {
    const auto group = inventory.groups.find(row.group);
    if (group == inventory.groups.end()) continue;
    state.group_members.insert({.group = group->second, .prefix = DecodePrefix(row.prefix)});
  }
  for (const auto& [key, row] : inventory.neighbors) {
    const auto vni = Vni::FromValue(key.vni);
    if (!vni.ok()) continue;
    state.neighbors.emplace(state::NeighborKey{.vni = *vni, .ip = IpAddress(ToArray(key.address))},
                            MacAddress(ToArray(row.mac)));
  }
  ReadPorts(inventory, bound_ports, &state);
  ReadDepartures(inventory, &state);
  ReadFdb(inventory, &state);
  ReadMulticast(inventory, &state);
  return state;
}

}  // namespace outrider::datapath::ebpf
