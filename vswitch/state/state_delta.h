// What changes between two host states, object by object, in the order a datapath applies it. Pure;
// any thread.
#ifndef OUTRIDER_VSWITCH_STATE_STATE_DELTA_H_
#define OUTRIDER_VSWITCH_STATE_STATE_DELTA_H_

#include <map>
#include <set>
#include <vector>

#include "vswitch/state/host_state.h"

namespace outrider::state {

// Changes to one keyed set: `upserts` are new or changed objects, whole; `deletes` are gone. A key
// is in at most one of them.
template <typename Key, typename Value>
struct MapDelta {
  std::map<Key, Value> upserts;
  std::vector<Key> deletes;

  bool empty() const { return upserts.empty() && deletes.empty(); }
  size_t size() const { return upserts.size() + deletes.size(); }
  bool operator==(const MapDelta&) const = default;
};

// The same of a set of keys without values.
template <typename Key>
struct SetDelta {
  std::set<Key> upserts;
  std::vector<Key> deletes;

  bool empty() const { return upserts.empty() && deletes.empty(); }
  size_t size() const { return upserts.size() + deletes.size(); }
  bool operator==(const SetDelta&) const = default;
};

// Order of application, so that no frame meets a reference to nothing and nothing is open before it
// is guarded: rule sets, group members, segments, neighbours, ports, departures, FDB, multicast
// groups are written in this order; deletes follow in the reverse order.
struct StateDelta {
  MapDelta<Digest, RuleSet> rule_sets;
  SetDelta<GroupMember> group_members;
  MapDelta<Vni, Segment> segments;
  MapDelta<NeighborKey, MacAddress> neighbors;
  MapDelta<PortId, Port> ports;
  // Of ports that are there, after the delta.
  MapDelta<PortId, Departure> departures = {};
  MapDelta<FdbKey, FdbEntry> fdb;
  MapDelta<MulticastKey, std::set<IpAddress>> multicast_groups;
  // The agent's own, in no order with the others.
  MapDelta<PortId, MoveProbe> probes = {};

  bool empty() const;
  // Number of objects written or deleted.
  size_t size() const;
  bool operator==(const StateDelta&) const = default;
};

// ApplyDelta(from, ComputeDelta(from, to)) == to; empty exactly when from == to.
StateDelta ComputeDelta(const HostState& from, const HostState& to);

HostState ApplyDelta(HostState from, const StateDelta& delta);

}  // namespace outrider::state

#endif  // OUTRIDER_VSWITCH_STATE_STATE_DELTA_H_
