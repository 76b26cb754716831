#include "vswitch/state/state_delta.h"

#include <algorithm>
#include <iterator>

namespace outrider::state {
namespace {

template <typename Key, typename Value>
MapDelta<Key, Value> Diff(const std::map<Key, Value>& from, const std::map<Key, Value>& to) {
  MapDelta<Key, Value> delta;
  auto old_entry = from.begin();
  for (const auto& [key, value] : to) {
    while (old_entry != from.end() && old_entry->first < key) {
      delta.deletes.push_back((old_entry++)->first);
    }
    const bool present = old_entry != from.end() && old_entry->first == key;
    if (!present || old_entry->second != value) delta.upserts.emplace(key, value);
    if (present) ++old_entry;
  }
  for (; old_entry != from.end(); ++old_entry) delta.deletes.push_back(old_entry->first);
  return delta;
}

template <typename Key>
SetDelta<Key> Diff(const std::set<Key>& from, const std::set<Key>& to) {
  SetDelta<Key> delta;
  std::set_difference(to.begin(), to.end(), from.begin(), from.end(),
                      std::inserter(delta.upserts, delta.upserts.end()));
  std::set_difference(from.begin(), from.end(), to.begin(), to.end(),
                      std::back_inserter(delta.deletes));
  return delta;
}

template <typename Key, typename Value>
void Patch(const MapDelta<Key, Value>& delta, std::map<Key, Value>* map) {
  for (const Key& key : delta.deletes) map->erase(key);
  for (const auto& [key, value] : delta.upserts) map->insert_or_assign(key, value);
}

template <typename Key>
void Patch(const SetDelta<Key>& delta, std::set<Key>* set) {
  for (const Key& key : delta.deletes) set->erase(key);
  set->insert(delta.upserts.begin(), delta.upserts.end());
}

}  // namespace

bool StateDelta::empty() const { return size() == 0; }

size_t StateDelta::size() const {
  return rule_sets.size() + group_members.size() + segments.size() + neighbors.size() +
         ports.size() + fdb.size() + multicast_groups.size() + departures.size() + probes.size();
}

StateDelta ComputeDelta(const HostState& from, const HostState& to) {
  return {.rule_sets = Diff(from.rule_sets, to.rule_sets),
          .group_members = Diff(from.group_members, to.group_members),
          .segments = Diff(from.segments, to.segments),
          .neighbors = Diff(from.neighbors, to.neighbors),
          .ports = Diff(from.ports, to.ports),
          .departures = Diff(from.departures, to.departures),
          .fdb = Diff(from.fdb, to.fdb),
          .multicast_groups = Diff(from.multicast_groups, to.multicast_groups),
          .probes = Diff(from.probes, to.probes)};
}

HostState ApplyDelta(HostState from, const StateDelta& delta) {
  Patch(delta.rule_sets, &from.rule_sets);
  Patch(delta.group_members, &from.group_members);
  Patch(delta.segments, &from.segments);
  Patch(delta.neighbors, &from.neighbors);
  Patch(delta.ports, &from.ports);
  Patch(delta.fdb, &from.fdb);
  Patch(delta.multicast_groups, &from.multicast_groups);
  Patch(delta.departures, &from.departures);
  Patch(delta.probes, &from.probes);
  return from;
}

}  // namespace outrider::state
