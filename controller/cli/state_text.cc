// The status and host-state halves of object_text.h.
#include <fmt/format.h>

#include "controller/cli/duration.h"
#include "controller/cli/object_text.h"
#include "controller/cli/table.h"
#include "controller/model/tcp_flags.h"
#include "controller/text/yaml_schema.h"

namespace outrider::controller::cli {
namespace {

std::string Any(const std::string& text) { return text.empty() ? "any" : text; }

std::string RangeText(bool present, const v1::PortRange& range) {
  if (!present) return "any";
  if (range.first() == range.last()) return std::to_string(range.first());
  return fmt::format("{}-{}", range.first(), range.last());
}

std::string IcmpText(const v1::CompiledRule& rule) {
  if (!rule.has_icmp_type()) return "any";
  if (!rule.has_icmp_code()) return std::to_string(rule.icmp_type());
  return fmt::format("{}/{}", rule.icmp_type(), rule.icmp_code());
}

std::string SideText(const std::string& prefix, const std::string& group) {
  return Any(prefix.empty() ? group : prefix);
}

std::string EtherText(const v1::CompiledRule& rule) {
  return rule.ether_number() == 0 ? Word(rule.ether_type())
                                  : fmt::format("0x{:04x}", rule.ether_number());
}

// "syn,!ack" of the compiled bits.
std::string FlagsText(const v1::CompiledRule& rule) {
  return TcpFlags{static_cast<uint8_t>(rule.tcp_flags_mask()),
                  static_cast<uint8_t>(rule.tcp_flags_value())}
      .Text();
}

std::string ExtensionsText(uint32_t bits) {
  std::vector<std::string> words;
  for (int i = v1::AclMatch::Ipv6Extension_MIN + 1; i <= v1::AclMatch::Ipv6Extension_MAX; ++i) {
    if ((bits >> (i - 1) & 1) != 0)
      words.push_back(Word(static_cast<v1::AclMatch::Ipv6Extension>(i)));
  }
  return fmt::format("{}", fmt::join(words, ","));
}

// What few rules look at, so that it needs no column of its own.
std::string RareText(const v1::CompiledRule& rule) {
  std::vector<std::string> words;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) words.push_back(fmt::format("{}={}", name, value));
  };
  add("src-mac", rule.src_mac());
  add("dst-mac", rule.dst_mac());
  if (rule.has_vlan()) add("vlan", std::to_string(rule.vlan()));
  add("flags", FlagsText(rule));
  if (rule.fragment() != v1::AclMatch::FRAGMENT_ANY) add("fragment", Word(rule.fragment()));
  add("extensions", ExtensionsText(rule.ipv6_extensions()));
  if (rule.log_rate() != 0) add("log", fmt::format("{}/s", rule.log_rate()));
  return fmt::format("{}", fmt::join(words, " "));
}

std::string MulticastWord(const v1::SegmentState& segment) {
  if (!segment.snoop_multicast()) return "flood";
  return segment.drop_unknown_multicast() ? "snoop, unknown drop" : "snoop";
}

std::string SegmentsPart(const v1::HostState& state) {
  Table table({"VNI", "MTU", "UNKNOWN-UNICAST", "ARP-SUPPRESSION", "ND-SUPPRESSION", "MULTICAST",
               "PROVIDER", "VTEPS"});
  for (const v1::SegmentState& segment : state.segments()) {
    table.AddRow({std::to_string(segment.vni()), std::to_string(segment.mtu()),
                  segment.flood_unknown_unicast() ? "flood" : "drop",
                  segment.suppress_arp() ? "on" : "off", segment.suppress_nd() ? "on" : "off",
                  MulticastWord(segment),
                  ProviderText(segment.provider_uplink(), segment.provider_vlan()),
                  fmt::format("{}", fmt::join(segment.vteps(), ","))});
  }
  return "Segments\n" + table.Render(2);
}

