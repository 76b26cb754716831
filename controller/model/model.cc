#include "controller/model/model.h"

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
}

void IndexGateway(Index* index, const v1::Gateway& gateway, bool add) {
  const std::string& name = gateway.meta().name();
  Set(&index->owners_of_vtep, gateway.vtep(), "gateway " + name, add);
  for (const std::string& segment : gateway.segments()) {
    Set(&index->gateways_of_segment, segment, name, add);
  }
}

void IndexProfile(Index* index, const v1::Profile& profile, bool add) {
  const std::string& name = profile.meta().name();
  Set(&index->profiles_of_segment, profile.vlan().segment(), name, add);
  for (const auto* rules : {&profile.acl().ingress(), &profile.acl().egress()}) {
    for (const v1::AclRule& rule : *rules) {
      Set(&index->profiles_of_group, rule.match().src_group(), name, add);
      Set(&index->profiles_of_group, rule.match().dst_group(), name, add);
    }
  }
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
  if (!IsRunning(migration)) return;
  Set(&index->running_migrations, Index::kAll, id, add);
  for (const std::string& port : migration.port_ids()) {
    Set(&index->migrations_of_port, port, id, add);
    if (IsExpecting(migration)) {
      Set(&index->ports_expected_at, migration.destination(), port, add);
    }
  }
}

}  // namespace

bool IsExpecting(const v1::Migration& migration) {
  return migration.phase() == v1::MIGRATION_PHASE_PREPARING ||
         migration.phase() == v1::MIGRATION_PHASE_ARMED;
}

bool IsRunning(const v1::Migration& migration) {
  return IsExpecting(migration) || migration.phase() == v1::MIGRATION_PHASE_SWITCHING;
}

std::vector<std::shared_ptr<const v1::Profile>> Model::Revisions(const std::string& profile) const {
  std::vector<std::shared_ptr<const v1::Profile>> revisions;
  if (const auto retired = retired_.find(profile); retired != retired_.end()) {
    revisions = retired->second;
  }
  if (auto current = Share<v1::Profile>(profile)) revisions.push_back(std::move(current));
  return revisions;
}

std::string Model::SegmentOf(const v1::Port& port) const {
  const v1::Profile* profile = Find<v1::Profile>(port.profile());
  return profile == nullptr ? std::string() : profile->vlan().segment();
}

const v1::Migration* Model::RunningMigrationOf(const std::string& port_id) const {
  const NameSet& ids = index_.migrations_of_port.Get(port_id);
  return ids.empty() ? nullptr : Find<v1::Migration>(*ids.begin());
}

void Model::Apply(uint64_t revision, const Change& change) {
  // A port's entries derive from the port, its profile and its migration: take them out under the
  // old values and put them back under the new ones.
  const NameSet ports = DependentPorts(change);
  for (const std::string& port : ports) IndexPort(port, false);
  IndexObject(change);
  Swap(change);
  for (const std::string& port : ports) IndexPort(port, true);
  revision_ = revision;
}

NameSet Model::DependentPorts(const Change& change) const {
  switch (change.kind) {
    case Kind::kPort:
      return {change.name};
    case Kind::kProfile: {
      const auto* before = change.Before<v1::Profile>();
      const auto* after = change.After<v1::Profile>();
      // A port depends on its profile only for the segment.
      const bool same_segment = before != nullptr && after != nullptr &&
                                before->vlan().segment() == after->vlan().segment();
      return same_segment ? NameSet() : index_.ports_of_profile.Get(change.name);
    }
    case Kind::kMigration: {
      NameSet ports;
      for (const auto* record : {change.Before<v1::Migration>(), change.After<v1::Migration>()}) {
        if (record != nullptr) ports.insert(record->port_ids().begin(), record->port_ids().end());
      }
      return ports;
    }
    default:
      return {};
  }
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
      case Kind::kProfile:
        IndexProfile(&index_, static_cast<const v1::Profile&>(*object), add);
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
  if (after == nullptr) {
    retired_.erase(change.name);
  } else if (before != nullptr && before->profile_revision() != after->profile_revision()) {
    auto retired = std::make_shared<v1::Profile>(*before);
    // A load finds replaced revisions retired, and with the revision that retired them.
    if (before->state() != v1::Profile::STATE_RETIRED) {
      retired->set_state(v1::Profile::STATE_RETIRED);
      retired->mutable_meta()->set_revision(after->meta().revision());
    }
    auto& kept = retired_[change.name];
    kept.push_back(std::move(retired));
    // A load takes all that is stored: what is too much goes with the next change, there and here.
    if (before->state() == v1::Profile::STATE_RETIRED) return;
    const size_t excess = ExcessRevisions(kept.size() + 1);
    kept.erase(kept.begin(), kept.begin() + static_cast<ptrdiff_t>(excess));
  }
}

void Model::IndexPort(const std::string& port_id, bool add) {
  const v1::Port* port = Find<v1::Port>(port_id);
  if (port == nullptr) return;
  Set(&index_.ports_of_profile, port->profile(), port_id, add);
  Set(&index_.ports_of_vm, port->vm_id(), port_id, add);
  Set(&index_.ports_located_at, port->location().host(), port_id, add);
  const v1::Migration* migration = RunningMigrationOf(port_id);
  // While SWITCHING the destination is the location itself.
  const bool expected = migration != nullptr && IsExpecting(*migration);
  IndexPortInSegment(*port, expected ? migration->destination() : std::string(), add);
}

void Model::IndexPortInSegment(const v1::Port& port, const std::string& expected, bool add) {
  const std::string segment = SegmentOf(port);
  const std::string& port_id = port.meta().name();
  Set(&index_.ports_with_mac, PairKey(segment, port.mac()), port_id, add);
  for (const std::string& ip : port.ips()) {
    Set(&index_.ports_with_ip, PairKey(segment, ip), port_id, add);
  }
  for (const std::string& host : {port.location().host(), expected}) {
    const std::string place = PairKey(segment, host);
    if (place.empty()) continue;
    Set(&index_.ports_of_segment_at, place, port_id, add);
    // The host stays while any port of the segment keeps it there.
    Set(&index_.hosts_of_segment, segment, host, !index_.ports_of_segment_at.Get(place).empty());
  }
}

}  // namespace outrider::controller
