#include "controller/compute/compute.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "controller/compute/compile_policy.h"
#include "controller/compute/probes.h"
#include "controller/compute/profile_compiler.h"
#include "controller/model/groups.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/underlay.h"
#include "controller/model/vlan_section.h"
#include "proto/digest.h"

namespace outrider::controller {
namespace {

// Builds one host's state. Sets are maps so that they come out in canonical order.
class Builder {
 public:
  Builder(const Model& model, const std::string& host_id, ProfileCompiler* compiler)
      : model_(model),
        host_id_(host_id),
        host_(model.Share<v1::Host>(host_id)),
        compiler_(compiler) {}

  void AddPort(const std::string& port_id);
  // If a switching migration took it from here.
  void AddDeparted(const std::string& port_id);
  // If the migration, armed or switching, takes ports away from the host.
  void AddDepartures(const v1::Migration& migration);
  v1::HostState Build();
  // State of the port as its profile makes it, without phase and epoch; BLOCKED when it has none.
  v1::PortState Describe(const v1::Port& port) {
    return Describe(port, model_.Effective(port.profile()));
  }
  v1::PortState Describe(const v1::Port& port, const std::shared_ptr<const v1::Profile>& profile);

 private:
  // False, and nothing set, when one of the section's segments does not exist.
  bool SetVlans(const v1::VlanSection& vlan, v1::PortState* state);
  void SetPhase(const v1::Port& port, v1::PortState* state) const;
  void SetArrival(const v1::Migration& migration, v1::PortState* state) const;
  // Where this host is to send what is for the port: not always where it is.
  v1::PortLocation PlaceOf(const v1::Port& port) const;
  // Whether a host of the segment gets copies from this one, and may send to it.
  bool IsEndPoint(const std::string& segment, const std::string& host) const;
  void AddRuleSet(const std::optional<v1::RuleSet>& set, std::string* digest);
  void AddSegment(const v1::Segment& segment);
  void AddVteps(const v1::Segment& segment, v1::SegmentState* state) const;
  // Tunnel end point of another; empty when there is no way or it has not said where it is.
  std::string VtepOf(const std::string& host) const;
  std::string VtepOf(const v1::Gateway& gateway) const;
  // Where its agent listens for others, at the end point; empty: it does not, or there is no way.
  std::string PeerAt(const std::string& host, const std::string& vtep) const;
  void AddStation(const v1::Segment& segment, const v1::Port& port);
  void AddGateway(const v1::Segment& segment, const v1::Gateway& gateway);
  void AddMembers(const std::string& group, v1::HostState* state) const;
  void AddEntry(v1::FdbEntry entry, const google::protobuf::RepeatedPtrField<std::string>& ips,
                bool may_route);

