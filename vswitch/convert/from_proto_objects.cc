#include "vswitch/convert/from_proto_objects.h"

#include <fmt/format.h>

#include <limits>

#include "vswitch/convert/policy_proto.h"

namespace outrider::convert {
namespace {

absl::StatusOr<state::PortPhase> ToPhase(v1::PortPhase phase) {
  switch (phase) {
    case v1::PORT_PHASE_BLOCKED:
      return state::PortPhase::kBlocked;
    case v1::PORT_PHASE_ARMED:
      return state::PortPhase::kArmed;
    case v1::PORT_PHASE_ACTIVE:
      return state::PortPhase::kActive;
    case v1::PORT_PHASE_DEPARTED:
      return state::PortPhase::kDeparted;
    default:
      return absl::InvalidArgumentError(fmt::format(
          "phase: {} is none of blocked, armed, active and departed", static_cast<int>(phase)));
  }
}

absl::StatusOr<uint16_t> ToLabel(uint32_t label) {
  if (label <= std::numeric_limits<uint16_t>::max()) return static_cast<uint16_t>(label);
  return absl::InvalidArgumentError(fmt::format("label: {} is above 65535", label));
}

absl::StatusOr<state::Arrival> ToArrival(const v1::PortState::Arrival& message) {
  auto vtep = IpAddress::Parse(message.vtep());
  if (!vtep.ok()) return Annotate(vtep.status(), "arrival: vtep");
  auto label = ToLabel(message.label());
  if (!label.ok()) return Annotate(label.status(), "arrival");
  return state::Arrival{.vtep = *vtep, .label = *label, .host = message.host()};
}

absl::StatusOr<std::optional<Digest>> ToOptionalDigest(const std::string& text, const char* field) {
  if (text.empty()) return std::optional<Digest>();
  auto digest = Digest::Parse(text);
  if (!digest.ok()) return Annotate(digest.status(), field);
  return std::optional<Digest>(*digest);
}

absl::StatusOr<state::VlanMode> ToVlanMode(v1::VlanSection::Mode mode) {
  switch (mode) {
    case v1::VlanSection::MODE_UNSPECIFIED:
    case v1::VlanSection::MODE_ACCESS:
      return state::VlanMode::kAccess;
    case v1::VlanSection::MODE_TRUNK:
      return state::VlanMode::kTrunk;
    case v1::VlanSection::MODE_NATIVE_TAGGED:
      return state::VlanMode::kNativeTagged;
    case v1::VlanSection::MODE_NATIVE_UNTAGGED:
      return state::VlanMode::kNativeUntagged;
    case v1::VlanSection::MODE_DOT1Q_TUNNEL:
      return state::VlanMode::kDot1qTunnel;
    default:
      return absl::InvalidArgumentError(
          fmt::format("vlan_mode: {} is not known", static_cast<int>(mode)));
  }
}

// Validate() says which ids make sense; here they must fit and come once.
absl::StatusOr<uint16_t> ToVlan(uint32_t value, const char* field) {
  if (value > 4095) {
    return absl::InvalidArgumentError(fmt::format("{}: {} exceeds 4095", field, value));
  }
  return static_cast<uint16_t>(value);
}

absl::StatusOr<state::PortVlans> ToVlans(const v1::PortState& message) {
  state::PortVlans vlans;
  ASSIGN_OR_RETURN(vlans.mode, ToVlanMode(message.vlan_mode()));
  ASSIGN_OR_RETURN(vlans.native, ToVlan(message.native_vlan(), "native_vlan"));
  for (const auto& entry : message.vlans()) {
    RETURN_IF_ERROR(CheckKnown(entry, "vlans"));
    ASSIGN_OR_RETURN(const uint16_t vlan, ToVlan(entry.vlan(), "vlans"));
    auto vni = Vni::Create(entry.vni());
    if (!vni.ok()) return Annotate(vni.status(), fmt::format("vlans: {}", vlan));
    if (!vlans.trunk.emplace(vlan, *vni).second) {
      return absl::InvalidArgumentError(fmt::format("vlans: {} is named twice", vlan));
    }
  }
  for (const uint32_t value : message.customer_vlans()) {
    ASSIGN_OR_RETURN(const uint16_t vlan, ToVlan(value, "customer_vlans"));
    if (!vlans.customer.insert(vlan).second) {
      return absl::InvalidArgumentError(fmt::format("customer_vlans: {} is named twice", vlan));
    }
  }
  return vlans;
}

}  // namespace

absl::Status CheckKnown(const google::protobuf::Message& message, const std::string& what) {
  if (message.GetReflection()->GetUnknownFields(message).empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(what +
                                    ": has fields this agent does not know; upgrade the agent");
}

absl::StatusOr<state::Segment> ToSegment(const v1::SegmentState& message) {
  RETURN_IF_ERROR(CheckKnown(message, "segment"));
  state::Segment segment{.mtu = message.mtu(),
                         .flood_unknown_unicast = message.flood_unknown_unicast(),
                         .suppress_arp = message.suppress_arp(),
                         .suppress_nd = message.suppress_nd(),
                         .snoop_multicast = message.snoop_multicast(),
                         .drop_unknown_multicast = message.drop_unknown_multicast(),
                         .vteps = {}};
  if (!message.provider_uplink().empty()) {
    ASSIGN_OR_RETURN(const uint16_t vlan, ToVlan(message.provider_vlan(), "provider_vlan"));
    segment.provider = {.uplink = message.provider_uplink(), .vlan = vlan};
  } else if (message.provider_vlan() != 0) {
    return absl::InvalidArgumentError("provider_vlan: is set without provider_uplink");
  }
  ASSIGN_OR_RETURN(segment.vteps, ToVteps(message.vteps()));
  return segment;
}

absl::StatusOr<std::set<IpAddress>> ToVteps(
    const google::protobuf::RepeatedPtrField<std::string>& texts) {
  std::set<IpAddress> vteps;
  for (const std::string& text : texts) {
    auto vtep = IpAddress::Parse(text);
    if (!vtep.ok()) return Annotate(vtep.status(), "vteps");
    if (!vteps.insert(*vtep).second) {
      return absl::InvalidArgumentError(fmt::format("vteps: {} is named twice", text));
    }
  }
  return vteps;
}

absl::StatusOr<state::FdbEntry> ToFdbEntry(const v1::FdbEntry& message) {
  const Epoch epoch{message.epoch()};
  switch (message.where_case()) {
    case v1::FdbEntry::kPortId: {
      auto port = PortId::Parse(message.port_id());
      if (!port.ok()) return Annotate(port.status(), "port_id");
      return state::FdbEntry{*port, epoch};
    }
    case v1::FdbEntry::kVtep: {
      auto vtep = IpAddress::Parse(message.vtep());
      if (!vtep.ok()) return Annotate(vtep.status(), "vtep");
      return state::FdbEntry{*vtep, epoch};
    }
    default:
      return absl::InvalidArgumentError("where: neither port_id nor vtep is given");
  }
}

// A restriction this agent does not know must not be left out in silence.
absl::StatusOr<state::Port> ToPort(const v1::PortState& message) {
  RETURN_IF_ERROR(CheckKnown(message, "port"));
  state::Port port;
  auto mac = MacAddress::Parse(message.mac());
  if (!mac.ok()) return Annotate(mac.status(), "mac");
  port.mac = *mac;
  if (message.vni() != 0) {
    auto vni = Vni::Create(message.vni());
    if (!vni.ok()) return Annotate(vni.status(), "vni");
    port.vni = *vni;
  }
  ASSIGN_OR_RETURN(port.vlans, ToVlans(message));
  port.profile = message.profile();
  port.profile_revision = message.profile_revision();
  ASSIGN_OR_RETURN(port.ingress_rule_set,
                   ToOptionalDigest(message.ingress_rule_set(), "ingress_rule_set"));
  ASSIGN_OR_RETURN(port.egress_rule_set,
                   ToOptionalDigest(message.egress_rule_set(), "egress_rule_set"));
  RETURN_IF_ERROR(ReadPolicy(message, &port));
  ASSIGN_OR_RETURN(port.phase, ToPhase(message.phase()));
  port.epoch = Epoch{message.epoch()};
  port.report_first_frame = message.report_first_frame();
  port.migration_id = message.migration_id();
  port.keep_established = message.keep_established();
  port.max_connections = message.max_connections();
  if (!message.has_arrival()) return port;
  ASSIGN_OR_RETURN(port.arrival, ToArrival(message.arrival()));
  return port;
}

absl::StatusOr<state::Departure> ToDeparture(const v1::Departure& message) {
  state::Departure departure;
  departure.migration_id = message.migration_id();
  departure.epoch = Epoch{message.epoch()};
  ASSIGN_OR_RETURN(departure.label, ToLabel(message.label()));
  departure.host = message.host();
  departure.peer = message.peer();
  if (message.vtep().empty()) return departure;
  const auto vtep = IpAddress::Parse(message.vtep());
  if (!vtep.ok()) return Annotate(vtep.status(), "vtep");
  departure.vtep = *vtep;
  return departure;
}

absl::StatusOr<state::MoveProbe> ToMoveProbe(const v1::MoveProbe& message) {
  const auto from = PortId::Parse(message.from_port_id());
  if (!from.ok()) return Annotate(from.status(), "from_port_id");
  const auto from_ip = IpAddress::Parse(message.from_ip());
  if (!from_ip.ok()) return Annotate(from_ip.status(), "from_ip");
  const auto mac = MacAddress::Parse(message.mac());
  if (!mac.ok()) return Annotate(mac.status(), "mac");
  const auto ip = IpAddress::Parse(message.ip());
  if (!ip.ok()) return Annotate(ip.status(), "ip");
  return state::MoveProbe{.migration_id = message.migration_id(),
                          .from = *from,
                          .from_ip = *from_ip,
                          .mac = *mac,
                          .ip = *ip,
                          .rate_pps = message.rate_pps()};
}

}  // namespace outrider::convert
