#include "vswitch/convert/from_proto.h"

#include <fmt/format.h>

#include "vswitch/convert/from_proto_objects.h"

namespace outrider::convert {
namespace {

absl::StatusOr<Vni> KeyVni(uint32_t value, const std::string& object) {
  auto vni = Vni::Create(value);
  if (!vni.ok()) return Annotate(vni.status(), object + ": vni");
  return vni;
}

absl::StatusOr<state::FdbKey> ToFdbKey(uint32_t vni_value, const std::string& text,
                                       const std::string& object) {
  ASSIGN_OR_RETURN(const Vni vni, KeyVni(vni_value, object));
  auto mac = MacAddress::Parse(text);
  if (!mac.ok()) return Annotate(mac.status(), object + ": mac");
  return state::FdbKey{vni, *mac};
}

absl::StatusOr<state::NeighborKey> ToNeighborKey(uint32_t vni_value, const std::string& text,
                                                 const std::string& object) {
  ASSIGN_OR_RETURN(const Vni vni, KeyVni(vni_value, object));
  auto ip = IpAddress::Parse(text);
  if (!ip.ok()) return Annotate(ip.status(), object + ": ip");
  return state::NeighborKey{vni, *ip};
}

absl::StatusOr<Digest> ToDigest(const std::string& text, const std::string& object) {
  auto digest = Digest::Parse(text);
  if (!digest.ok()) return Annotate(digest.status(), object + ": digest");
  return digest;
}

absl::StatusOr<PortId> ToPortId(const std::string& text, const std::string& object) {
  auto id = PortId::Parse(text);
  if (!id.ok()) return Annotate(id.status(), object + ": id");
  return id;
}

// Sets of the wire are maps here: a key may come once.
template <typename Key, typename Value>
absl::Status Insert(const Key& key, absl::StatusOr<Value> value, const std::string& object,
                    std::map<Key, Value>* map) {
  if (!value.ok()) return Annotate(value.status(), object);
  if (!map->emplace(key, *std::move(value)).second) {
    return absl::InvalidArgumentError(object + ": is named twice");
  }
  return absl::OkStatus();
}

absl::Status ReadSegments(const v1::HostState& message, std::map<Vni, state::Segment>* segments) {
  for (const auto& segment : message.segments()) {
    const std::string object = fmt::format("segment {}", segment.vni());
    ASSIGN_OR_RETURN(const Vni vni, KeyVni(segment.vni(), object));
    RETURN_IF_ERROR(Insert(vni, ToSegment(segment), object, segments));
  }
  return absl::OkStatus();
}

absl::Status ReadFdb(const v1::HostState& message, std::map<state::FdbKey, state::FdbEntry>* fdb) {
  for (const auto& entry : message.fdb()) {
    const std::string object = fmt::format("fdb {}/{}", entry.vni(), entry.mac());
    ASSIGN_OR_RETURN(const state::FdbKey key, ToFdbKey(entry.vni(), entry.mac(), object));
    RETURN_IF_ERROR(Insert(key, ToFdbEntry(entry), object, fdb));
  }
  return absl::OkStatus();
}

absl::Status ReadNeighbors(const v1::HostState& message,
                           std::map<state::NeighborKey, MacAddress>* neighbors) {
  for (const auto& entry : message.neighbors()) {
    const std::string object = fmt::format("neighbor {}/{}", entry.vni(), entry.ip());
    ASSIGN_OR_RETURN(const state::NeighborKey key, ToNeighborKey(entry.vni(), entry.ip(), object));
    auto mac = MacAddress::Parse(entry.mac());
    if (!mac.ok()) return Annotate(mac.status(), object + ": mac");
    RETURN_IF_ERROR(Insert(key, mac, object, neighbors));
  }
  return absl::OkStatus();
}

absl::Status ReadRuleSets(const v1::HostState& message, std::map<Digest, state::RuleSet>* sets) {
  for (const auto& set : message.rule_sets()) {
    const std::string object = fmt::format("rule set \"{}\"", set.digest());
    ASSIGN_OR_RETURN(const Digest digest, ToDigest(set.digest(), object));
    RETURN_IF_ERROR(Insert(digest, ToRuleSet(set), object, sets));
  }
  return absl::OkStatus();
}

absl::StatusOr<state::GroupMember> ReadGroupMember(const v1::GroupMember& message) {
  auto member = ToGroupMember(message);
  if (!member.ok()) {
    return Annotate(member.status(),
                    fmt::format("group \"{}\" member \"{}\"", message.group(), message.prefix()));
  }
  return member;
}

absl::Status ReadGroupMembers(const v1::HostState& message, std::set<state::GroupMember>* members) {
  for (const auto& entry : message.group_members()) {
    ASSIGN_OR_RETURN(state::GroupMember member, ReadGroupMember(entry));
    if (!members->insert(std::move(member)).second) {
      return absl::InvalidArgumentError(
          fmt::format("group \"{}\" member \"{}\": is named twice", entry.group(), entry.prefix()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<state::MulticastKey> ToMulticastKey(const v1::MulticastGroup& message,
                                                   const std::string& object) {
  ASSIGN_OR_RETURN(const Vni vni, KeyVni(message.vni(), object));
  if (message.group().empty()) return state::MulticastKey{vni, IpAddress()};
  auto group = IpAddress::Parse(message.group());
  if (!group.ok()) return Annotate(group.status(), object + ": group");
  return state::MulticastKey{vni, *group};
}

absl::Status ReadMulticastGroups(const v1::HostState& message,
                                 std::map<state::MulticastKey, std::set<IpAddress>>* groups) {
  for (const auto& entry : message.multicast_groups()) {
    const std::string object = fmt::format("multicast group {}/\"{}\"", entry.vni(), entry.group());
    ASSIGN_OR_RETURN(const state::MulticastKey key, ToMulticastKey(entry, object));
    RETURN_IF_ERROR(Insert(key, ToVteps(entry.vteps()), object, groups));
  }
  return absl::OkStatus();
}

absl::Status ReadPorts(const v1::HostState& message, std::map<PortId, state::Port>* ports) {
  for (const auto& port : message.ports()) {
    const std::string object = fmt::format("port \"{}\"", port.id());
    ASSIGN_OR_RETURN(const PortId id, ToPortId(port.id(), object));
    RETURN_IF_ERROR(Insert(id, ToPort(port), object, ports));
  }
  return absl::OkStatus();
}

absl::Status ReadDepartures(const v1::HostState& message,
                            std::map<PortId, state::Departure>* departures) {
  for (const auto& departure : message.departures()) {
    const std::string object = fmt::format("departure of port \"{}\"", departure.port_id());
    ASSIGN_OR_RETURN(const PortId id, ToPortId(departure.port_id(), object));
    RETURN_IF_ERROR(Insert(id, ToDeparture(departure), object, departures));
  }
  return absl::OkStatus();
}

absl::Status ReadProbes(const v1::HostState& message, std::map<PortId, state::MoveProbe>* probes) {
  for (const auto& probe : message.probes()) {
    const std::string object = fmt::format("probe of port \"{}\"", probe.port_id());
    ASSIGN_OR_RETURN(const PortId id, ToPortId(probe.port_id(), object));
    RETURN_IF_ERROR(Insert(id, ToMoveProbe(probe), object, probes));
  }
  return absl::OkStatus();
}

absl::Status ReadObjects(const v1::HostState& message, state::HostState* state) {
  RETURN_IF_ERROR(ReadSegments(message, &state->segments));
  RETURN_IF_ERROR(ReadFdb(message, &state->fdb));
  RETURN_IF_ERROR(ReadNeighbors(message, &state->neighbors));
  RETURN_IF_ERROR(ReadRuleSets(message, &state->rule_sets));
  RETURN_IF_ERROR(ReadGroupMembers(message, &state->group_members));
  RETURN_IF_ERROR(ReadMulticastGroups(message, &state->multicast_groups));
  RETURN_IF_ERROR(ReadDepartures(message, &state->departures));
  RETURN_IF_ERROR(ReadProbes(message, &state->probes));
  return ReadPorts(message, &state->ports);
}

template <typename Key, typename Delta>
absl::Status AddDelete(const Key& key, const std::string& object, Delta* delta) {
  if (delta->upserts.contains(key)) {
    return absl::InvalidArgumentError(object + ": is both changed and deleted");
  }
  delta->deletes.push_back(key);
  return absl::OkStatus();
}

absl::Status ReadDeletes(const v1::HostStateKeys& keys, state::StateDelta* delta) {
  for (const uint32_t value : keys.segments()) {
    const std::string object = fmt::format("delete of segment {}", value);
    ASSIGN_OR_RETURN(const Vni vni, KeyVni(value, object));
    RETURN_IF_ERROR(AddDelete(vni, object, &delta->segments));
  }
  for (const auto& entry : keys.fdb()) {
    const std::string object = fmt::format("delete of fdb {}/{}", entry.vni(), entry.mac());
    ASSIGN_OR_RETURN(const state::FdbKey key, ToFdbKey(entry.vni(), entry.mac(), object));
    RETURN_IF_ERROR(AddDelete(key, object, &delta->fdb));
  }
  for (const auto& entry : keys.neighbors()) {
    const std::string object = fmt::format("delete of neighbor {}/{}", entry.vni(), entry.ip());
    ASSIGN_OR_RETURN(const state::NeighborKey key, ToNeighborKey(entry.vni(), entry.ip(), object));
    RETURN_IF_ERROR(AddDelete(key, object, &delta->neighbors));
  }
  for (const std::string& text : keys.rule_sets()) {
    const std::string object = fmt::format("delete of rule set \"{}\"", text);
    ASSIGN_OR_RETURN(const Digest digest, ToDigest(text, object));
    RETURN_IF_ERROR(AddDelete(digest, object, &delta->rule_sets));
  }
  for (const v1::GroupMember& entry : keys.group_members()) {
    const std::string object =
        fmt::format("delete of group \"{}\" member \"{}\"", entry.group(), entry.prefix());
    auto member = ReadGroupMember(entry);
    if (!member.ok()) return Annotate(member.status(), "delete");
    RETURN_IF_ERROR(AddDelete(*member, object, &delta->group_members));
  }
  for (const v1::MulticastGroup& entry : keys.multicast_groups()) {
    const std::string object =
        fmt::format("delete of multicast group {}/\"{}\"", entry.vni(), entry.group());
    ASSIGN_OR_RETURN(const state::MulticastKey key, ToMulticastKey(entry, object));
    RETURN_IF_ERROR(AddDelete(key, object, &delta->multicast_groups));
  }
  for (const std::string& text : keys.departures()) {
    const std::string object = fmt::format("delete of departure of port \"{}\"", text);
    ASSIGN_OR_RETURN(const PortId id, ToPortId(text, object));
    RETURN_IF_ERROR(AddDelete(id, object, &delta->departures));
  }
  for (const std::string& text : keys.probes()) {
    const std::string object = fmt::format("delete of probe of port \"{}\"", text);
    ASSIGN_OR_RETURN(const PortId id, ToPortId(text, object));
    RETURN_IF_ERROR(AddDelete(id, object, &delta->probes));
  }
  for (const std::string& text : keys.ports()) {
    const std::string object = fmt::format("delete of port \"{}\"", text);
    ASSIGN_OR_RETURN(const PortId id, ToPortId(text, object));
    RETURN_IF_ERROR(AddDelete(id, object, &delta->ports));
  }
  return absl::OkStatus();
}

absl::Status CheckAttachment(const state::Attachment& attachment, const std::string& object) {
  if (attachment.device.empty() || attachment.device.size() > 15) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: device: \"{}\" is not a device name of 1..15 bytes", object, attachment.device));
  }
  if (attachment.mac.IsMulticast() || attachment.mac.IsZero()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: mac: {} is not a unicast address", object, attachment.mac.ToString()));
  }
  if (attachment.profile.size() > 63) {
    return absl::InvalidArgumentError(object + ": profile: the name is longer than 63 bytes");
  }
  if (attachment.vm_id.size() > 255) {
    return absl::InvalidArgumentError(object + ": vm_id: longer than 255 bytes");
  }
  // unix(7): what fits sun_path.
  if (!attachment.qmp.empty() && (attachment.qmp[0] != '/' || attachment.qmp.size() > 107)) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: qmp: \"{}\" is not an absolute path of at most 107 bytes", object, attachment.qmp));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<state::HostState> FromProto(const v1::HostState& message) {
  state::HostState state;
  RETURN_IF_ERROR(ReadObjects(message, &state));
  RETURN_IF_ERROR(state::Validate(state));
  return state;
}

absl::StatusOr<state::StateDelta> FromProto(const v1::HostStateDelta& message) {
  state::HostState upserts;
  RETURN_IF_ERROR(ReadObjects(message.upserts(), &upserts));
  state::StateDelta delta;
  delta.segments.upserts = std::move(upserts.segments);
  delta.fdb.upserts = std::move(upserts.fdb);
  delta.neighbors.upserts = std::move(upserts.neighbors);
  delta.rule_sets.upserts = std::move(upserts.rule_sets);
  delta.group_members.upserts = std::move(upserts.group_members);
  delta.ports.upserts = std::move(upserts.ports);
  delta.multicast_groups.upserts = std::move(upserts.multicast_groups);
  delta.departures.upserts = std::move(upserts.departures);
  delta.probes.upserts = std::move(upserts.probes);
  RETURN_IF_ERROR(ReadDeletes(message.deletes(), &delta));
  return delta;
}

absl::StatusOr<std::pair<PortId, state::Attachment>> FromProto(const v1::PortAttachment& message) {
  const std::string object = fmt::format("port \"{}\"", message.port_id());
  ASSIGN_OR_RETURN(const PortId id, ToPortId(message.port_id(), object));
  state::Attachment attachment;
  attachment.device = message.device();
  auto mac = MacAddress::Parse(message.mac());
  if (!mac.ok()) return Annotate(mac.status(), object + ": mac");
  attachment.mac = *mac;
  for (const std::string& text : message.ips()) {
    auto ip = IpAddress::Parse(text);
    if (!ip.ok()) return Annotate(ip.status(), object + ": ips");
    attachment.ips.insert(*ip);
  }
  attachment.profile = message.profile();
  attachment.vm_id = message.vm_id();
  attachment.qmp = message.qmp();
  RETURN_IF_ERROR(CheckAttachment(attachment, object));
  return std::make_pair(id, std::move(attachment));
}

absl::StatusOr<state::HostState> ParseHostState(const std::string& bytes) {
  v1::HostState message;
  if (!message.ParseFromString(bytes)) {
    return absl::InvalidArgumentError("host state: the bytes are no HostState message");
  }
  return FromProto(message);
}

absl::StatusOr<state::StateDelta> ParseStateDelta(const std::string& bytes) {
  v1::HostStateDelta message;
  if (!message.ParseFromString(bytes)) {
    return absl::InvalidArgumentError("state delta: the bytes are no HostStateDelta message");
  }
  return FromProto(message);
}

}  // namespace outrider::convert