  const Model& model_;
  const std::string& host_id_;
  const std::shared_ptr<const v1::Host> host_;  // null: unknown
  ProfileCompiler* const compiler_;
  std::set<std::string> segment_names_;
  std::map<uint32_t, v1::SegmentState> segments_;
  std::map<std::pair<uint32_t, std::string>, v1::FdbEntry> fdb_;
  std::map<std::pair<uint32_t, std::string>, v1::NeighborEntry> neighbors_;
  // Of compiled_.
  std::map<std::string, const v1::RuleSet*> rule_sets_;
  std::set<std::shared_ptr<const CompiledProfile>> compiled_;
  std::set<std::string> groups_;
  std::map<std::string, v1::PortState> ports_;
  std::map<std::string, v1::Departure> departures_;
};

// Everything PortDigest looks at is set here, so that source and destination agree on it.
v1::PortState Builder::Describe(const v1::Port& port,
                                const std::shared_ptr<const v1::Profile>& profile) {
  v1::PortState state;
  state.set_id(port.meta().name());
  state.set_mac(port.mac());
  state.set_phase(v1::PORT_PHASE_BLOCKED);
  if (profile == nullptr || !SetVlans(profile->vlan(), &state)) return state;
  const CompiledProfile& compiled = **compiled_.insert(compiler_->Compile(profile)).first;
  groups_.insert(compiled.groups.begin(), compiled.groups.end());
  state.set_profile(port.profile());
  state.set_profile_revision(profile->profile_revision());
  AddRuleSet(compiled.ingress, state.mutable_ingress_rule_set());
  AddRuleSet(compiled.egress, state.mutable_egress_rule_set());
  CompileQos(profile->qos(), &state);
  CompileSecurity(profile->security(), port, &state);
  state.set_keep_established(compiled.keep_established);
  state.set_max_connections(compiled.max_connections);
  state.set_phase(v1::PORT_PHASE_ACTIVE);
  return state;
}

// Access is the absence of a mode: one form, one digest on every host.
bool Builder::SetVlans(const v1::VlanSection& vlan, v1::PortState* state) {
  const NameSet segments = SegmentsOf(vlan);
  const bool exist = std::all_of(segments.begin(), segments.end(), [this](const auto& name) {
    return model_.Find<v1::Segment>(name) != nullptr;
  });
  if (segments.empty() || !exist) return false;
  const auto vni_of = [this](const auto& name) { return model_.Find<v1::Segment>(name)->vni(); };
  if (!vlan.segment().empty()) state->set_vni(vni_of(vlan.segment()));
  if (vlan.mode() != v1::VlanSection::MODE_ACCESS) state->set_vlan_mode(vlan.mode());
  state->set_native_vlan(vlan.native_vlan());
  *state->mutable_customer_vlans() = vlan.customer_vlans();
  // Normalize() has ordered them.
  for (const auto& entry : vlan.vlans()) {
    v1::PortState::Vlan* added = state->add_vlans();
    added->set_vlan(entry.vlan());
    added->set_vni(vni_of(entry.segment()));
  }
  segment_names_.insert(segments.begin(), segments.end());
  return true;
}

void Builder::AddRuleSet(const std::optional<v1::RuleSet>& set, std::string* digest) {
  if (!set) return;
  *digest = set->digest();
  rule_sets_.emplace(set->digest(), &*set);
}

void Builder::SetPhase(const v1::Port& port, v1::PortState* state) const {
  const bool located = port.location().host() == host_id_;
  // An expected port will be held under the next epoch; the agent may open it under that by itself.
  state->set_epoch(port.location().epoch() + (located ? 0 : 1));
  const v1::Migration* migration = model_.RunningMigrationOf(port.meta().name());
  if (migration == nullptr || migration->destination() != host_id_) return;
  if (!located && state->phase() == v1::PORT_PHASE_ACTIVE) state->set_phase(v1::PORT_PHASE_ARMED);
  state->set_report_first_frame(true);
  state->set_migration_id(migration->meta().name());
  if (state->phase() != v1::PORT_PHASE_BLOCKED) SetArrival(*migration, state);
}

// What is sent after the guest comes from PREPARING on: a guest may pause as soon as it may move.
void Builder::SetArrival(const v1::Migration& migration, v1::PortState* state) const {
  const auto label = migration.labels().find(state->id());
  const std::string vtep = VtepOf(migration.source());
  if (label == migration.labels().end() || vtep.empty()) return;
  state->mutable_arrival()->set_vtep(vtep);
  state->mutable_arrival()->set_label(label->second);
  state->mutable_arrival()->set_host(migration.source());
}

void Builder::AddPort(const std::string& port_id) {
  const v1::Port* port = model_.Find<v1::Port>(port_id);
  // A migration may name a port that is gone.
  if (port == nullptr) return;
  v1::PortState state = Describe(*port);
  SetPhase(*port, &state);
  ports_.insert_or_assign(port_id, std::move(state));
}

void Builder::AddDeparted(const std::string& port_id) {
  const v1::Port* port = model_.Find<v1::Port>(port_id);
  const v1::Migration* migration = model_.RunningMigrationOf(port_id);
  // Whatever the migration says, a port that is here has not gone.
  if (port == nullptr || migration == nullptr || port->location().host() == host_id_) return;
  v1::PortState state = Describe(*port);
  if (state.phase() == v1::PORT_PHASE_ACTIVE) state.set_phase(v1::PORT_PHASE_DEPARTED);
  state.set_epoch(migration->source_epochs().at(port_id));
  ports_.insert_or_assign(port_id, std::move(state));
}

void Builder::AddDepartures(const v1::Migration& migration) {
  if (migration.source() != host_id_ || !IsUnderWay(migration)) return;
  const std::string vtep = VtepOf(migration.destination());
  for (const auto& [port_id, epoch] : migration.source_epochs()) {
    v1::Departure& departure = departures_[port_id];
    departure.set_port_id(port_id);
    departure.set_migration_id(migration.meta().name());
    departure.set_vtep(vtep);
    departure.set_epoch(epoch + 1);
    const auto label = migration.labels().find(port_id);
    if (label != migration.labels().end()) departure.set_label(label->second);
    departure.set_host(migration.destination());
    departure.set_peer(PeerAt(migration.destination(), vtep));
  }
}

void Builder::AddSegment(const v1::Segment& segment) {
  v1::SegmentState& state = segments_[segment.vni()];
  state.set_vni(segment.vni());
  state.set_mtu(MtuInForce(model_, segment));
  state.set_flood_unknown_unicast(segment.unknown_unicast() == v1::Segment::UNKNOWN_UNICAST_FLOOD);
  state.set_suppress_arp(segment.arp_suppression() != v1::Segment::ARP_SUPPRESSION_OFF);
  state.set_suppress_nd(segment.nd_suppression() != v1::Segment::ND_SUPPRESSION_OFF);
  const bool snoops = segment.multicast() == v1::Segment::MULTICAST_SNOOP;
  state.set_snoop_multicast(snoops);
  state.set_drop_unknown_multicast(snoops && segment.unknown_multicast() ==
                                                 v1::Segment::UNKNOWN_MULTICAST_DROP);
  if (segment.has_provider()) {
    state.set_provider_uplink(segment.provider().uplink());
    state.set_provider_vlan(segment.provider().vlan());
  } else {
    AddVteps(segment, &state);
  }
  const std::string& name = segment.meta().name();
  for (const std::string& host : model_.index().hosts_of_segment.Get(name)) {
    for (const std::string& id : model_.index().ports_of_segment_at.Get(PairKey(name, host))) {
      const v1::Port& port = *model_.Find<v1::Port>(id);
      if (port.location().host() == host) AddStation(segment, port);
    }
  }
  for (const std::string& gateway : model_.index().gateways_of_segment.Get(name)) {
    AddGateway(segment, *model_.Find<v1::Gateway>(gateway));
  }
}

// Expected hosts count: broadcasts reach them already and end at the armed port. A host that a
// switching migration leaves counts for as long as it sends them after the guest.
void Builder::AddVteps(const v1::Segment& segment, v1::SegmentState* state) const {
  std::set<std::string> vteps;
  for (const std::string& host : model_.index().hosts_of_segment.Get(segment.meta().name())) {
    const bool other = host != host_id_;
    if (other && IsEndPoint(segment.meta().name(), host)) vteps.insert(VtepOf(host));
  }
  for (const std::string& name : model_.index().gateways_of_segment.Get(segment.meta().name())) {
    vteps.insert(VtepOf(*model_.Find<v1::Gateway>(name)));
  }
  vteps.erase("");
  for (const std::string& vtep : vteps) state->add_vteps(vtep);
}

bool Builder::IsEndPoint(const std::string& segment, const std::string& host) const {
  const NameSet& ports = model_.index().ports_of_segment_at.Get(PairKey(segment, host));
  return std::any_of(ports.begin(), ports.end(), [&](const std::string& id) {
    if (model_.Find<v1::Port>(id)->location().host() == host) return true;
    const v1::Migration* migration = model_.RunningMigrationOf(id);
    if (migration == nullptr || migration->destination() == host) return true;
    // Once all others send to the destination they send it all copies; it takes, besides, what the
    // source had before.
    return migration->rerouted_us() == 0 || migration->destination() == host_id_;
  });
}

std::string Builder::VtepOf(const std::string& host) const {
  const v1::Host* other = model_.Find<v1::Host>(host);
  return host_ == nullptr || other == nullptr ? std::string() : VtepTowards(*host_, *other);
}

std::string Builder::VtepOf(const v1::Gateway& gateway) const {
  return host_ == nullptr ? std::string() : VtepTowards(*host_, gateway);
}

std::string Builder::PeerAt(const std::string& host, const std::string& vtep) const {
  const v1::Host* other = model_.Find<v1::Host>(host);
  if (other == nullptr || other->peer_port() == 0 || vtep.empty()) return {};
  const bool v6 = vtep.find(':') != std::string::npos;
  return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), vtep, other->peer_port());
}

