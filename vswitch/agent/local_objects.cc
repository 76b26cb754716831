#include "vswitch/agent/local_objects.h"

#include <algorithm>
#include <utility>

#include "vswitch/types/status.h"

namespace outrider::agent {
namespace {

using datapath::ObjectFailure;
using datapath::ObjectKind;

bool IsOfLocalSegment(const ObjectFailure& failure) {
  switch (failure.kind) {
    case ObjectKind::kSegment:
    case ObjectKind::kNeighbor:
    case ObjectKind::kFdb:
    case ObjectKind::kMulticastGroup:
      // As Vni::ToString begins.
      return failure.key.starts_with("local/");
    default:
      return false;
  }
}

}  // namespace

void LocalObjects::Hold(const state::HostState& applied, const state::HostState& controller) {
  local_ = LocalPartOf(applied);
  for (const auto& [id, port] : controller.ports) {
    const auto in_force = applied.ports.find(id);
    if (in_force == applied.ports.end()) continue;
    PortLimits given;
    if (port.ingress_policer == state::Policer{}) given.ingress = in_force->second.ingress_policer;
    if (port.shaper == state::Shaper{}) given.egress = in_force->second.shaper;
    if (given != PortLimits{}) local_.limits.emplace(id, given);
  }
}

void LocalObjects::Set(LocalState local) {
  local_ = std::move(local);
  for (auto& [id, port] : local_.ports) {
    port.phase = state::PortPhase::kActive;
    port.profile.clear();
    port.profile_revision = 0;
    port.migration_id.clear();
    port.report_first_frame = false;
  }
}

void LocalObjects::Merge(const state::HostState& applied, state::HostState* desired) {
  // What was local and is the controller's now is no more.
  std::erase_if(ports_, [&](const PortId& id) {
    return !applied.ports.contains(id) || desired->ports.contains(id);
  });
  outcome_ = AddLocal(local_, applied, desired);
  for (const auto& [id, port] : local_.ports) {
    const auto merged = desired->ports.find(id);
    if (merged != desired->ports.end() && state::IsLocal(merged->second)) ports_.insert(id);
  }
  port_keys_.clear();
  for (const PortId& id : ports_) port_keys_.insert(datapath::KeyText(id));
}

std::map<PortId, std::string> LocalObjects::ProblemsAmong(
    const std::vector<ObjectFailure>& failures) const {
  std::map<PortId, std::string> problems = outcome_.problems;
  for (const ObjectFailure& failure : failures) {
    if (failure.kind != ObjectKind::kPort || !port_keys_.contains(failure.key)) continue;
    // What the datapath says counts first: the port forwards nothing.
    if (const auto id = PortId::Parse(failure.key); id.ok()) {
      problems.insert_or_assign(*id, Message(failure.status));
    }
  }
  return problems;
}

state::Port LocalObjects::AsProfiled(const PortId& id, state::Port port) const {
  const auto found = outcome_.limits.find(id);
  if (found == outcome_.limits.end()) return port;
  const PortLimits& given = found->second;
  // A port that could not be written has none of them.
  if (port.ingress_policer == given.ingress) port.ingress_policer = {};
  if (port.shaper == given.egress) port.shaper = {};
  return port;
}

state::HostState LocalObjects::AsProfiled(const state::HostState& applied) const {
  state::HostState profiled;
  for (const auto& [id, port] : applied.ports) {
    if (!Has(id)) profiled.ports.emplace(id, AsProfiled(id, port));
  }
  return profiled;
}

std::vector<ObjectFailure> LocalObjects::NotLocal(
    const std::vector<ObjectFailure>& failures) const {
  std::vector<ObjectFailure> others;
  std::copy_if(failures.begin(), failures.end(), std::back_inserter(others),
               [&](const ObjectFailure& failure) {
                 const bool local_port =
                     failure.kind == ObjectKind::kPort && port_keys_.contains(failure.key);
                 return !local_port && !IsOfLocalSegment(failure);
               });
  return others;
}

}  // namespace outrider::agent