std::string MulticastPart(const v1::HostState& state) {
  // Of segments that snoop only.
  if (state.multicast_groups().empty()) return "";
  Table table({"VNI", "GROUP", "VTEPS"});
  for (const v1::MulticastGroup& group : state.multicast_groups()) {
    table.AddRow({std::to_string(group.vni()), group.group().empty() ? "routers" : group.group(),
                  fmt::format("{}", fmt::join(group.vteps(), ","))});
  }
  return "Multicast groups\n" + table.Render(2) + "\n";
}

std::string FdbPart(const v1::HostState& state) {
  Table table({"VNI", "MAC", "WHERE", "EPOCH"});
  for (const v1::FdbEntry& entry : state.fdb()) {
    table.AddRow({std::to_string(entry.vni()), entry.mac(),
                  entry.has_port_id() ? "port " + entry.port_id() : "vtep " + entry.vtep(),
                  std::to_string(entry.epoch())});
  }
  return "FDB\n" + table.Render(2);
}

std::string NeighborsPart(const v1::HostState& state) {
  Table table({"VNI", "IP", "MAC"});
  for (const v1::NeighborEntry& entry : state.neighbors()) {
    table.AddRow({std::to_string(entry.vni()), entry.ip(), entry.mac()});
  }
  return "Neighbours\n" + table.Render(2);
}

// In the order in which they are tried, numbered as in the profile; the default action is the last
// line.
std::string RuleSetsPart(const v1::HostState& state) {
  Table table({"RULE-SET", "#", "ETHERTYPE", "SOURCE", "DESTINATION", "PROTOCOL", "SRC-PORT",
               "DST-PORT", "ICMP", "MORE", "ACTION"});
  for (const v1::RuleSet& set : state.rule_sets()) {
    for (const v1::CompiledRule& rule : set.rules()) {
      table.AddRow({ShortDigest(set.digest()), std::to_string(rule.number()), EtherText(rule),
                    SideText(rule.src_prefix(), rule.src_group()),
                    SideText(rule.dst_prefix(), rule.dst_group()),
                    rule.protocol() == 0 ? "any" : std::to_string(rule.protocol()),
                    RangeText(rule.has_src_port(), rule.src_port()),
                    RangeText(rule.has_dst_port(), rule.dst_port()), IcmpText(rule), RareText(rule),
                    Word(rule.action())});
    }
    table.AddRow({ShortDigest(set.digest()), "default", "any", "any", "any", "any", "any", "any",
                  "any", "", Word(set.default_action())});
  }
  return "Rule sets\n" + table.Render(2);
}

// How many members: a group may have thousands, and --json has them all.
std::string GroupsPart(const v1::HostState& state) {
  std::map<std::string, size_t> groups;
  for (const v1::GroupMember& member : state.group_members()) ++groups[member.group()];
  Table table({"GROUP", "MEMBERS"});
  for (const auto& [group, members] : groups) table.AddRow({group, std::to_string(members)});
  return "Groups\n" + table.Render(2);
}

