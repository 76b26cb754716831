#include "vswitch/datapath/ebpf/station_sweep.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"

namespace outrider::datapath::ebpf {
namespace {

// By index of a port that learns: its segments.
using Learners = std::map<uint32_t, std::set<uint32_t>>;

absl::StatusOr<Learners> ReadLearners(const DatapathMaps& maps) {
  Learners learners;
  ASSIGN_OR_RETURN(const auto ports, maps.ports.Dump());
  std::map<uint32_t, std::vector<uint32_t>> by_map;
  for (const auto& [index, row] : ports) {
    if ((row.flags & OR_PORT_LEARN_MACS) == 0) continue;
    learners[index] = SegmentsOf(row, {});
    if (row.vlan_map != 0) by_map[row.vlan_map].push_back(index);
  }
  if (by_map.empty()) return learners;
  ASSIGN_OR_RETURN(const std::vector<abi::or_vlan_tag_key> tags, maps.vlan_tags.Keys());
  for (const abi::or_vlan_tag_key& key : tags) {
    const auto of = by_map.find(key.map);
    if (of == by_map.end()) continue;
    for (const uint32_t index : of->second) learners[index].insert(key.vni);
  }
  return learners;
}

bool IsOld(const abi::or_station& station, uint64_t now_ns) {
  // Negative when it was heard after `now_ns` was read.
  const auto age = static_cast<int64_t>(now_ns - station.heard_ns);
  return age >= static_cast<int64_t>(OR_STATION_AGE_NS);
}

}  // namespace

absl::Status ForgetOldStations(const DatapathMaps& maps) {
  ASSIGN_OR_RETURN(const auto stations, maps.stations.Dump());
  if (stations.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<uint32_t> carried, maps.providers.Keys());
  const std::set<uint32_t> vnis(carried.begin(), carried.end());
  Learners learners;
  const bool any_learned = std::any_of(stations.begin(), stations.end(),
                                       [](const auto& row) { return row.second.port != 0; });
  if (any_learned) {
    ASSIGN_OR_RETURN(learners, ReadLearners(maps));
  }
  const uint64_t now = MonotonicNs();
  std::vector<abi::or_fdb_key> old;
  for (const auto& [key, station] : stations) {
    const auto learner = learners.find(station.port);
    const bool has_place = station.port == 0
                               ? vnis.contains(key.vni)
                               : learner != learners.end() && learner->second.contains(key.vni);
    if (!has_place || IsOld(station, now)) old.push_back(key);
  }
  return maps.stations.DeleteBatch(old);
}

absl::StatusOr<uint64_t> FlushStations(const DatapathMaps& maps, const std::optional<Vni>& vni) {
  ASSIGN_OR_RETURN(std::vector<abi::or_fdb_key> keys, maps.stations.Keys());
  if (vni) std::erase_if(keys, [&](const auto& key) { return key.vni != vni->value(); });
  RETURN_IF_ERROR(maps.stations.DeleteBatch(keys));
  return keys.size();
}

}  // namespace outrider::datapath::ebpf