// Frames for the guest keep their order: all of them take the source's way, which sends them after
// it, until that and the destination have the move in force. The source itself stays on it until
// the end, for what the others have sent before they learned of the move.
v1::PortLocation Builder::PlaceOf(const v1::Port& port) const {
  const v1::Migration* migration = model_.RunningMigrationOf(port.meta().name());
  const bool moved = migration != nullptr && IsSwitching(*migration) &&
                     port.location().host() == migration->destination();
  const bool waits = moved && migration->rerouted_us() == 0 && migration->destination() != host_id_;
  if (!waits && (!moved || migration->source() != host_id_)) return port.location();
  v1::PortLocation before;
  before.set_host(migration->source());
  before.set_epoch(migration->source_epochs().at(port.meta().name()));
  return before;
}

// The port's MAC is in all of its segments, its addresses are in one. Where the other ports of a
// provider segment are, the physical network knows; their addresses are known all the same.
void Builder::AddStation(const v1::Segment& segment, const v1::Port& port) {
  v1::FdbEntry entry;
  entry.set_vni(segment.vni());
  entry.set_mac(port.mac());
  const v1::PortLocation place = PlaceOf(port);
  entry.set_epoch(place.epoch());
  if (place.host() == host_id_) {
    entry.set_port_id(port.meta().name());
  } else if (!segment.has_provider()) {
    entry.set_vtep(VtepOf(place.host()));
    // Nobody can reach a host that has never said where it is.
    if (entry.vtep().empty()) return;
  }
  google::protobuf::RepeatedPtrField<std::string> ips;
  if (model_.AddressSegmentOf(port) == segment.meta().name()) ips = port.ips();
  const std::shared_ptr<const v1::Profile> profile = model_.Effective(port.profile());
  AddEntry(std::move(entry), ips, profile != nullptr && MayRoute(profile->security()));
}

