#include "controller/compute/delta.h"

#include <map>
#include <string>
#include <utility>

namespace outrider::controller {
namespace {

template <typename T>
using Repeated = google::protobuf::RepeatedPtrField<T>;
using VniAndText = std::pair<uint32_t, std::string>;

// The key of each set, as named in host_state.proto.
uint32_t KeyOf(const v1::SegmentState& segment) { return segment.vni(); }
VniAndText KeyOf(const v1::FdbEntry& entry) { return {entry.vni(), entry.mac()}; }
VniAndText KeyOf(const v1::NeighborEntry& neighbor) { return {neighbor.vni(), neighbor.ip()}; }
std::string KeyOf(const v1::RuleSet& set) { return set.digest(); }
std::string KeyOf(const v1::PortState& port) { return port.id(); }

template <typename T>
auto ByKey(const Repeated<T>& set) {
  std::map<decltype(KeyOf(std::declval<T>())), const T*> map;
  for (const T& object : set) map[KeyOf(object)] = &object;
  return map;
}

// State messages hold no maps, so equal messages have equal bytes.
template <typename T>
bool Same(const T& a, const T& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

// `remove` is called with each key that is no more.
template <typename T, typename Remove>
void Diff(const Repeated<T>& from, const Repeated<T>& to, Repeated<T>* upserts, Remove remove) {
  const auto old_by_key = ByKey(from);
  const auto new_by_key = ByKey(to);
  for (const auto& [key, object] : new_by_key) {
    const auto old = old_by_key.find(key);
    if (old == old_by_key.end() || !Same(*old->second, *object)) *upserts->Add() = *object;
  }
  for (const auto& [key, object] : old_by_key) {
    if (!new_by_key.contains(key)) remove(key);
  }
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
  return delta;
}

bool IsEmpty(const v1::HostStateDelta& delta) {
  return delta.upserts().ByteSizeLong() == 0 && delta.deletes().ByteSizeLong() == 0;
}

}  // namespace outrider::controller
