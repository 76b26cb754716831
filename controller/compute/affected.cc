#include <google/protobuf/util/message_differencer.h>

#include <algorithm>

#include "controller/compute/compile_policy.h"
#include "controller/compute/compute.h"
#include "controller/model/groups.h"
#include "controller/model/vlan_section.h"

namespace outrider::controller {
namespace {

using google::protobuf::util::MessageDifferencer;

void AddHostsOf(const Model& model, const std::string& segment, std::set<std::string>* hosts) {
  const NameSet& more = model.index().hosts_of_segment.Get(segment);
  hosts->insert(more.begin(), more.end());
}

void AddHostsOf(const Model& model, const NameSet& segments, std::set<std::string>* hosts) {
  for (const std::string& segment : segments) AddHostsOf(model, segment, hosts);
}

// Where the port is, and where a migration expects it or has left it.
void AddHolders(const Model& model, const std::string& port_id, std::set<std::string>* hosts) {
  const v1::Port* port = model.Find<v1::Port>(port_id);
  if (port != nullptr) hosts->insert(port->location().host());
  const v1::Migration* migration = model.RunningMigrationOf(port_id);
  if (migration == nullptr) return;
  hosts->insert(migration->source());
  hosts->insert(migration->destination());
}

void AddHoldersOfProfile(const Model& model, const std::string& profile,
                         std::set<std::string>* hosts) {
  for (const std::string& port : model.index().ports_of_profile.Get(profile)) {
    AddHolders(model, port, hosts);
  }
}

// Members of groups reach only hosts whose rule sets name the group.
void AddGroup(const Model& model, const std::string& key, std::set<std::string>* hosts) {
  for (const std::string& profile : model.index().profiles_of_group.Get(key)) {
    AddHoldersOfProfile(model, profile, hosts);
  }
}

void AddGateway(const Model& model, const Change& change, std::set<std::string>* hosts) {
  for (const auto* gateway : {change.Before<v1::Gateway>(), change.After<v1::Gateway>()}) {
    if (gateway == nullptr) continue;
    for (const std::string& segment : gateway->segments()) AddHostsOf(model, segment, hosts);
  }
}

// What hosts of other ports know of a profile's ports: segments, where the addresses are, and
// whether these are answered for.
bool SameToOthers(const v1::Profile& from, const v1::Profile& to) {
  return SegmentsOf(from.vlan()) == SegmentsOf(to.vlan()) &&
         AddressSegmentOf(from.vlan()) == AddressSegmentOf(to.vlan()) &&
         MayRoute(from.security()) == MayRoute(to.security());
}

// Hosts of the ports get other rules, those of ports whose profile inherits as well; perhaps all
// hosts of the old and the new segments something else.
void AddProfile(const Model& model, const Change& change, std::set<std::string>* hosts) {
  for (const ProfileEffect& effect : change.effects) {
    AddHoldersOfProfile(model, effect.name, hosts);
    static const v1::Profile* const kNone = new v1::Profile();
    const v1::Profile& from = effect.before == nullptr ? *kNone : *effect.before;
    const v1::Profile& to = effect.after == nullptr ? *kNone : *effect.after;
    if (SameToOthers(from, to)) continue;
    AddHostsOf(model, SegmentsOf(from.vlan()), hosts);
    AddHostsOf(model, SegmentsOf(to.vlan()), hosts);
  }
}

bool SameAllowed(const v1::Port& before, const v1::Port& after) {
  return std::equal(before.allowed_addresses().begin(), before.allowed_addresses().end(),
                    after.allowed_addresses().begin(), after.allowed_addresses().end(),
                    [](const auto& a, const auto& b) { return MessageDifferencer::Equals(a, b); });
}

bool SameIps(const v1::Port* before, const v1::Port* after) {
  return before != nullptr && after != nullptr &&
         std::equal(before->ips().begin(), before->ips().end(), after->ips().begin(),
                    after->ips().end());
}

// Whether hosts' states can tell the two apart.
bool SameToHosts(const v1::Port* before, const v1::Port* after) {
  if (before == nullptr || after == nullptr) return false;
  return before->mac() == after->mac() && before->profile() == after->profile() &&
         MessageDifferencer::Equals(before->location(), after->location()) &&
         SameIps(before, after) && SameAllowed(*before, *after);
}

// Both the segments it was in and those it is in; all their hosts have it in their tables.
void AddPort(const Model& model, const Change& change, std::set<std::string>* hosts) {
  const auto* before = change.Before<v1::Port>();
  const auto* after = change.After<v1::Port>();
  if (SameToHosts(before, after)) return;
  for (const auto* port : {before, after}) {
    if (port == nullptr) continue;
    hosts->insert(port->location().host());
    AddHostsOf(model, model.SegmentsOf(*port), hosts);
  }
  AddHolders(model, change.name, hosts);
  if (SameIps(before, after)) return;
  for (const std::string& group : model.index().groups_of_port.Get(change.name)) {
    AddGroup(model, PortGroupKey(group), hosts);
  }
}

// They know by which VTEP their ports leave, or come, and where the destination's agent listens.
void AddPartners(const Model& model, const std::string& host, std::set<std::string>* hosts) {
  for (const std::string& id : model.index().running_migrations.Get(Index::kAll)) {
    const v1::Migration& migration = *model.Find<v1::Migration>(id);
    if (migration.destination() == host) hosts->insert(migration.source());
    if (migration.source() == host) hosts->insert(migration.destination());
  }
}

void AddHost(const Model& model, const Change& change, std::set<std::string>* hosts) {
  const auto* before = change.Before<v1::Host>();
  const auto* after = change.After<v1::Host>();
  const bool same_peer =
      before != nullptr && after != nullptr && before->peer_port() == after->peer_port();
  if (!same_peer) AddPartners(model, change.name, hosts);
  const bool same = before != nullptr && after != nullptr &&
                    before->underlay_mtu() == after->underlay_mtu() &&
                    std::equal(before->vteps().begin(), before->vteps().end(),
                               after->vteps().begin(), after->vteps().end());
  if (same) return;
  hosts->insert(change.name);
  AddPartners(model, change.name, hosts);
  for (const auto* ports : {&model.index().ports_located_at.Get(change.name),
                            &model.index().ports_expected_at.Get(change.name),
                            &model.index().ports_departed_from.Get(change.name)}) {
    for (const std::string& id : *ports) {
      const v1::Port* port = model.Find<v1::Port>(id);
      if (port != nullptr) AddHostsOf(model, model.SegmentsOf(*port), hosts);
    }
  }
}

bool SameToHosts(const v1::Migration* before, const v1::Migration* after) {
  if (before == nullptr || after == nullptr) return false;
  return IsExpecting(*before) == IsExpecting(*after) && IsRunning(*before) == IsRunning(*after) &&
         (before->rerouted_us() != 0) == (after->rerouted_us() != 0) &&
         before->source() == after->source() && before->destination() == after->destination() &&
         std::equal(before->port_ids().begin(), before->port_ids().end(), after->port_ids().begin(),
                    after->port_ids().end());
}

std::set<std::string> ProbedPorts(const v1::Migration* migration) {
  std::set<std::string> ports;
  if (migration == nullptr) return ports;
  for (const std::string& id : migration->port_ids()) {
    if (IsProbed(*migration, id)) ports.insert(id);
  }
  return ports;
}

// Whether the migration runs decides which of two of a port counts.
void AddProber(const v1::Migration* before, const v1::Migration* after,
               std::set<std::string>* hosts) {
  const bool ran = before != nullptr && IsRunning(*before);
  const bool runs = after != nullptr && IsRunning(*after);
  if (ran == runs && ProbedPorts(before) == ProbedPorts(after)) return;
  for (const auto* migration : {before, after}) {
    if (migration != nullptr) hosts->insert(migration->probe_host());
  }
}

// The destination begins or ceases to expect ports; with that it joins or leaves their segments, as
// the source does at the end. It is told where they go once it is armed. The others learn of a
// switchover when they are rerouted.
void AddMigration(const Model& model, const Change& change, std::set<std::string>* hosts) {
  const auto* before = change.Before<v1::Migration>();
  const auto* after = change.After<v1::Migration>();
  const bool was_under_way = before != nullptr && IsUnderWay(*before);
  const bool is_under_way = after != nullptr && IsUnderWay(*after);
  if (was_under_way != is_under_way) hosts->insert((after != nullptr ? after : before)->source());
  AddProber(before, after, hosts);
  if (SameToHosts(before, after)) return;
  for (const auto* migration : {before, after}) {
    if (migration == nullptr) continue;
    hosts->insert(migration->source());
    hosts->insert(migration->destination());
    for (const std::string& id : migration->port_ids()) {
      const v1::Port* port = model.Find<v1::Port>(id);
      if (port != nullptr) AddHostsOf(model, model.SegmentsOf(*port), hosts);
    }
  }
}

}  // namespace

std::set<std::string> AffectedHosts(const Model& after, const Change& change) {
  std::set<std::string> hosts;
  switch (change.kind) {
    case Kind::kSegment:
      AddHostsOf(after, change.name, &hosts);
      break;
    case Kind::kAddressGroup:
      AddGroup(after, AddressGroupKey(change.name), &hosts);
      break;
    case Kind::kPortGroup:
      AddGroup(after, PortGroupKey(change.name), &hosts);
      break;
    case Kind::kGateway:
      AddGateway(after, change, &hosts);
      break;
    case Kind::kProfile:
      AddProfile(after, change, &hosts);
      break;
    case Kind::kPort:
      AddPort(after, change, &hosts);
      break;
    case Kind::kHost:
      AddHost(after, change, &hosts);
      break;
    case Kind::kMigration:
      AddMigration(after, change, &hosts);
      break;
    case Kind::kToken:
    case Kind::kDraft:
      break;
  }
  hosts.erase("");
  return hosts;
}

std::set<std::string> AffectedHosts(const Model& after, const ChangeSet& set) {
  std::set<std::string> hosts;
  for (const Change& change : set.changes) hosts.merge(AffectedHosts(after, change));
  return hosts;
}

}  // namespace outrider::controller
