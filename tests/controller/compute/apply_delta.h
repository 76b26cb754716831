// What an agent makes of a delta, in the controller's messages: the oracle for ComputeDelta.
#ifndef OUTRIDER_TESTS_CONTROLLER_COMPUTE_APPLY_DELTA_H_
#define OUTRIDER_TESTS_CONTROLLER_COMPUTE_APPLY_DELTA_H_

#include <map>
#include <string>
#include <utility>

#include "outrider/v1/host_state.pb.h"

namespace outrider::controller {

using VniAndText = std::pair<uint32_t, std::string>;

inline uint32_t KeyOf(const v1::SegmentState& segment) { return segment.vni(); }
inline VniAndText KeyOf(const v1::FdbEntry& entry) { return {entry.vni(), entry.mac()}; }
inline VniAndText KeyOf(const v1::NeighborEntry& entry) { return {entry.vni(), entry.ip()}; }
inline std::string KeyOf(const v1::RuleSet& set) { return set.digest(); }
inline std::string KeyOf(const v1::PortState& port) { return port.id(); }
inline std::pair<std::string, std::string> KeyOf(const v1::GroupMember& member) {
  return {member.group(), member.prefix()};
}
inline VniAndText KeyOf(const v1::MulticastGroup& group) { return {group.vni(), group.group()}; }
inline std::string KeyOf(const v1::Departure& departure) { return departure.port_id(); }
inline std::string KeyOf(const v1::MoveProbe& probe) { return probe.port_id(); }
inline VniAndText KeyOf(const v1::HostStateKeys::Fdb& key) { return {key.vni(), key.mac()}; }
inline VniAndText KeyOf(const v1::HostStateKeys::Neighbor& key) { return {key.vni(), key.ip()}; }
inline uint32_t KeyOf(uint32_t vni) { return vni; }
inline std::string KeyOf(const std::string& text) { return text; }

template <typename T, typename Keys>
void MergeDelta(const google::protobuf::RepeatedPtrField<T>& from,
                const google::protobuf::RepeatedPtrField<T>& upserts, const Keys& deletes,
                google::protobuf::RepeatedPtrField<T>* result) {
  std::map<decltype(KeyOf(std::declval<T>())), const T*> by_key;
  for (const T& object : from) by_key[KeyOf(object)] = &object;
  for (const auto& key : deletes) by_key.erase(KeyOf(key));
  for (const T& object : upserts) by_key[KeyOf(object)] = &object;
  for (const auto& [key, object] : by_key) *result->Add() = *object;
}

// In canonical order. Keys of deletes that are not in `from` are ignored.
inline v1::HostState ApplyDelta(const v1::HostState& from, const v1::HostStateDelta& delta) {
  const v1::HostState& upserts = delta.upserts();
  const v1::HostStateKeys& deletes = delta.deletes();
  v1::HostState to;
  MergeDelta(from.segments(), upserts.segments(), deletes.segments(), to.mutable_segments());
  MergeDelta(from.fdb(), upserts.fdb(), deletes.fdb(), to.mutable_fdb());
  MergeDelta(from.neighbors(), upserts.neighbors(), deletes.neighbors(), to.mutable_neighbors());
  MergeDelta(from.rule_sets(), upserts.rule_sets(), deletes.rule_sets(), to.mutable_rule_sets());
  MergeDelta(from.ports(), upserts.ports(), deletes.ports(), to.mutable_ports());
  MergeDelta(from.group_members(), upserts.group_members(), deletes.group_members(),
             to.mutable_group_members());
  MergeDelta(from.multicast_groups(), upserts.multicast_groups(), deletes.multicast_groups(),
             to.mutable_multicast_groups());
  MergeDelta(from.departures(), upserts.departures(), deletes.departures(),
             to.mutable_departures());
  MergeDelta(from.probes(), upserts.probes(), deletes.probes(), to.mutable_probes());
  return to;
}

}  // namespace outrider::controller

#endif  // OUTRIDER_TESTS_CONTROLLER_COMPUTE_APPLY_DELTA_H_
