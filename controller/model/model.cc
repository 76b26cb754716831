#include "controller/model/model.h"

#include <algorithm>
#include <utility>

#include "controller/model/groups.h"
#include "controller/model/inherit.h"
#include "controller/model/provider.h"
#include "controller/model/vlan_section.h"

namespace outrider::controller {
namespace {

// Adding and removing share all code below, so that what was put in is what is taken out.
void Set(Relation* relation, const std::string& key, const std::string& value, bool add) {
  if (add) {
    relation->Add(key, value);
  } else {
    relation->Remove(key, value);
  }
}

void IndexSegment(Index* index, const v1::Segment& segment, bool add) {
  Set(&index->segments_with_vni, std::to_string(segment.vni()), segment.meta().name(), add);
  Set(&index->segments_with_provider, ProviderKey(segment), segment.meta().name(), add);
}

void IndexGateway(Index* index, const v1::Gateway& gateway, bool add) {
  const std::string& name = gateway.meta().name();
  Set(&index->owners_of_vtep, gateway.vtep(), "gateway " + name, add);
  for (const std::string& segment : gateway.segments()) {
    Set(&index->gateways_of_segment, segment, name, add);
  }
}

void IndexPortGroup(Index* index, const v1::PortGroup& group, bool add) {
  for (const std::string& port : group.ports()) {
    Set(&index->groups_of_port, port, group.meta().name(), add);
  }
}

// By what is in force, inherited or not.
void IndexEffective(Index* index, const v1::Profile& profile, bool add) {
  const std::string& name = profile.meta().name();
  for (const std::string& segment : SegmentsOf(profile.vlan())) {
    Set(&index->profiles_of_segment, segment, name, add);
  }
  for (const auto* rules : {&profile.acl().ingress(), &profile.acl().egress()}) {
    for (const v1::AclRule& rule : *rules) {
      Set(&index->profiles_of_group, SrcGroupKey(rule.match()), name, add);
      Set(&index->profiles_of_group, DstGroupKey(rule.match()), name, add);
    }
  }
}

// Whether ports of the profile are indexed the same before and after.
bool SamePlace(const ProfileEffect& effect) {
  if (effect.before == nullptr || effect.after == nullptr) return false;
  return effect.before->vlan().SerializeAsString() == effect.after->vlan().SerializeAsString();
}

void IndexHost(Index* index, const v1::Host& host, bool add) {
  for (const std::string& vtep : host.vteps()) {
    Set(&index->owners_of_vtep, vtep, "host " + host.meta().name(), add);
  }
}

void IndexMigration(Index* index, const v1::Migration& migration, bool add) {
  const std::string& id = migration.meta().name();
  for (const std::string& port : migration.port_ids()) {
    Set(&index->moves_of_port_at, PairKey(port, migration.source()), id, add);
    Set(&index->moves_of_port_at, PairKey(port, migration.destination()), id, add);
  }
  if (IsProbing(migration)) Set(&index->probing_migrations, Index::kAll, id, add);
  if (!IsRunning(migration)) return;
  Set(&index->running_migrations, Index::kAll, id, add);
  for (const std::string& port : migration.port_ids()) {
    Set(&index->migrations_of_port, port, id, add);
    if (IsExpecting(migration)) {
      Set(&index->ports_expected_at, migration.destination(), port, add);
    } else {
      Set(&index->ports_departed_from, migration.source(), port, add);
    }
  }
}

}  // namespace

bool IsExpecting(const v1::Migration& migration) {
  return migration.phase() == v1::MIGRATION_PHASE_PREPARING ||
         migration.phase() == v1::MIGRATION_PHASE_ARMED;
}

bool IsSwitching(const v1::Migration& migration) {
  return migration.phase() == v1::MIGRATION_PHASE_SWITCHING;
}

bool IsUnderWay(const v1::Migration& migration) {
  return migration.phase() == v1::MIGRATION_PHASE_ARMED ||
         migration.phase() == v1::MIGRATION_PHASE_SWITCHING;
}

bool IsRunning(const v1::Migration& migration) {
  return IsExpecting(migration) || IsSwitching(migration);
}

bool IsProbed(const v1::Migration& migration, const std::string& port_id) {
  return !migration.probe_from().empty() && !migration.probes().contains(port_id);
}

bool IsProbing(const v1::Migration& migration) {
  return std::any_of(migration.port_ids().begin(), migration.port_ids().end(),
                     [&](const std::string& id) { return IsProbed(migration, id); });
}

std::vector<std::shared_ptr<const v1::Profile>> Model::Revisions(const std::string& profile) const {
  std::vector<std::shared_ptr<const v1::Profile>> revisions;
  if (const auto retired = retired_.find(profile); retired != retired_.end()) {
    revisions = retired->second;
  }
  if (auto current = Share<v1::Profile>(profile)) revisions.push_back(std::move(current));
  return revisions;
}

std::shared_ptr<const v1::Profile> Model::Draft(const std::string& profile) const {
  const auto found = drafts_.find(profile);
  return found == drafts_.end() ? nullptr : found->second;
}

std::shared_ptr<const v1::Profile> Model::Effective(const std::string& profile) const {
  const auto found = effective_.find(profile);
  return found == effective_.end() ? nullptr : found->second;
}

NameSet Model::Heirs(const std::string& profile) const {
  NameSet heirs{profile};
  std::vector<std::string> open{profile};
  while (!open.empty()) {
    const std::string next = std::move(open.back());
    open.pop_back();
    for (const std::string& child : index_.children_of_profile.Get(next)) {
      if (heirs.insert(child).second) open.push_back(child);
    }
  }
  return heirs;
}

NameSet Model::SegmentsOf(const v1::Port& port) const {
  const std::shared_ptr<const v1::Profile> profile = Effective(port.profile());
  return profile == nullptr ? NameSet() : controller::SegmentsOf(profile->vlan());
}

std::string Model::AddressSegmentOf(const v1::Port& port) const {
  const std::shared_ptr<const v1::Profile> profile = Effective(port.profile());
  return profile == nullptr ? std::string() : controller::AddressSegmentOf(profile->vlan());
}

const v1::Migration* Model::RunningMigrationOf(const std::string& port_id) const {
  const NameSet& ids = index_.migrations_of_port.Get(port_id);
  return ids.empty() ? nullptr : Find<v1::Migration>(*ids.begin());
}

std::vector<ProfileEffect> Model::Apply(uint64_t revision, const Change& change) {
  revision_ = revision;
  if (change.kind == Kind::kDraft) {
    Swap(change);
    return {};
  }
  std::vector<ProfileEffect> effects;
  if (change.kind == Kind::kProfile) {
    // The children stay who they are; what they inherit does not.
    const NameSet heirs = Heirs(change.name);
    Swap(change);
    effects = EffectsOn(heirs);
  }
  // A port's entries derive from the port, its profile and its migration: take them out under the
  // old values and put them back under the new ones.
  const NameSet ports = DependentPorts(change, effects);
  for (const std::string& port : ports) IndexPort(port, false);
  IndexObject(change);
  if (change.kind == Kind::kProfile) {
    Install(effects);
  } else {
    Swap(change);
  }
  for (const std::string& port : ports) IndexPort(port, true);
  return effects;
}

void Model::AddRetired(uint64_t revision, std::shared_ptr<const v1::Profile> retired) {
  retired_[retired->meta().name()].push_back(retired);
  revision_ = revision;
}

std::shared_ptr<const v1::Profile> Model::ComputeEffective(const std::string& profile) const {
  auto own = Share<v1::Profile>(profile);
  if (own == nullptr || own->parent().empty()) return own;
  return std::make_shared<const v1::Profile>(
      Inherit(*own, [this](const std::string& name) { return Find<v1::Profile>(name); }));
}

std::vector<ProfileEffect> Model::EffectsOn(const NameSet& profiles) const {
  std::vector<ProfileEffect> effects;
  for (const std::string& name : profiles) {
    ProfileEffect effect{name, Effective(name), ComputeEffective(name)};
    // A port may name, and a profile inherit from, what does not exist.
    if (effect.before != nullptr || effect.after != nullptr) effects.push_back(std::move(effect));
  }
  return effects;
}

void Model::Install(const std::vector<ProfileEffect>& effects) {
  for (const ProfileEffect& effect : effects) {
    if (effect.before != nullptr) IndexEffective(&index_, *effect.before, false);
    if (effect.after == nullptr) {
      effective_.erase(effect.name);
      continue;
    }
    IndexEffective(&index_, *effect.after, true);
    effective_[effect.name] = effect.after;
  }
}

NameSet Model::DependentPorts(const Change& change,
                              const std::vector<ProfileEffect>& effects) const {
  NameSet ports;
  // A port depends on its profile only for the segments.
  for (const ProfileEffect& effect : effects) {
    if (SamePlace(effect)) continue;
    const NameSet& more = index_.ports_of_profile.Get(effect.name);
    ports.insert(more.begin(), more.end());
  }
  if (change.kind == Kind::kPort) ports.insert(change.name);
  for (const auto* record : {change.Before<v1::Migration>(), change.After<v1::Migration>()}) {
    if (record != nullptr) ports.insert(record->port_ids().begin(), record->port_ids().end());
  }
  return ports;
}

void Model::IndexObject(const Change& change) {
  for (const bool add : {false, true}) {
    const google::protobuf::Message* object = (add ? change.after : change.before).get();
    if (object == nullptr) continue;
    switch (change.kind) {
      case Kind::kSegment:
        IndexSegment(&index_, static_cast<const v1::Segment&>(*object), add);
        break;
      case Kind::kGateway:
        IndexGateway(&index_, static_cast<const v1::Gateway&>(*object), add);
        break;
      case Kind::kPortGroup:
        IndexPortGroup(&index_, static_cast<const v1::PortGroup&>(*object), add);
        break;
      case Kind::kProfile:
        Set(&index_.children_of_profile, static_cast<const v1::Profile&>(*object).parent(),
            change.name, add);
        break;
      case Kind::kHost:
        IndexHost(&index_, static_cast<const v1::Host&>(*object), add);
        break;
      case Kind::kMigration:
        IndexMigration(&index_, static_cast<const v1::Migration&>(*object), add);
        break;
      default:
        break;  // ports are indexed with what they depend on; the others are looked up by name only
    }
  }
}

void Model::Swap(const Change& change) {
  const auto swap = [&](auto& table) {
    using T = typename std::decay_t<decltype(table)>::mapped_type::element_type;
    if (change.after == nullptr) {
      table.erase(change.name);
    } else {
      table[change.name] = std::static_pointer_cast<T>(change.after);
    }
  };
  if (change.kind == Kind::kDraft) return swap(drafts_);
  if (change.kind == Kind::kProfile) ArchiveProfile(change);
  std::apply(
      [&](auto&... tables) {
        // Tables are in the order of Kind.
        int kind = 0;
        ((kind++ == static_cast<int>(change.kind) ? swap(tables) : void()), ...);
      },
      tables_);
}

void Model::ArchiveProfile(const Change& change) {
  const auto* before = change.Before<v1::Profile>();
  const auto* after = change.After<v1::Profile>();
  if (after == nullptr && !change.withdraws) {
    retired_.erase(change.name);
    return;
  }
  auto& kept = retired_[change.name];
  const bool replaced = after == nullptr || (before != nullptr && before->profile_revision() !=
                                                                      after->profile_revision());
  if (before != nullptr && replaced) {
    // A load finds it with the revision that retired it.
    auto retired = std::make_shared<v1::Profile>(*before);
    retired->set_state(v1::Profile::STATE_RETIRED);
    retired->mutable_meta()->set_revision(revision_);
    kept.push_back(std::move(retired));
  }
  // As the store does: what is too much goes when a revision is added.
  const size_t excess = after == nullptr ? 0 : ExcessRevisions(kept.size() + 1);
  kept.erase(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(excess));
  if (kept.empty()) retired_.erase(change.name);
}

void Model::IndexPort(const std::string& port_id, bool add) {
  const v1::Port* port = Find<v1::Port>(port_id);
  if (port == nullptr) return;
  Set(&index_.ports_of_profile, port->profile(), port_id, add);
  Set(&index_.ports_of_vm, port->vm_id(), port_id, add);
  Set(&index_.ports_located_at, port->location().host(), port_id, add);
  const v1::Migration* migration = RunningMigrationOf(port_id);
  std::string beside;
  // While SWITCHING the destination is the location itself.
  if (migration != nullptr) {
    beside = IsSwitching(*migration) ? migration->source() : migration->destination();
  }
  IndexPortInSegments(*port, beside, add);
}

void Model::IndexPortInSegments(const v1::Port& port, const std::string& beside, bool add) {
  const std::string& port_id = port.meta().name();
  const std::string addresses = AddressSegmentOf(port);
  for (const std::string& ip : port.ips()) {
    Set(&index_.ports_with_ip, PairKey(addresses, ip), port_id, add);
  }
  for (const std::string& segment : SegmentsOf(port)) {
    Set(&index_.ports_with_mac, PairKey(segment, port.mac()), port_id, add);
    for (const std::string& host : {port.location().host(), beside}) {
      const std::string place = PairKey(segment, host);
      if (place.empty()) continue;
      Set(&index_.ports_of_segment_at, place, port_id, add);
      // The host stays while any port of the segment keeps it there.
      Set(&index_.hosts_of_segment, segment, host, !index_.ports_of_segment_at.Get(place).empty());
    }
  }
}

}  // namespace outrider::controller
