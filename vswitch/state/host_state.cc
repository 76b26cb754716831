#include "vswitch/state/host_state.h"

#include <fmt/format.h>

#include <algorithm>

namespace outrider::state {
namespace {

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(text); }

bool IsEmpty(const std::optional<PortRange>& range) { return range && range->first > range->last; }

// Names end at a NUL in the datapath.
bool IsGroupName(const std::string& name) {
  return name.size() <= kMaxGroupName && name.find('\0') == std::string::npos;
}

// What is wrong with a rule; empty: nothing.
std::string Complaint(const AclRule& rule) {
  if (IsEmpty(rule.src_port) || IsEmpty(rule.dst_port)) return "empty port range";
  if (rule.src && rule.dst && rule.src->IsV4() != rule.dst->IsV4()) {
    return "source and destination prefix are of different families";
  }
  if ((rule.src && !rule.src_group.empty()) || (rule.dst && !rule.dst_group.empty())) {
    return "a prefix and a group for the same side";
  }
  if (!IsGroupName(rule.src_group) || !IsGroupName(rule.dst_group)) {
    return fmt::format("a group's name is longer than {} bytes or has a NUL", kMaxGroupName);
  }
  if (rule.vlan && *rule.vlan > 4094) return fmt::format("vlan {} exceeds 4094", *rule.vlan);
  if ((rule.tcp_flags_value & ~rule.tcp_flags_mask) != 0) {
    return "TCP flags are asked for that the mask leaves out";
  }
  if (rule.ipv6_extensions >= 64) return "an IPv6 extension header is not known";
  if (rule.log_rate > kMaxLogRate) {
    return fmt::format("log rate {} exceeds {}", rule.log_rate, kMaxLogRate);
  }
  return "";
}

absl::Status ValidateRuleSet(const Digest& digest, const RuleSet& set) {
  if (set.rules.size() > kMaxRules) {
    return Invalid(fmt::format("rule set {}: {} rules, at most {} fit", digest.ToString(),
                               set.rules.size(), kMaxRules));
  }
  for (size_t i = 0; i < set.rules.size(); ++i) {
    if (const std::string complaint = Complaint(set.rules[i]); !complaint.empty()) {
      return Invalid(fmt::format("rule set {}: rule {}: {}", digest.ToString(), i, complaint));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidateGroupMember(const GroupMember& member) {
  if (!member.group.empty() && IsGroupName(member.group)) return absl::OkStatus();
  return Invalid(fmt::format("group \"{}\": the name is not of 1..{} bytes without NUL",
                             member.group, kMaxGroupName));
}

// Layer-3, bytes: of IPv4 reassembly, and of what a 16-bit length has with tunnel headers.
constexpr uint32_t kMinMtu = 576;
constexpr uint32_t kMaxMtu = 65485;

bool IsVlan(uint16_t vlan) { return vlan >= 1 && vlan <= 4094; }

bool IsNative(VlanMode mode) {
  return mode == VlanMode::kNativeTagged || mode == VlanMode::kNativeUntagged;
}

// Shape of the VLANs by themselves: what does not belong to the mode is not there, and a frame in
// either direction finds one answer.
absl::Status ValidateVlans(const std::string& name, const Port& port) {
  const PortVlans& vlans = port.vlans;
  const bool is_trunk = vlans.mode == VlanMode::kTrunk || IsNative(vlans.mode);
  if (!is_trunk && !vlans.trunk.empty()) {
    return Invalid(name + ": has VLANs, yet is no trunk");
  }
  if (vlans.mode != VlanMode::kDot1qTunnel && !vlans.customer.empty()) {
    return Invalid(name + ": has customer VLANs, yet is no dot1q-tunnel");
  }
  if (vlans.mode == VlanMode::kTrunk && port.vni && !port.vni->IsLocal()) {
    return Invalid(name + ": a trunk without a native VLAN has a segment of untagged frames");
  }
  if (IsNative(vlans.mode) ? !IsVlan(vlans.native) || !port.vni : vlans.native != 0) {
    return Invalid(fmt::format("{}: native VLAN {} does not go with its mode", name, vlans.native));
  }
  std::set<Vni> segments;
  if (port.vni) segments.insert(*port.vni);
  for (const auto& [vlan, vni] : vlans.trunk) {
    if (!IsVlan(vlan) || vlan == vlans.native) {
      return Invalid(fmt::format("{}: VLAN {} is not in 1..4094, or the native one", name, vlan));
    }
    if (!segments.insert(vni).second) {
      return Invalid(fmt::format("{}: segment {} has two VLANs", name, vni.ToString()));
    }
  }
  for (const uint16_t vlan : vlans.customer) {
    if (!IsVlan(vlan)) {
      return Invalid(fmt::format("{}: customer VLAN {} is not in 1..4094", name, vlan));
    }
  }
  return absl::OkStatus();
}

// What is local and what is not never meet in a port.
absl::Status ValidateLocality(const std::string& name, const Port& port,
                              const std::set<Vni>& segments) {
  const auto local =
      std::count_if(segments.begin(), segments.end(), [](const Vni& vni) { return vni.IsLocal(); });
  if (local == 0) {
    if (!port.learn_macs && port.mtu_request == 0) return absl::OkStatus();
    return Invalid(name + ": learns MACs or has an MTU of its own, yet is in no local segment");
  }
  if (static_cast<size_t>(local) != segments.size()) {
    return Invalid(name + ": is in local segments and in others");
  }
  if (!port.profile.empty()) {
    return Invalid(fmt::format("{}: has profile \"{}\", yet is local", name, port.profile));
  }
  if (port.learn_macs && port.mac_anti_spoof) {
    return Invalid(name + ": learns MACs, yet may use its own alone (mac_anti_spoof)");
  }
  if (port.mtu_request == 0 || (port.mtu_request >= kMinMtu && port.mtu_request <= kMaxMtu)) {
    return absl::OkStatus();
  }
  return Invalid(
      fmt::format("{}: mtu {} is not in {}..{}", name, port.mtu_request, kMinMtu, kMaxMtu));
}

absl::Status ValidateFdb(const HostState& state, const FdbKey& key, const FdbEntry& entry) {
  const std::string name = fmt::format("fdb {}/{}", key.vni.ToString(), key.mac.ToString());
  if (key.mac.IsMulticast()) return Invalid(name + ": not a unicast address");
  if (!state.segments.contains(key.vni)) return Invalid(name + ": segment is not known");
  if (key.vni.IsLocal() && !std::holds_alternative<PortId>(entry.where)) {
    return Invalid(name + ": behind a VTEP, yet local");
  }
  if (const auto* port = std::get_if<PortId>(&entry.where)) {
    if (!state.ports.contains(*port)) {
      return Invalid(fmt::format("{}: port {} is not known", name, port->ToString()));
    }
  }
  return absl::OkStatus();
}

bool IsMulticast(const IpAddress& address) {
  return address.IsV4() ? address.v4_bytes()[0] >> 4 == 14 : address.bytes()[0] == 0xff;
}

absl::Status ValidateProbe(const PortId& id, const MoveProbe& probe) {
  const auto invalid = [&id](const std::string& what) {
    return Invalid(fmt::format("probe of port {}: {}", id.ToString(), what));
  };
  if (probe.migration_id.empty() || probe.migration_id.size() > 63) {
    return invalid("the migration id is not of 1..63 bytes");
  }
  if (probe.ip.IsV4() != probe.from_ip.IsV4()) {
    return invalid("ip and from_ip are of different families");
  }
  if (probe.rate_pps == 0 || probe.rate_pps > kMaxProbeRate) {
    return invalid(fmt::format("rate_pps {} is not in 1..{}", probe.rate_pps, kMaxProbeRate));
  }
  return absl::OkStatus();
}

absl::Status ValidateMulticast(const HostState& state, const MulticastKey& key,
                               const std::set<IpAddress>& vteps) {
  const std::string name =
      fmt::format("multicast group {}/{}", key.vni.ToString(), key.group.ToString());
  const auto segment = state.segments.find(key.vni);
  if (segment == state.segments.end()) return Invalid(name + ": segment is not known");
  if (key.group != IpAddress() && !IsMulticast(key.group)) {
    return Invalid(name + ": not a multicast address");
  }
  if (vteps.empty()) return Invalid(name + ": has no members");
  for (const IpAddress& vtep : vteps) {
    if (segment->second.vteps.contains(vtep)) continue;
    return Invalid(fmt::format("{}: {} is no VTEP of the segment", name, vtep.ToString()));
  }
  return absl::OkStatus();
}

absl::Status ValidateProvider(const std::string& name, const Segment& segment) {
  const Provider& provider = *segment.provider;
  if (provider.uplink.empty() || provider.uplink.size() > kMaxUplinkName ||
      provider.uplink.find('\0') != std::string::npos) {
    return Invalid(fmt::format("{}: the uplink's name is not of 1..{} bytes without NUL", name,
                               kMaxUplinkName));
  }
  if (provider.vlan != 0 && !IsVlan(provider.vlan)) {
    return Invalid(fmt::format("{}: VLAN {} is not in 0..4094", name, provider.vlan));
  }
  if (segment.vteps.empty()) return absl::OkStatus();
  return Invalid(name + ": has VTEPs, yet is carried by an uplink");
}

absl::Status ValidateSegments(const HostState& state) {
  std::map<Provider, Vni> carried;
  for (const auto& [vni, segment] : state.segments) {
    RETURN_IF_ERROR(ValidateSegment(vni, segment));
    if (!segment.provider) continue;
    const auto [other, fresh] = carried.emplace(*segment.provider, vni);
    if (fresh) continue;
    return Invalid(fmt::format("segment {}: VLAN {} of uplink \"{}\" is that of segment {}",
                               vni.ToString(), segment.provider->vlan, segment.provider->uplink,
                               other->second.ToString()));
  }
  return absl::OkStatus();
}

}  // namespace

std::set<Vni> SegmentsOf(const Port& port) {
  std::set<Vni> segments;
  if (port.vni) segments.insert(*port.vni);
  for (const auto& [vlan, vni] : port.vlans.trunk) segments.insert(vni);
  return segments;
}

bool IsLocal(const Port& port) {
  if (port.vni) return port.vni->IsLocal();
  return !port.vlans.trunk.empty() && port.vlans.trunk.begin()->second.IsLocal();
}

absl::Status ValidatePort(const HostState& state, const PortId& id, const Port& port) {
  const std::string name = "port " + id.ToString();
  if (port.mac.IsMulticast() || (port.mac.IsZero() && !port.learn_macs)) {
    return Invalid(fmt::format("{}: MAC {} is not a unicast address", name, port.mac.ToString()));
  }
  RETURN_IF_ERROR(ValidateVlans(name, port));
  const std::set<Vni> segments = SegmentsOf(port);
  RETURN_IF_ERROR(ValidateLocality(name, port, segments));
  if (port.phase != PortPhase::kBlocked && segments.empty()) {
    return Invalid(name + ": not blocked, yet without a segment");
  }
  for (const Vni& vni : segments) {
    if (!state.segments.contains(vni)) {
      return Invalid(fmt::format("{}: segment {} is not known", name, vni.ToString()));
    }
  }
  for (const auto& set : {port.ingress_rule_set, port.egress_rule_set}) {
    if (set && !state.rule_sets.contains(*set)) {
      return Invalid(fmt::format("{}: rule set {} is not known", name, set->ToString()));
    }
  }
  if (port.device && (port.device->empty() || port.device->size() > 15)) {
    return Invalid(fmt::format("{}: device name \"{}\" is not of 1..15 bytes", name, *port.device));
  }
  if (port.profile.size() > 63 || port.migration_id.size() > 63) {
    return Invalid(name + ": profile name or migration id is longer than 63 bytes");
  }
  if (port.traffic_class > 7) {
    return Invalid(fmt::format("{}: traffic class {} exceeds 7", name, port.traffic_class));
  }
  RETURN_IF_ERROR(Annotate(Validate(port.dscp), name));
  RETURN_IF_ERROR(Annotate(Validate(port.shaper), name));
  return Annotate(Validate(port.allowed), name);
}

absl::Status ValidateSegment(const Vni& vni, const Segment& segment) {
  const std::string name = "segment " + vni.ToString();
  if (segment.mtu < kMinMtu || segment.mtu > kMaxMtu) {
    return Invalid(fmt::format("{}: mtu {} is not in {}..{}", name, segment.mtu, kMinMtu, kMaxMtu));
  }
  if (vni.IsLocal() && !segment.vteps.empty()) return Invalid(name + ": has VTEPs, yet is local");
  return segment.provider ? ValidateProvider(name, segment) : absl::OkStatus();
}

absl::Status Validate(const HostState& state) {
  for (const auto& [digest, set] : state.rule_sets) RETURN_IF_ERROR(ValidateRuleSet(digest, set));
  for (const GroupMember& member : state.group_members) {
    RETURN_IF_ERROR(ValidateGroupMember(member));
  }
  RETURN_IF_ERROR(ValidateSegments(state));
  for (const auto& [key, mac] : state.neighbors) {
    if (!state.segments.contains(key.vni)) {
      return Invalid(fmt::format("neighbor {}/{}: segment is not known", key.vni.ToString(),
                                 key.ip.ToString()));
    }
  }
  for (const auto& [id, port] : state.ports) RETURN_IF_ERROR(ValidatePort(state, id, port));
  for (const auto& [key, entry] : state.fdb) RETURN_IF_ERROR(ValidateFdb(state, key, entry));
  for (const auto& [key, vteps] : state.multicast_groups) {
    RETURN_IF_ERROR(ValidateMulticast(state, key, vteps));
  }
  for (const auto& [id, departure] : state.departures) {
    if (departure.migration_id.empty() || departure.migration_id.size() > 63) {
      return Invalid(fmt::format("departure of port {}: the migration id is not of 1..63 bytes",
                                 id.ToString()));
    }
    if (departure.host.size() > 63 || departure.peer.size() > 63) {
      return Invalid(
          fmt::format("departure of port {}: host or peer is longer than 63 bytes", id.ToString()));
    }
  }
  for (const auto& [id, probe] : state.probes) RETURN_IF_ERROR(ValidateProbe(id, probe));
  return absl::OkStatus();
}

}  // namespace outrider::state
