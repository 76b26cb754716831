#include "tests/bpf/reference_acl.h"

#include <fmt/format.h>

namespace outrider::tests {
namespace {

constexpr uint8_t kIcmp = 1;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kSctp = 132;

bool Denies(const state::AclRule& rule) {
  return rule.action == state::AclAction::kDrop || rule.action == state::AclAction::kReject;
}

bool IsLater(const PacketDescription& p) { return p.fragment == Fragment::kLater; }

// One bit after the other; ::/0 has no IPv4 address.
bool InPrefix(const IpAddress& address, const IpPrefix& prefix) {
  if (address.IsV4() != prefix.IsV4()) return false;
  for (int bit = 0; bit < prefix.mapped_length(); ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if ((address.bytes()[bit / 8] & mask) != (prefix.address().bytes()[bit / 8] & mask)) {
      return false;
    }
  }
  return true;
}

bool InGroup(const IpAddress& address, const std::string& group, const GroupMembers& members) {
  for (const state::GroupMember& member : members) {
    if (member.group == group && InPrefix(address, member.prefix)) return true;
  }
  return false;
}

bool AddressMatches(const PacketDescription& p, const IpAddress& address,
                    const std::optional<IpPrefix>& prefix, const std::string& group,
                    const GroupMembers& members) {
  if (prefix && !(IsIp(p) && InPrefix(address, *prefix))) return false;
  return group.empty() || (IsIp(p) && InGroup(address, group, members));
}

bool EtherMatches(const state::AclRule& rule, const PacketDescription& p) {
  if (rule.ether_number != 0 && rule.ether_number != EtherType(p)) return false;
  switch (rule.ether) {
    case state::EtherMatch::kIpv4:
      return p.family == Family::kIpv4;
    case state::EtherMatch::kIpv6:
      return p.family == Family::kIpv6;
    case state::EtherMatch::kArp:
      return p.family == Family::kArp;
    case state::EtherMatch::kAny:
      break;
  }
  return true;
}

bool LinkMatches(const state::AclRule& rule, const PacketDescription& p) {
  if (rule.src_mac && *rule.src_mac != p.src_mac) return false;
  if (rule.dst_mac && *rule.dst_mac != p.dst_mac) return false;
  return !rule.vlan || *rule.vlan == p.vlan;
}

bool FragmentMatches(state::FragmentMatch wanted, Fragment fragment) {
  switch (wanted) {
    case state::FragmentMatch::kNone:
      return fragment == Fragment::kWhole;
    case state::FragmentMatch::kSome:
      return fragment != Fragment::kWhole;
    case state::FragmentMatch::kFirst:
      return fragment == Fragment::kFirst;
    case state::FragmentMatch::kLater:
      return fragment == Fragment::kLater;
    case state::FragmentMatch::kAny:
      break;
  }
  return true;
}

bool ShapeMatches(const state::AclRule& rule, const PacketDescription& p) {
  if (!FragmentMatches(rule.fragment, IsIp(p) ? p.fragment : Fragment::kWhole)) return false;
  if (rule.ipv6_extensions == 0 || (HidesProtocol(p) && Denies(rule))) return true;
  return (SeenExtensions(p) & rule.ipv6_extensions) != 0;
}

bool ProtocolMatches(const state::AclRule& rule, const PacketDescription& p) {
  if (rule.protocol == 0) return true;
  if (!IsIp(p)) return false;
  return HidesProtocol(p) ? Denies(rule) : p.protocol == rule.protocol;
}

bool InRange(uint16_t port, const std::optional<state::PortRange>& range) {
  return !range || (port >= range->first && port <= range->last);
}

bool NamesLayer4(const state::AclRule& rule) {
  return rule.src_port || rule.dst_port || rule.icmp_type || rule.icmp_code ||
         rule.tcp_flags_mask != 0;
}

bool Layer4Matches(const state::AclRule& rule, const PacketDescription& p) {
  if (!NamesLayer4(rule)) return true;
  if (!IsIp(p)) return false;
  if (IsLater(p)) return Denies(rule);
  if (rule.src_port || rule.dst_port) {
    if (p.protocol != kTcp && p.protocol != kUdp && p.protocol != kSctp) return false;
    if (!InRange(p.src_port, rule.src_port) || !InRange(p.dst_port, rule.dst_port)) return false;
  }
  if (rule.icmp_type || rule.icmp_code) {
    if (p.protocol != (p.family == Family::kIpv4 ? kIcmp : kIcmpv6)) return false;
    if (rule.icmp_type && *rule.icmp_type != p.icmp_type) return false;
    if (rule.icmp_code && *rule.icmp_code != p.icmp_code) return false;
  }
  if (rule.tcp_flags_mask == 0) return true;
  return p.protocol == kTcp && (p.tcp_flags & rule.tcp_flags_mask) == rule.tcp_flags_value;
}

bool Matches(const state::AclRule& rule, const GroupMembers& groups, const PacketDescription& p) {
  return ProtocolMatches(rule, p) && EtherMatches(rule, p) && Layer4Matches(rule, p) &&
         LinkMatches(rule, p) && ShapeMatches(rule, p) &&
         AddressMatches(p, p.src, rule.src, rule.src_group, groups) &&
         AddressMatches(p, p.dst, rule.dst, rule.dst_group, groups);
}

}  // namespace

ReferenceVerdict Judge(const state::RuleSet& set, const GroupMembers& groups,
                       const PacketDescription& p) {
  if (p.family == Family::kRarp) return {.action = state::AclAction::kAllow};
  const bool exempt = p.family == Family::kArp || IsDiscovery(p);
  for (uint32_t i = 0; i < set.rules.size(); ++i) {
    const state::AclRule& rule = set.rules[i];
    const bool names_it = rule.ether == state::EtherMatch::kArp || rule.ether_number == 0x0806 ||
                          rule.protocol == kIcmpv6;
    if (exempt && Denies(rule) && !names_it) continue;
    if (Matches(rule, groups, p)) return {.action = rule.action, .rule = i + 1};
  }
  if (exempt) return {.action = state::AclAction::kAllow};
  return {.action = set.default_action};
}

std::string ToString(const state::AclRule& r) {
  const auto range = [](const std::optional<state::PortRange>& ports) {
    return ports ? fmt::format("{}-{}", ports->first, ports->last) : "any";
  };
  const auto address = [](const std::optional<IpPrefix>& prefix, const std::string& group) {
    return prefix ? prefix->ToString() : group.empty() ? "any" : group;
  };
  return fmt::format(
      "action {} ether {} {:#06x} vlan {} {} > {} {} > {} proto {} ports {} > {} icmp {}/{} flags "
      "{:#04x}/{:#04x} fragment {} extensions {:#x}",
      static_cast<int>(r.action), static_cast<int>(r.ether), r.ether_number,
      r.vlan ? std::to_string(*r.vlan) : "any", r.src_mac ? r.src_mac->ToString() : "any",
      r.dst_mac ? r.dst_mac->ToString() : "any", address(r.src, r.src_group),
      address(r.dst, r.dst_group), r.protocol, range(r.src_port), range(r.dst_port),
      r.icmp_type ? std::to_string(*r.icmp_type) : "any",
      r.icmp_code ? std::to_string(*r.icmp_code) : "any", r.tcp_flags_mask, r.tcp_flags_value,
      static_cast<int>(r.fragment), r.ipv6_extensions);
}

}  // namespace outrider::tests
