#include "vswitch/convert/policy_proto.h"

#include <fmt/format.h>

namespace outrider::convert {
namespace {

// A restriction this agent does not know must not be left out in silence.
absl::Status CheckKnown(const google::protobuf::Message& message, const std::string& field) {
  if (message.GetReflection()->GetUnknownFields(message).empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(field +
                                    ": has fields this agent does not know; upgrade the agent");
}

absl::StatusOr<uint8_t> ToSmall(uint32_t value, uint32_t max, const char* field) {
  if (value > max)
    return absl::InvalidArgumentError(fmt::format("{}: {} exceeds {}", field, value, max));
  return static_cast<uint8_t>(value);
}

absl::StatusOr<state::Policer> ToPolicer(const v1::Policer& message, const char* field) {
  RETURN_IF_ERROR(CheckKnown(message, field));
  return state::Policer{.rate_kbps = message.rate_kbps(),
                        .burst_kb = message.burst_kb(),
                        .rate_pps = message.rate_pps(),
                        .burst_packets = message.burst_packets()};
}

absl::StatusOr<state::StormControl> ToStorm(const v1::StormControl& message) {
  RETURN_IF_ERROR(CheckKnown(message, "storm"));
  state::StormControl storm;
  ASSIGN_OR_RETURN(storm.broadcast, ToPolicer(message.broadcast(), "storm.broadcast"));
  ASSIGN_OR_RETURN(storm.multicast, ToPolicer(message.multicast(), "storm.multicast"));
  ASSIGN_OR_RETURN(storm.unknown_unicast,
                   ToPolicer(message.unknown_unicast(), "storm.unknown_unicast"));
  return storm;
}

absl::StatusOr<state::DscpPolicy> ToDscp(const v1::DscpPolicy& message) {
  RETURN_IF_ERROR(CheckKnown(message, "dscp"));
  state::DscpPolicy dscp;
  if (!v1::DscpPolicy::Mode_IsValid(message.mode()) ||
      !v1::DscpPolicy::Tunnel_IsValid(message.tunnel())) {
    return absl::InvalidArgumentError("dscp: a mode that is not known; upgrade the agent");
  }
  if (message.mode() == v1::DscpPolicy::MODE_MARK) {
    ASSIGN_OR_RETURN(dscp.mark, ToSmall(message.value(), 63, "dscp.value"));
  }
  if (message.tunnel() == v1::DscpPolicy::TUNNEL_PIPE) {
    ASSIGN_OR_RETURN(dscp.outer, ToSmall(message.outer_value(), 63, "dscp.outer_value"));
  }
  return dscp;
}

absl::StatusOr<state::AllowedAddress> ToAllowed(const v1::AllowedAddress& message) {
  RETURN_IF_ERROR(CheckKnown(message, "allowed"));
  state::AllowedAddress allowed;
  auto mac = MacAddress::Parse(message.mac());
  if (!mac.ok()) return Annotate(mac.status(), "allowed");
  allowed.mac = *mac;
  for (const std::string& text : message.prefixes()) {
    auto prefix = IpPrefix::Parse(text);
    if (!prefix.ok()) return Annotate(prefix.status(), "allowed");
    allowed.prefixes.push_back(*prefix);
  }
  return allowed;
}

void Write(const state::Policer& policer, v1::Policer* message) {
  message->set_rate_kbps(policer.rate_kbps);
  message->set_burst_kb(policer.burst_kb);
  message->set_rate_pps(policer.rate_pps);
  message->set_burst_packets(policer.burst_packets);
}

void Write(const state::StormControl& storm, v1::StormControl* message) {
  const state::Policer none;
  if (storm.broadcast != none) Write(storm.broadcast, message->mutable_broadcast());
  if (storm.multicast != none) Write(storm.multicast, message->mutable_multicast());
  if (storm.unknown_unicast != none) {
    Write(storm.unknown_unicast, message->mutable_unknown_unicast());
  }
}

void Write(const state::DscpPolicy& dscp, v1::DscpPolicy* message) {
  message->set_mode(dscp.mark ? v1::DscpPolicy::MODE_MARK : v1::DscpPolicy::MODE_TRUST);
  message->set_value(dscp.mark.value_or(0));
  message->set_tunnel(dscp.outer ? v1::DscpPolicy::TUNNEL_PIPE : v1::DscpPolicy::TUNNEL_UNIFORM);
  message->set_outer_value(dscp.outer.value_or(0));
}

}  // namespace

absl::Status ReadPolicy(const v1::PortState& message, state::Port* port) {
  ASSIGN_OR_RETURN(port->ingress_policer, ToPolicer(message.ingress_policer(), "ingress_policer"));
  ASSIGN_OR_RETURN(port->egress_policer, ToPolicer(message.egress_policer(), "egress_policer"));
  ASSIGN_OR_RETURN(port->storm, ToStorm(message.storm()));
  ASSIGN_OR_RETURN(port->dscp, ToDscp(message.dscp()));
  RETURN_IF_ERROR(CheckKnown(message.shaper(), "shaper"));
  port->shaper = {.min_kbps = message.shaper().min_kbps(),
                  .max_kbps = message.shaper().max_kbps(),
                  .burst_kb = message.shaper().burst_kb()};
  ASSIGN_OR_RETURN(port->traffic_class, ToSmall(message.traffic_class(), 7, "traffic_class"));
  port->mac_anti_spoof = message.mac_anti_spoof();
  port->ip_anti_spoof = message.ip_anti_spoof();
  for (const v1::AllowedAddress& entry : message.allowed()) {
    ASSIGN_OR_RETURN(state::AllowedAddress allowed, ToAllowed(entry));
    port->allowed.push_back(std::move(allowed));
  }
  port->max_macs = message.max_macs();
  port->dhcp_server_guard = message.dhcp_server_guard();
  port->ra_guard = message.ra_guard();
  return absl::OkStatus();
}

void WritePolicy(const state::Port& port, v1::PortState* message) {
  const state::Policer none;
  if (port.ingress_policer != none) Write(port.ingress_policer, message->mutable_ingress_policer());
  if (port.egress_policer != none) Write(port.egress_policer, message->mutable_egress_policer());
  if (port.storm != state::StormControl{}) Write(port.storm, message->mutable_storm());
  if (port.dscp != state::DscpPolicy{}) Write(port.dscp, message->mutable_dscp());
  if (port.shaper != state::Shaper{}) {
    message->mutable_shaper()->set_min_kbps(port.shaper.min_kbps);
    message->mutable_shaper()->set_max_kbps(port.shaper.max_kbps);
    message->mutable_shaper()->set_burst_kb(port.shaper.burst_kb);
  }
  message->set_traffic_class(port.traffic_class);
  message->set_mac_anti_spoof(port.mac_anti_spoof);
  message->set_ip_anti_spoof(port.ip_anti_spoof);
  for (const state::AllowedAddress& entry : port.allowed) {
    v1::AllowedAddress* allowed = message->add_allowed();
    allowed->set_mac(entry.mac.ToString());
    for (const IpPrefix& prefix : entry.prefixes) allowed->add_prefixes(prefix.ToString());
  }
  message->set_max_macs(port.max_macs);
  message->set_dhcp_server_guard(port.dhcp_server_guard);
  message->set_ra_guard(port.ra_guard);
}

}  // namespace outrider::convert