// "100"; "100,20:200" and "20:200,30:300": VNI of untagged frames, then VLAN:VNI.
std::string VnisText(const v1::PortState& port) {
  std::vector<std::string> parts;
  if (port.vni() != 0 || port.vlans().empty()) parts.push_back(std::to_string(port.vni()));
  for (const auto& vlan : port.vlans()) {
    parts.push_back(fmt::format("{}:{}", vlan.vlan(), vlan.vni()));
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

std::string AntiSpoofText(const v1::PortState& port) {
  if (port.ip_anti_spoof()) return "mac,ip";
  return port.mac_anti_spoof() ? "mac" : "off";
}

// Expected ports of a migration have no device yet.
std::string PortsPart(const v1::GetHostStateResponse& response) {
  Table table({"ID", "DEVICE", "MAC", "VNI", "PROFILE", "INGRESS", "EGRESS", "POLICER",
               "ANTI-SPOOF", "PHASE", "EPOCH", "MIGRATION"});
  for (const v1::PortState& port : response.state().ports()) {
    const auto device = response.devices().find(port.id());
    table.AddRow({port.id(), device == response.devices().end() ? "" : device->second, port.mac(),
                  VnisText(port), fmt::format("{} r{}", port.profile(), port.profile_revision()),
                  ShortDigest(port.ingress_rule_set()), ShortDigest(port.egress_rule_set()),
                  RatesText(port.ingress_policer()), AntiSpoofText(port), Word(port.phase()),
                  std::to_string(port.epoch()), port.migration_id()});
  }
  return "Ports\n" + table.Render(2);
}

}  // namespace

std::string HostStateText(const v1::GetHostStateResponse& response) {
  const v1::HostState& state = response.state();
  return fmt::format("Generation {}\n\n{}\n{}\n{}\n{}{}\n{}\n{}", response.generation(),
                     SegmentsPart(state), FdbPart(state), NeighborsPart(state),
                     MulticastPart(state), RuleSetsPart(state), GroupsPart(state),
                     PortsPart(response));
}

std::string ControllerStatusText(const v1::ControllerStatus& status) {
  Fields fields;
  fields.Add("Version", status.version());
  fields.Add("Running since", FormatTime(status.started_us()));
  fields.Add("Store", fmt::format("{} at revision {}", Cell(status.store_id()), status.revision()));
  fields.Add("Hosts", fmt::format("{} connected of {}", status.hosts_connected(), status.hosts()));
  fields.Add("Segments", std::to_string(status.segments()));
  fields.Add("Profiles", std::to_string(status.profiles()));
  fields.Add("Ports", std::to_string(status.ports()));
  fields.Add("Migrations running", std::to_string(status.migrations_running()));
  fields.Add("Sessions", fmt::format("{} resumed, {} with a snapshot", status.sessions_resumed(),
                                     status.sessions_snapshot()));
  fields.Add("Trust domain", status.trust_domain());
  fields.Add("CA expires", FormatTime(status.ca_expires_us()));
  return fields.Render(2);
}

std::string AgentStatusText(const v1::AgentStatus& status) {
  Fields fields;
  fields.Add("Host", status.host_id());
  fields.Add("Version", status.version());
  fields.Add("Running since", FormatTime(status.started_us()));
  fields.Add("Datapath",
             fmt::format("{}, {} objects written, {} deleted since start", Cell(status.datapath()),
                         status.objects_written(), status.objects_deleted()));
  fields.Add("VTEPs", fmt::format("{}", fmt::join(status.vteps(), ",")));
  fields.Add("Underlay MTU", std::to_string(status.underlay_mtu()));
  fields.Add(
      "Controller",
      fmt::format("{}, {}{}", Cell(status.controller()),
                  status.connected() ? "connected" : "not connected",
                  status.connection_detail().empty() ? "" : ": " + status.connection_detail()));
  fields.Add("Generation",
             fmt::format("{} of store {}", status.generation(), Cell(status.store_id())));
  fields.Add("Sessions", fmt::format("{} resumed, {} with a snapshot", status.sessions_resumed(),
                                     status.sessions_snapshot()));
  fields.Add("Certificate expires", FormatTime(status.certificate_expires_us()));
  if (!status.ovs_rundir().empty()) {
    fields.Add("Open vSwitch clients",
               fmt::format("served in {}, {} bridge{}", status.ovs_rundir(), status.ovs_bridges(),
                           status.ovs_bridges() == 1 ? "" : "s"));
  }
  for (const std::string& setting : status.ovs_without_effect()) {
    fields.Add("Set without effect", setting);
  }
  for (const auto& [reason, count] : Sorted(status.host_drops())) {
    fields.Add("Dropped, " + Cell(reason), std::to_string(count));
  }
  for (const v1::ObjectFailure& failure : status.failures()) {
    fields.Add("Failing",
               fmt::format("{} {}: {}", failure.kind(), failure.key(), failure.message()));
  }
  return fields.Render(2);
}

}  // namespace outrider::controller::cli