// Epoch 0: stations do not move by our doing.
void Builder::AddGateway(const v1::Segment& segment, const v1::Gateway& gateway) {
  for (const v1::Gateway::Station& station : gateway.stations()) {
    if (station.segment() != segment.meta().name()) continue;
    v1::FdbEntry entry;
    entry.set_vni(segment.vni());
    entry.set_mac(station.mac());
    entry.set_vtep(VtepOf(gateway));
    if (entry.vtep().empty()) return;
    AddEntry(std::move(entry), station.ips(), /*may_route=*/true);
  }
}

// Ports come before gateways, and the first owner of a key keeps it: validation allows no second
// one. IPv6 addresses of what may be a router are not among the neighbours: only itself can say in
// an advertisement that it is one (RFC 4861, 4.4).
void Builder::AddEntry(v1::FdbEntry entry,
                       const google::protobuf::RepeatedPtrField<std::string>& ips, bool may_route) {
  for (const std::string& ip : ips) {
    const auto address = ParseAddress(ip);
    if (!address || (address->family == 6 && may_route)) continue;
    v1::NeighborEntry neighbor;
    neighbor.set_vni(entry.vni());
    neighbor.set_ip(ip);
    neighbor.set_mac(entry.mac());
    neighbors_.emplace(std::pair(entry.vni(), ip), std::move(neighbor));
  }
  if (entry.where_case() == v1::FdbEntry::WHERE_NOT_SET) return;
  const auto key = std::pair(entry.vni(), entry.mac());
  fdb_.emplace(key, std::move(entry));
}

