#include "vswitch/state/host_state.h"

#include <fmt/format.h>

namespace outrider::state {
namespace {

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(text); }

absl::Status ValidateRuleSet(const Digest& digest, const RuleSet& set) {
  if (set.rules.size() > kMaxRules) {
    return Invalid(fmt::format("rule set {}: {} rules, at most {} fit", digest.ToString(),
                               set.rules.size(), kMaxRules));
  }
  for (size_t i = 0; i < set.rules.size(); ++i) {
    const AclRule& rule = set.rules[i];
    const bool bad_port = (rule.src_port && rule.src_port->first > rule.src_port->last) ||
                          (rule.dst_port && rule.dst_port->first > rule.dst_port->last);
    if (bad_port) {
      return Invalid(fmt::format("rule set {}: rule {}: empty port range", digest.ToString(), i));
    }
    if (rule.src && rule.dst && rule.src->IsV4() != rule.dst->IsV4()) {
      return Invalid(
          fmt::format("rule set {}: rule {}: source and destination prefix are of "
                      "different families",
                      digest.ToString(), i));
    }
  }
  return absl::OkStatus();
}

absl::Status ValidatePort(const HostState& state, const PortId& id, const Port& port) {
  const std::string name = "port " + id.ToString();
  if (port.mac.IsMulticast() || port.mac.IsZero()) {
    return Invalid(fmt::format("{}: MAC {} is not a unicast address", name, port.mac.ToString()));
  }
  if (port.phase != PortPhase::kBlocked && !port.vni) {
    return Invalid(name + ": not blocked, yet without a segment");
  }
  if (port.vni && !state.segments.contains(*port.vni)) {
    return Invalid(fmt::format("{}: segment {} is not known", name, port.vni->value()));
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
  return absl::OkStatus();
}

absl::Status ValidateFdb(const HostState& state, const FdbKey& key, const FdbEntry& entry) {
  const std::string name = fmt::format("fdb {}/{}", key.vni.value(), key.mac.ToString());
  if (key.mac.IsMulticast()) return Invalid(name + ": not a unicast address");
  if (!state.segments.contains(key.vni)) return Invalid(name + ": segment is not known");
  if (const auto* port = std::get_if<PortId>(&entry.where)) {
    if (!state.ports.contains(*port)) {
      return Invalid(fmt::format("{}: port {} is not known", name, port->ToString()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const HostState& state) {
  for (const auto& [digest, set] : state.rule_sets) RETURN_IF_ERROR(ValidateRuleSet(digest, set));
  for (const auto& [vni, segment] : state.segments) {
    if (segment.mtu < 576 || segment.mtu > 65485) {
      return Invalid(
          fmt::format("segment {}: mtu {} is not in 576..65485", vni.value(), segment.mtu));
    }
  }
  for (const auto& [key, mac] : state.neighbors) {
    if (!state.segments.contains(key.vni)) {
      return Invalid(
          fmt::format("neighbor {}/{}: segment is not known", key.vni.value(), key.ip.ToString()));
    }
  }
  for (const auto& [id, port] : state.ports) RETURN_IF_ERROR(ValidatePort(state, id, port));
  for (const auto& [key, entry] : state.fdb) RETURN_IF_ERROR(ValidateFdb(state, key, entry));
  return absl::OkStatus();
}

}  // namespace outrider::state
