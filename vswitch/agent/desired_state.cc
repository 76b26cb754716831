#include "vswitch/agent/desired_state.h"

#include <algorithm>
#include <set>

namespace outrider::agent {
namespace {

using datapath::KeyText;
using datapath::ObjectKind;

// Under the epoch in force: a port that moved away stays attached here, and an older epoch would be
// refused.
state::Port GuardedPort(const PortId& id, const state::Attachment& attachment,
                        const state::HostState& applied) {
  state::Port port;
  port.mac = attachment.mac;
  port.device = attachment.device;
  if (const auto in_force = applied.ports.find(id); in_force != applied.ports.end()) {
    port.epoch = in_force->second.epoch;
  }
  return port;
}

void DropDanglingFdb(state::HostState* state) {
  std::erase_if(state->fdb, [state](const auto& row) {
    const auto* port = std::get_if<PortId>(&row.second.where);
    return port != nullptr && !state->ports.contains(*port);
  });
}

// Of ports that the controller has here, without what only the agent knows.
void KeepDatapathsDepartures(const state::HostState& controller, state::HostState* desired) {
  std::erase_if(desired->departures,
                [&](const auto& entry) { return !controller.ports.contains(entry.first); });
  for (auto& [id, departure] : desired->departures) {
    departure.host.clear();
    departure.peer.clear();
  }
}

using Failed = std::set<std::pair<ObjectKind, std::string>>;

template <typename Key, typename Value>
void Patch(ObjectKind kind, const state::MapDelta<Key, Value>& delta, const Failed& failed,
           std::map<Key, Value>* map) {
  const auto succeeded = [&](const Key& key) { return !failed.contains({kind, KeyText(key)}); };
  for (const Key& key : delta.deletes) {
    if (succeeded(key)) map->erase(key);
  }
  for (const auto& [key, value] : delta.upserts) {
    if (succeeded(key)) map->insert_or_assign(key, value);
  }
}

template <typename Key>
void Patch(ObjectKind kind, const state::SetDelta<Key>& delta, const Failed& failed,
           std::set<Key>* set) {
  const auto succeeded = [&](const Key& key) { return !failed.contains({kind, KeyText(key)}); };
  for (const Key& key : delta.deletes) {
    if (succeeded(key)) set->erase(key);
  }
  for (const Key& key : delta.upserts) {
    if (succeeded(key)) set->insert(key);
  }
}

// Part of them may be in force: unlike what is wanted and what was, so that the next pass writes
// them anew, takes the change back, or removes them.
void KeepHalfWritten(const state::StateDelta& delta, const Failed& failed,
                     state::HostState* applied) {
  for (const auto& [vni, segment] : delta.segments.upserts) {
    if (!failed.contains({ObjectKind::kSegment, KeyText(vni)})) continue;
    applied->segments.insert_or_assign(vni, segment).first->second.mtu = 0;
  }
  for (const auto& [key, vteps] : delta.multicast_groups.upserts) {
    if (!failed.contains({ObjectKind::kMulticastGroup, KeyText(key)})) continue;
    applied->multicast_groups.insert_or_assign(key, std::set<IpAddress>());
  }
}

}  // namespace

bool OpenedItself(const state::Port& desired, const state::HostState& applied, const PortId& id) {
  const auto in_force = applied.ports.find(id);
  return desired.phase == state::PortPhase::kArmed && in_force != applied.ports.end() &&
         in_force->second.phase == state::PortPhase::kActive && !state::IsLocal(in_force->second) &&
         in_force->second.epoch == desired.epoch;
}

state::HostState MergeDesired(const state::HostState& controller,
                              const state::Attachments& attachments,
                              const state::HostState& applied) {
  state::HostState desired = controller;
  KeepDatapathsDepartures(controller, &desired);
  desired.probes.clear();
  for (auto& [id, port] : desired.ports) {
    if (port.arrival) port.arrival->host.clear();
    const auto attachment = attachments.find(id);
    if (attachment != attachments.end()) {
      port.device = attachment->second.device;
      if (OpenedItself(port, applied, id)) port.phase = state::PortPhase::kActive;
    } else {
      port.device.reset();
      if (port.phase == state::PortPhase::kActive) port.phase = state::PortPhase::kBlocked;
    }
  }
  for (const auto& [id, attachment] : attachments) {
    desired.ports.try_emplace(id, GuardedPort(id, attachment, applied));
  }
  DropDanglingFdb(&desired);
  return desired;
}

state::HostState HoldInForce(const state::HostState& in_force,
                             const state::Attachments& attachments) {
  state::HostState desired = in_force;
  for (const auto& [id, attachment] : attachments) {
    const state::Port guarded = GuardedPort(id, attachment, in_force);
    const auto port = desired.ports.try_emplace(id, guarded).first;
    // Its frames follow its guest, whatever became of the device.
    if (port->second.phase == state::PortPhase::kDeparted) continue;
    // Bound to another device, or lost: guarded until the controller says what it is.
    if (port->second.device != attachment.device) port->second = guarded;
  }
  DropDanglingFdb(&desired);
  return desired;
}

state::Port LostPort(const state::Port& port) {
  state::Port lost;
  lost.mac = port.mac;
  lost.epoch = port.epoch;
  return lost;
}

state::HostState AfterApply(state::HostState applied, const state::StateDelta& delta,
                            const datapath::ApplyResult& result) {
  if (result.failures.empty()) return state::ApplyDelta(std::move(applied), delta);
  Failed failed;
  for (const datapath::ObjectFailure& failure : result.failures) {
    failed.emplace(failure.kind, failure.key);
  }
  Patch(ObjectKind::kRuleSet, delta.rule_sets, failed, &applied.rule_sets);
  Patch(ObjectKind::kGroupMember, delta.group_members, failed, &applied.group_members);
  Patch(ObjectKind::kSegment, delta.segments, failed, &applied.segments);
  Patch(ObjectKind::kNeighbor, delta.neighbors, failed, &applied.neighbors);
  Patch(ObjectKind::kPort, delta.ports, failed, &applied.ports);
  Patch(ObjectKind::kDeparture, delta.departures, failed, &applied.departures);
  Patch(ObjectKind::kFdb, delta.fdb, failed, &applied.fdb);
  Patch(ObjectKind::kMulticastGroup, delta.multicast_groups, failed, &applied.multicast_groups);
  for (const auto& [id, port] : delta.ports.upserts) {
    if (failed.contains({ObjectKind::kPort, KeyText(id)})) applied.ports.insert_or_assign(id, port);
  }
  KeepHalfWritten(delta, failed, &applied);
  // One that a change of its ports left incomplete: unlike any segment that is wanted, so that the
  // next pass writes it anew.
  const auto& removed = delta.segments.deletes;
  for (auto& [vni, segment] : applied.segments) {
    const bool beside = !delta.segments.upserts.contains(vni) &&
                        std::find(removed.begin(), removed.end(), vni) == removed.end();
    if (beside && failed.contains({ObjectKind::kSegment, KeyText(vni)})) segment.mtu = 0;
  }
  // Also those a change of their segment has blocked.
  for (auto& [id, port] : applied.ports) {
    if (failed.contains({ObjectKind::kPort, KeyText(id)})) port = LostPort(port);
  }
  return applied;
}

}  // namespace outrider::agent