void Builder::AddMembers(const std::string& group, v1::HostState* state) const {
  for (std::string& prefix : GroupPrefixes(model_, group)) {
    v1::GroupMember* member = state->add_group_members();
    member->set_group(group);
    member->set_prefix(std::move(prefix));
  }
}

v1::HostState Builder::Build() {
  for (const std::string& name : segment_names_) AddSegment(*model_.Find<v1::Segment>(name));
  v1::HostState state;
  for (auto& [vni, segment] : segments_) *state.add_segments() = std::move(segment);
  for (auto& [key, entry] : fdb_) *state.add_fdb() = std::move(entry);
  for (auto& [key, neighbor] : neighbors_) *state.add_neighbors() = std::move(neighbor);
  for (const auto& [digest, set] : rule_sets_) *state.add_rule_sets() = *set;
  for (auto& [id, port] : ports_) *state.add_ports() = std::move(port);
  for (const std::string& group : groups_) AddMembers(group, &state);
  for (auto& [id, departure] : departures_) *state.add_departures() = std::move(departure);
  return state;
}

}  // namespace

v1::HostState ComputeHostState(const Model& model, const std::string& host_id) {
  ProfileCompiler compiler;
  return ComputeHostState(model, host_id, &compiler);
}

v1::HostState ComputeHostState(const Model& model, const std::string& host_id,
                               ProfileCompiler* compiler) {
  if (model.Find<v1::Host>(host_id) == nullptr) return {};
  Builder builder(model, host_id, compiler);
  for (const std::string& id : model.index().ports_located_at.Get(host_id)) builder.AddPort(id);
  for (const std::string& id : model.index().ports_expected_at.Get(host_id)) builder.AddPort(id);
  for (const std::string& id : model.index().ports_departed_from.Get(host_id)) {
    builder.AddDeparted(id);
  }
  for (const std::string& id : model.index().running_migrations.Get(Index::kAll)) {
    builder.AddDepartures(*model.Find<v1::Migration>(id));
  }
  v1::HostState state = builder.Build();
  AddProbes(model, host_id, &state);
  return state;
}

v1::PortState DescribePort(const Model& model, const v1::Port& port, ProfileCompiler* compiler) {
  return DescribePort(model, port, model.Effective(port.profile()), compiler);
}

v1::PortState DescribePort(const Model& model, const v1::Port& port,
                           const std::shared_ptr<const v1::Profile>& effective,
                           ProfileCompiler* compiler) {
  const std::string nowhere;
  return Builder(model, nowhere, compiler).Describe(port, effective);
}

absl::StatusOr<std::string> ExpectedPortDigest(const Model& model, const std::string& port_id,
                                               ProfileCompiler* compiler) {
  const v1::Port* port = model.Find<v1::Port>(port_id);
  if (port == nullptr) {
    return absl::FailedPreconditionError(fmt::format("port \"{}\" does not exist", port_id));
  }
  const v1::PortState state = DescribePort(model, *port, compiler);
  if (state.phase() == v1::PORT_PHASE_BLOCKED) {
    return absl::FailedPreconditionError(
        fmt::format("port \"{0}\" has no profile in force; give it one by `outrider port set {0} "
                    "--profile NAME`",
                    port_id));
  }
  return v1::PortDigest(state);
}

}  // namespace outrider::controller
