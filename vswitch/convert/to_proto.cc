#include "vswitch/convert/to_proto.h"

#include "proto/digest.h"
#include "vswitch/convert/policy_proto.h"

namespace outrider::convert {
namespace {

v1::VlanSection::Mode ModeOf(state::VlanMode mode) {
  switch (mode) {
    case state::VlanMode::kTrunk:
      return v1::VlanSection::MODE_TRUNK;
    case state::VlanMode::kNativeTagged:
      return v1::VlanSection::MODE_NATIVE_TAGGED;
    case state::VlanMode::kNativeUntagged:
      return v1::VlanSection::MODE_NATIVE_UNTAGGED;
    case state::VlanMode::kDot1qTunnel:
      return v1::VlanSection::MODE_DOT1Q_TUNNEL;
    case state::VlanMode::kAccess:
      break;
  }
  // As the controller writes it: one form, one digest.
  return v1::VlanSection::MODE_UNSPECIFIED;
}

void Write(const state::PortVlans& vlans, v1::PortState* message) {
  message->set_vlan_mode(ModeOf(vlans.mode));
  for (const auto& [vlan, vni] : vlans.trunk) {
    v1::PortState::Vlan* entry = message->add_vlans();
    entry->set_vlan(vlan);
    entry->set_vni(vni.value());
  }
  message->set_native_vlan(vlans.native);
  for (const uint16_t vlan : vlans.customer) message->add_customer_vlans(vlan);
}

void Write(const Vni& vni, const state::Segment& segment, v1::SegmentState* message) {
  message->set_vni(vni.value());
  message->set_mtu(segment.mtu);
  message->set_flood_unknown_unicast(segment.flood_unknown_unicast);
  message->set_suppress_arp(segment.suppress_arp);
  message->set_suppress_nd(segment.suppress_nd);
  message->set_snoop_multicast(segment.snoop_multicast);
  message->set_drop_unknown_multicast(segment.drop_unknown_multicast);
  for (const IpAddress& vtep : segment.vteps) message->add_vteps(vtep.ToString());
  if (!segment.provider) return;
  message->set_provider_uplink(segment.provider->uplink);
  message->set_provider_vlan(segment.provider->vlan);
}

void Write(const state::FdbKey& key, const state::FdbEntry& entry, v1::FdbEntry* message) {
  message->set_vni(key.vni.value());
  message->set_mac(key.mac.ToString());
  if (const auto* port = std::get_if<PortId>(&entry.where)) {
    message->set_port_id(port->ToString());
  } else {
    message->set_vtep(std::get<IpAddress>(entry.where).ToString());
  }
  message->set_epoch(static_cast<uint64_t>(entry.epoch));
}

// The key; the group :: is absent on the wire.
void Write(const state::MulticastKey& key, v1::MulticastGroup* message) {
  message->set_vni(key.vni.value());
  if (key.group != IpAddress()) message->set_group(key.group.ToString());
}

void Write(const PortId& id, const state::Departure& departure, v1::Departure* message) {
  message->set_port_id(id.ToString());
  message->set_migration_id(departure.migration_id);
  if (departure.vtep) message->set_vtep(departure.vtep->ToString());
  message->set_epoch(static_cast<uint64_t>(departure.epoch));
  message->set_label(departure.label);
  message->set_host(departure.host);
  message->set_peer(departure.peer);
}

void Write(const PortId& id, const state::MoveProbe& probe, v1::MoveProbe* message) {
  message->set_port_id(id.ToString());
  message->set_migration_id(probe.migration_id);
  message->set_from_port_id(probe.from.ToString());
  message->set_from_ip(probe.from_ip.ToString());
  message->set_mac(probe.mac.ToString());
  message->set_ip(probe.ip.ToString());
  message->set_rate_pps(probe.rate_pps);
}

// Takes the sets, of a state or of a delta's upserts.
template <typename State, typename Get>
void WriteObjects(const State& state, Get get, v1::HostState* message) {
  for (const auto& [vni, segment] : get(state.segments)) {
    Write(vni, segment, message->add_segments());
  }
  for (const auto& [key, entry] : get(state.fdb)) Write(key, entry, message->add_fdb());
  for (const auto& [key, mac] : get(state.neighbors)) {
    v1::NeighborEntry* neighbor = message->add_neighbors();
    neighbor->set_vni(key.vni.value());
    neighbor->set_ip(key.ip.ToString());
    neighbor->set_mac(mac.ToString());
  }
  for (const auto& [digest, set] : get(state.rule_sets)) {
    *message->add_rule_sets() = ToProto(digest, set);
  }
  for (const state::GroupMember& member : get(state.group_members)) {
    *message->add_group_members() = ToProto(member);
  }
  for (const auto& [id, port] : get(state.ports)) *message->add_ports() = ToProto(id, port);
  for (const auto& [key, vteps] : get(state.multicast_groups)) {
    v1::MulticastGroup* group = message->add_multicast_groups();
    Write(key, group);
    for (const IpAddress& vtep : vteps) group->add_vteps(vtep.ToString());
  }
  for (const auto& [id, departure] : get(state.departures)) {
    Write(id, departure, message->add_departures());
  }
  for (const auto& [id, probe] : get(state.probes)) Write(id, probe, message->add_probes());
}

void WriteDeletes(const state::StateDelta& delta, v1::HostStateKeys* keys) {
  for (const Vni& vni : delta.segments.deletes) keys->add_segments(vni.value());
  for (const state::FdbKey& key : delta.fdb.deletes) {
    auto* entry = keys->add_fdb();
    entry->set_vni(key.vni.value());
    entry->set_mac(key.mac.ToString());
  }
  for (const state::NeighborKey& key : delta.neighbors.deletes) {
    auto* entry = keys->add_neighbors();
    entry->set_vni(key.vni.value());
    entry->set_ip(key.ip.ToString());
  }
  for (const Digest& digest : delta.rule_sets.deletes) keys->add_rule_sets(digest.ToString());
  for (const state::GroupMember& member : delta.group_members.deletes) {
    *keys->add_group_members() = ToProto(member);
  }
  for (const PortId& id : delta.ports.deletes) keys->add_ports(id.ToString());
  for (const state::MulticastKey& key : delta.multicast_groups.deletes) {
    Write(key, keys->add_multicast_groups());
  }
  for (const PortId& id : delta.departures.deletes) keys->add_departures(id.ToString());
  for (const PortId& id : delta.probes.deletes) keys->add_probes(id.ToString());
}

}  // namespace

v1::HostState ToProto(const state::HostState& state) {
  v1::HostState message;
  WriteObjects(
      state, [](const auto& map) -> const auto& { return map; }, &message);
  return message;
}

v1::HostStateDelta ToProto(const state::StateDelta& delta) {
  v1::HostStateDelta message;
  WriteObjects(
      delta, [](const auto& map) -> const auto& { return map.upserts; }, message.mutable_upserts());
  WriteDeletes(delta, message.mutable_deletes());
  return message;
}

v1::PortState ToProto(const PortId& id, const state::Port& port) {
  v1::PortState message;
  message.set_id(id.ToString());
  message.set_mac(port.mac.ToString());
  if (port.vni) message.set_vni(port.vni->value());
  Write(port.vlans, &message);
  message.set_profile(port.profile);
  message.set_profile_revision(port.profile_revision);
  if (port.ingress_rule_set) message.set_ingress_rule_set(port.ingress_rule_set->ToString());
  if (port.egress_rule_set) message.set_egress_rule_set(port.egress_rule_set->ToString());
  WritePolicy(port, &message);
  message.set_phase(ToProto(port.phase));
  message.set_epoch(static_cast<uint64_t>(port.epoch));
  message.set_report_first_frame(port.report_first_frame);
  message.set_migration_id(port.migration_id);
  message.set_keep_established(port.keep_established);
  message.set_max_connections(port.max_connections);
  if (port.arrival) {
    message.mutable_arrival()->set_vtep(port.arrival->vtep.ToString());
    message.mutable_arrival()->set_label(port.arrival->label);
    message.mutable_arrival()->set_host(port.arrival->host);
  }
  return message;
}

// Without its QMP socket, which is the host's own.
v1::PortAttachment ToProto(const PortId& id, const state::Attachment& attachment) {
  v1::PortAttachment message;
  message.set_port_id(id.ToString());
  message.set_device(attachment.device);
  message.set_mac(attachment.mac.ToString());
  for (const IpAddress& ip : attachment.ips) message.add_ips(ip.ToString());
  message.set_profile(attachment.profile);
  message.set_vm_id(attachment.vm_id);
  return message;
}

v1::PortPhase ToProto(state::PortPhase phase) {
  switch (phase) {
    case state::PortPhase::kArmed:
      return v1::PORT_PHASE_ARMED;
    case state::PortPhase::kActive:
      return v1::PORT_PHASE_ACTIVE;
    case state::PortPhase::kDeparted:
      return v1::PORT_PHASE_DEPARTED;
    case state::PortPhase::kBlocked:
      break;
  }
  return v1::PORT_PHASE_BLOCKED;
}

std::string Serialize(const state::HostState& state) { return ToProto(state).SerializeAsString(); }

std::string Serialize(const state::StateDelta& delta) { return ToProto(delta).SerializeAsString(); }

std::string ReceiptDigest(const PortId& id, const state::Port& port) {
  return v1::PortDigest(ToProto(id, port));
}

std::string StateDigest(const state::HostState& state) {
  return v1::HostStateDigest(ToProto(state));
}

}  // namespace outrider::convert
