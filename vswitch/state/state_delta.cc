#include "vswitch/state/state_delta.h"

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

template <typename Key, typename Value>
void Patch(const MapDelta<Key, Value>& delta, std::map<Key, Value>* map) {
  for (const Key& key : delta.deletes) map->erase(key);
  for (const auto& [key, value] : delta.upserts) map->insert_or_assign(key, value);
}

}  // namespace

bool StateDelta::empty() const { return size() == 0; }

size_t StateDelta::size() const {
  return rule_sets.size() + segments.size() + neighbors.size() + ports.size() + fdb.size();
}

StateDelta ComputeDelta(const HostState& from, const HostState& to) {
  return {.rule_sets = Diff(from.rule_sets, to.rule_sets),
          .segments = Diff(from.segments, to.segments),
          .neighbors = Diff(from.neighbors, to.neighbors),
          .ports = Diff(from.ports, to.ports),
          .fdb = Diff(from.fdb, to.fdb)};
}

HostState ApplyDelta(HostState from, const StateDelta& delta) {
  Patch(delta.rule_sets, &from.rule_sets);
  Patch(delta.segments, &from.segments);
  Patch(delta.neighbors, &from.neighbors);
  Patch(delta.ports, &from.ports);
  Patch(delta.fdb, &from.fdb);
  return from;
}

}  // namespace outrider::state
