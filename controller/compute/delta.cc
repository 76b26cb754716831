#include "controller/compute/delta.h"

#include <string>
#include <utility>

namespace outrider::controller {
namespace {

template <typename T>
using Repeated = google::protobuf::RepeatedPtrField<T>;
using Text = const std::string&;
using VniAndText = std::pair<uint32_t, Text>;
using TwoTexts = std::pair<Text, Text>;

// The key of each set, as named in host_state.proto. References into the object.
uint32_t KeyOf(const v1::SegmentState& segment) { return segment.vni(); }
VniAndText KeyOf(const v1::FdbEntry& entry) { return {entry.vni(), entry.mac()}; }
VniAndText KeyOf(const v1::NeighborEntry& neighbor) { return {neighbor.vni(), neighbor.ip()}; }
Text KeyOf(const v1::RuleSet& set) { return set.digest(); }
Text KeyOf(const v1::PortState& port) { return port.id(); }
VniAndText KeyOf(const v1::MulticastGroup& group) { return {group.vni(), group.group()}; }
Text KeyOf(const v1::Departure& departure) { return departure.port_id(); }
Text KeyOf(const v1::MoveProbe& probe) { return probe.port_id(); }
TwoTexts KeyOf(const v1::GroupMember& member) { return {member.group(), member.prefix()}; }

// State messages hold no maps, so equal messages have equal bytes.
template <typename T>
bool Same(const T& a, const T& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}
// The key is the digest of all the rest.
bool Same(const v1::RuleSet&, const v1::RuleSet&) { return true; }
// The key is all there is.
bool Same(const v1::GroupMember&, const v1::GroupMember&) { return true; }

// Both are ordered by key. `remove` is called with each key that is no more.
template <typename T, typename Remove>
void Diff(const Repeated<T>& from, const Repeated<T>& to, Repeated<T>* upserts, Remove remove) {
  auto old = from.begin();
  for (const T& object : to) {
    const auto& key = KeyOf(object);
    for (; old != from.end() && KeyOf(*old) < key; ++old) remove(KeyOf(*old));
    const bool both = old != from.end() && KeyOf(*old) == key;
    if (!both || !Same(*old, object)) *upserts->Add() = object;
    if (both) ++old;
  }
  for (; old != from.end(); ++old) remove(KeyOf(*old));
}

}  // namespace

v1::HostStateDelta ComputeDelta(const v1::HostState& from, const v1::HostState& to) {
  v1::HostStateDelta delta;
  v1::HostState* upserts = delta.mutable_upserts();
  v1::HostStateKeys* deletes = delta.mutable_deletes();
  Diff(from.segments(), to.segments(), upserts->mutable_segments(),
       [&](uint32_t vni) { deletes->add_segments(vni); });
  Diff(from.fdb(), to.fdb(), upserts->mutable_fdb(), [&](const VniAndText& key) {
    v1::HostStateKeys::Fdb* gone = deletes->add_fdb();
    gone->set_vni(key.first);
    gone->set_mac(key.second);
  });
  Diff(from.neighbors(), to.neighbors(), upserts->mutable_neighbors(), [&](const VniAndText& key) {
    v1::HostStateKeys::Neighbor* gone = deletes->add_neighbors();
    gone->set_vni(key.first);
    gone->set_ip(key.second);
  });
  Diff(from.rule_sets(), to.rule_sets(), upserts->mutable_rule_sets(),
       [&](const std::string& digest) { deletes->add_rule_sets(digest); });
  Diff(from.ports(), to.ports(), upserts->mutable_ports(),
       [&](const std::string& id) { deletes->add_ports(id); });
  Diff(from.group_members(), to.group_members(), upserts->mutable_group_members(),
       [&](const TwoTexts& key) {
         v1::GroupMember* gone = deletes->add_group_members();
         gone->set_group(key.first);
         gone->set_prefix(key.second);
       });
  Diff(from.multicast_groups(), to.multicast_groups(), upserts->mutable_multicast_groups(),
       [&](const VniAndText& key) {
         v1::MulticastGroup* gone = deletes->add_multicast_groups();
         gone->set_vni(key.first);
         gone->set_group(key.second);
       });
  Diff(from.departures(), to.departures(), upserts->mutable_departures(),
       [&](const std::string& id) { deletes->add_departures(id); });
  Diff(from.probes(), to.probes(), upserts->mutable_probes(),
       [&](const std::string& id) { deletes->add_probes(id); });
  return delta;
}

bool IsEmpty(const v1::HostStateDelta& delta) {
  return delta.upserts().ByteSizeLong() == 0 && delta.deletes().ByteSizeLong() == 0;
}

}  // namespace outrider::controller
