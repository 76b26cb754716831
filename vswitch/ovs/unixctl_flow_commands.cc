#include <fmt/format.h>

#include <map>
#include <optional>
#include <variant>

#include "vswitch/ovs/unixctl_switch_commands.h"

namespace outrider::ovs {
namespace {

using datapath::Direction;
using datapath::PortCounters;
using state::AclRule;

const char* WordOf(state::AclAction action) {
  switch (action) {
    case state::AclAction::kAllow:
      return "allow";
    case state::AclAction::kDrop:
      return "drop";
    case state::AclAction::kAllowRelated:
      return "ct(commit),allow";
    case state::AclAction::kReject:
      return "reject";
  }
  return "?";
}

std::string RangeText(const state::PortRange& range) {
  return range.first == range.last ? std::to_string(range.first)
                                   : fmt::format("{}-{}", range.first, range.last);
}

uint16_t EtherTypeOf(const AclRule& rule) {
  switch (rule.ether) {
    case state::EtherMatch::kIpv4:
      return 0x0800;
    case state::EtherMatch::kIpv6:
      return 0x86dd;
    case state::EtherMatch::kArp:
      return 0x0806;
    case state::EtherMatch::kAny:
      break;
  }
  return rule.ether_number;
}

// One side of a rule's address: a prefix or a group.
std::string Side(const char* name, const std::optional<IpPrefix>& prefix,
                 const std::string& group) {
  if (prefix) return fmt::format(",{}={}", name, prefix->ToString());
  return group.empty() ? "" : fmt::format(",{}=group({})", name, group);
}

// What a rule matches, each part with a comma before it.
std::string MatchText(const AclRule& rule) {
  std::string text;
  if (rule.src_mac) text += fmt::format(",dl_src={}", rule.src_mac->ToString());
  if (rule.dst_mac) text += fmt::format(",dl_dst={}", rule.dst_mac->ToString());
  if (rule.vlan) text += fmt::format(",dl_vlan={}", *rule.vlan);
  if (const uint16_t type = EtherTypeOf(rule); type != 0) {
    text += fmt::format(",dl_type=0x{:04x}", type);
  }
  text += Side("src", rule.src, rule.src_group) + Side("dst", rule.dst, rule.dst_group);
  if (rule.protocol != 0) text += fmt::format(",nw_proto={}", rule.protocol);
  if (rule.src_port) text += ",tp_src=" + RangeText(*rule.src_port);
  if (rule.dst_port) text += ",tp_dst=" + RangeText(*rule.dst_port);
  if (rule.icmp_type) text += fmt::format(",icmp_type={}", *rule.icmp_type);
  if (rule.icmp_code) text += fmt::format(",icmp_code={}", *rule.icmp_code);
  return text;
}

// A list of rules as lines; the counts are those of the numbers people know the rules by.
void AddRules(const state::RuleSet& set, Direction direction, const PortFacts& port,
              const PortCounters& counters, std::string* text) {
  const char* const side = direction == Direction::kIngress ? "in_port" : "out_port";
  const auto line = [&](uint32_t number, const std::string& match, state::AclAction action) {
    const auto found = counters.rules.find({direction, number});
    const datapath::RuleCount count =
        found == counters.rules.end() ? datapath::RuleCount{} : found->second;
    *text +=
        fmt::format("{}({}){}, packets:{}, bytes:{}, actions:{}\n", side, OfportText(port.ofport),
                    match, count.packets, count.bytes, WordOf(action));
  };
  for (const AclRule& rule : set.rules) {
    line(rule.number, fmt::format(",rule={}{}", rule.number, MatchText(rule)), rule.action);
  }
  line(0, ",default", set.default_action);
}

void AddPort(const SwitchFacts& facts, const PortFacts& port, std::string* text) {
  if (!port.id || facts.in_force == nullptr) return;
  const auto found = facts.in_force->ports.find(*port.id);
  if (found == facts.in_force->ports.end()) return;
  const state::Port& state = found->second;
  const auto counted = facts.counters.find(*port.id);
  const PortCounters counters = counted == facts.counters.end() ? PortCounters{} : counted->second;
  const std::string segment =
      state.vni ? fmt::format("segment({})", state.vni->ToString()) : std::string("segment(none)");
  *text += fmt::format("in_port({}),dl_src={}, packets:{}, bytes:{}, actions:{}\n",
                       OfportText(port.ofport), state.mac_anti_spoof ? state.mac.ToString() : "any",
                       counters.rx_packets, counters.rx_bytes,
                       state.phase == state::PortPhase::kActive ? segment : "drop");
  const auto add = [&](const std::optional<Digest>& digest, Direction direction) {
    if (!digest) return;
    const auto set = facts.in_force->rule_sets.find(*digest);
    if (set != facts.in_force->rule_sets.end()) {
      AddRules(set->second, direction, port, counters, text);
    }
  };
  add(state.ingress_rule_set, Direction::kIngress);
  add(state.egress_rule_set, Direction::kEgress);
}

// Stations of the segments that the bridge's ports are in.
void AddStations(const SwitchFacts& facts, const BridgeFacts& bridge, std::string* text) {
  if (facts.in_force == nullptr) return;
  std::map<PortId, uint16_t> ofports;
  std::set<Vni> segments;
  for (const auto& [ofport, port] : bridge.ports) {
    if (!port.id) continue;
    ofports[*port.id] = ofport;
    const auto found = facts.in_force->ports.find(*port.id);
    if (found != facts.in_force->ports.end()) segments.merge(state::SegmentsOf(found->second));
  }
  for (const auto& [key, entry] : facts.in_force->fdb) {
    if (!segments.contains(key.vni)) continue;
    std::string action = "drop";
    if (const auto* const vtep = std::get_if<IpAddress>(&entry.where)) {
      action = fmt::format("tunnel(tun_id={},dst={})", key.vni.ToString(), vtep->ToString());
    } else if (const auto port = ofports.find(std::get<PortId>(entry.where));
               port != ofports.end()) {
      action = "output:" + OfportText(port->second);
    }
    *text += fmt::format("segment({}),dl_dst={}, actions:{}\n", key.vni.ToString(),
                         key.mac.ToString(), action);
  }
}

std::string Flows(const SwitchFacts& facts, const BridgeFacts& bridge) {
  std::string text;
  for (const auto& [ofport, port] : bridge.ports) AddPort(facts, port, &text);
  AddStations(facts, bridge, &text);
  return text;
}

absl::StatusOr<std::string> DumpBridge(SwitchFactsSource* source,
                                       const UnixctlArguments& arguments) {
  std::string name;
  for (const std::string& argument : arguments) {
    // Our lines have no shorter or longer form.
    if (!argument.starts_with("-")) name = argument;
  }
  const SwitchFacts facts = source->Look();
  const auto found = facts.bridges.find(name);
  if (found == facts.bridges.end()) return absl::NotFoundError("no such bridge");
  return Flows(facts, found->second);
}

absl::StatusOr<std::string> DumpAll(SwitchFactsSource* source) {
  const SwitchFacts facts = source->Look();
  if (facts.bridges.empty()) {
    return absl::NotFoundError(
        "ovs-vswitchd: no datapaths exist\novs-vswitchd: datapath not found (Invalid argument)");
  }
  std::string text;
  for (const auto& [name, bridge] : facts.bridges) text += Flows(facts, bridge);
  return text;
}

}  // namespace

void AddFlowCommands(SwitchFactsSource* source, UnixctlCommands* commands) {
  commands->Add("dpif/dump-flows",
                {.usage = "[-m] [--names | --no-names] bridge",
                 .min_arguments = 1,
                 .max_arguments = UnixctlCommand::kAny,
                 .run = [source](const UnixctlArguments& a) { return DumpBridge(source, a); }});
  commands->Add("dpctl/dump-flows",
                {.usage = "[-m] [--names] [dp] [filter=..] [type=..] [pmd=..]",
                 .max_arguments = 6,
                 .run = [source](const UnixctlArguments&) { return DumpAll(source); }});
}

}  // namespace outrider::ovs
