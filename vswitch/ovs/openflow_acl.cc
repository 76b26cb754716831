#include "vswitch/ovs/openflow_acl.h"

#include <netinet/in.h>

#include <optional>
#include <utility>

#include "vswitch/ovs/openflow_tables.h"

namespace outrider::ovs {
namespace {

using openflow::Field;
using openflow::Match;
using state::AclAction;
using state::AclRule;
using state::EtherMatch;

constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kArp = 0x0806;
constexpr uint16_t kIpv6 = 0x86dd;

// Open vSwitch's bits of nw_frag: any fragment, a later one.
constexpr uint8_t kFragAny = 1;
constexpr uint8_t kFragLater = 2;

// The ethertypes the rule can match; none: they contradict each other. 0: any.
std::vector<uint16_t> EtherTypes(const AclRule& rule) {
  uint16_t wanted = 0;
  const auto narrow = [&wanted](uint16_t type) {
    if (type == 0) return true;
    if (wanted != 0 && wanted != type) return false;
    wanted = type;
    return true;
  };
  const auto of_prefix = [](const std::optional<IpPrefix>& prefix) -> uint16_t {
    return !prefix ? 0 : prefix->IsV4() ? kIpv4 : kIpv6;
  };
  uint16_t named = 0;
  if (rule.ether == EtherMatch::kIpv4) named = kIpv4;
  if (rule.ether == EtherMatch::kIpv6) named = kIpv6;
  if (rule.ether == EtherMatch::kArp) named = kArp;
  for (const uint16_t type : {named, rule.ether_number, of_prefix(rule.src), of_prefix(rule.dst)}) {
    if (!narrow(type)) return {};
  }
  if (wanted != 0) return {wanted};
  // A protocol, a fragment or a group is of either version of IP.
  const bool ip = rule.protocol != 0 || rule.fragment != state::FragmentMatch::kAny ||
                  rule.ipv6_extensions != 0 || !rule.src_group.empty() || !rule.dst_group.empty();
  if (!ip) return {0};
  if (rule.protocol == IPPROTO_ICMPV6 || rule.ipv6_extensions != 0) return {kIpv6};
  if (rule.protocol == IPPROTO_ICMP) return {kIpv4};
  return {kIpv4, kIpv6};
}

void SetFragment(state::FragmentMatch wanted, Match& match) {
  const auto set = [&match](uint8_t value, uint8_t mask) {
    match.Set(Field::kIpFrag, value, mask);
  };
  switch (wanted) {
    case state::FragmentMatch::kAny:
      break;
    case state::FragmentMatch::kNone:
      set(0, kFragAny | kFragLater);
      break;
    case state::FragmentMatch::kSome:
      set(kFragAny, kFragAny);
      break;
    case state::FragmentMatch::kFirst:
      set(kFragAny, kFragAny | kFragLater);
      break;
    case state::FragmentMatch::kLater:
      set(kFragAny | kFragLater, kFragAny | kFragLater);
      break;
  }
}

// Everything of the rule that has one value.
Match PlainPart(const AclRule& rule, uint16_t ether_type) {
  Match match;
  if (ether_type != 0) match.Set(Field::kEthType, ether_type);
  if (rule.src_mac) match.Set(Field::kEthSrc, *rule.src_mac);
  if (rule.dst_mac) match.Set(Field::kEthDst, *rule.dst_mac);
  if (rule.vlan) {
    match.Set(Field::kVlanTci, *rule.vlan == 0 ? 0 : *rule.vlan | 0x1000u, 0x1fff);
  }
  if (rule.protocol != 0) match.Set(Field::kIpProto, rule.protocol);
  if (rule.tcp_flags_mask != 0) {
    match.Set(Field::kTcpFlags, rule.tcp_flags_value, rule.tcp_flags_mask);
  }
  const bool v6 = rule.protocol == IPPROTO_ICMPV6;
  if (rule.icmp_type) match.Set(v6 ? Field::kIcmpv6Type : Field::kIcmpType, *rule.icmp_type);
  if (rule.icmp_code) match.Set(v6 ? Field::kIcmpv6Code : Field::kIcmpCode, *rule.icmp_code);
  SetFragment(rule.fragment, match);
  return match;
}

// Replaces each of `matches` by one for each of `values`.
template <typename Value, typename Set>
void Multiply(const std::vector<Value>& values, const Set& set, std::vector<Match>& matches) {
  std::vector<Match> product;
  for (const Match& match : matches) {
    for (const Value& value : values) {
      product.push_back(match);
      set(product.back(), value);
    }
  }
  matches = std::move(product);
}

// As Multiply, but where that would be too many the values are left out, and `what` is said.
template <typename Value, typename Set>
void MultiplyOrSay(const std::vector<Value>& values, const Set& set, const std::string& what,
                   RuleMatches& rule) {
  if (values.size() * rule.matches.size() <= kMostMatchesPerRule) {
    Multiply(values, set, rule.matches);
    return;
  }
  rule.in_words += (rule.in_words.empty() ? "" : ", ") + what;
}

// The members of one version of IP.
std::vector<IpPrefix> Members(const GroupPrefixes& groups, const std::string& name, bool v4) {
  std::vector<IpPrefix> members;
  const auto found = groups.find(name);
  if (found == groups.end()) return members;
  for (const IpPrefix& prefix : found->second) {
    if (prefix.IsV4() == v4) members.push_back(prefix);
  }
  return members;
}

void AddAddress(const std::optional<IpPrefix>& prefix, const std::string& group, Field field,
                bool v4, const GroupPrefixes& groups, RuleMatches& rule) {
  const auto set = [field](Match& match, const IpPrefix& value) { match.Set(field, value); };
  if (prefix) Multiply(std::vector<IpPrefix>{*prefix}, set, rule.matches);
  if (!group.empty()) MultiplyOrSay(Members(groups, group, v4), set, "group " + group, rule);
}

Field PortField(uint8_t protocol, bool source) {
  if (protocol == IPPROTO_UDP) return source ? Field::kUdpSrc : Field::kUdpDst;
  if (protocol == IPPROTO_SCTP) return source ? Field::kSctpSrc : Field::kSctpDst;
  return source ? Field::kTcpSrc : Field::kTcpDst;
}

void AddPorts(const std::optional<state::PortRange>& range, Field field, RuleMatches& rule) {
  if (!range) return;
  const auto set = [field](Match& match, const MaskedPort& port) {
    match.Set(field, port.value, port.mask);
  };
  MultiplyOrSay(MaskedPorts(*range), set,
                "ports " + std::to_string(range->first) + "-" + std::to_string(range->last), rule);
}

RuleMatches MatchesFor(const AclRule& rule, uint16_t ether_type, const GroupPrefixes& groups) {
  RuleMatches result{.matches = {PlainPart(rule, ether_type)}};
  const bool v4 = ether_type == kIpv4;
  const Field src = v4 ? Field::kIpv4Src : Field::kIpv6Src;
  const Field dst = v4 ? Field::kIpv4Dst : Field::kIpv6Dst;
  AddAddress(rule.src, rule.src_group, src, v4, groups, result);
  AddAddress(rule.dst, rule.dst_group, dst, v4, groups, result);
  AddPorts(rule.src_port, PortField(rule.protocol, true), result);
  AddPorts(rule.dst_port, PortField(rule.protocol, false), result);
  if (rule.ipv6_extensions != 0) {
    result.in_words += result.in_words.empty() ? "" : ", ";
    result.in_words += "IPv6 extension headers";
  }
  return result;
}

}  // namespace

GroupPrefixes GroupsOf(const state::HostState& state) {
  GroupPrefixes groups;
  for (const state::GroupMember& member : state.group_members) {
    groups[member.group].push_back(member.prefix);
  }
  return groups;
}

std::vector<MaskedPort> MaskedPorts(const state::PortRange& range) {
  std::vector<MaskedPort> ports;
  uint32_t first = range.first;
  while (first <= range.last) {
    // The largest aligned block that begins here and does not go beyond.
    uint32_t size = 1;
    while (first % (size * 2) == 0 && first + size * 2 - 1 <= range.last) size *= 2;
    ports.push_back({static_cast<uint16_t>(first), static_cast<uint16_t>(~(size - 1))});
    first += size;
  }
  return ports;
}

RuleMatches MatchesOf(const AclRule& rule, const GroupPrefixes& groups) {
  RuleMatches all;
  for (const uint16_t ether_type : EtherTypes(rule)) {
    RuleMatches some = MatchesFor(rule, ether_type, groups);
    all.matches.insert(all.matches.end(), some.matches.begin(), some.matches.end());
    all.in_words = some.in_words;
    if (ether_type == kArp) all.names_arp = true;
  }
  all.names_discovery = rule.protocol == IPPROTO_ICMPV6 && !all.matches.empty();
  return all;
}

}  // namespace outrider::ovs
