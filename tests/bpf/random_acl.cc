#include "tests/bpf/random_acl.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace outrider::tests {
namespace {

constexpr uint8_t kIcmp = 1;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kGre = 47;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kSctp = 132;

bool HasPorts(uint8_t protocol) {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

}  // namespace

state::RuleSet RandomAcl::RuleSet(Style style, size_t rules) {
  state::RuleSet set;
  set.default_action = Action();
  if (set.default_action == state::AclAction::kAllowRelated) {
    set.default_action = state::AclAction::kAllow;
  }
  for (size_t i = 0; i < rules; ++i) {
    set.rules.push_back(style == Style::kSpecific ? SpecificRule() : Rule(style));
    set.rules.back().number = static_cast<uint32_t>(i + 1);
  }
  return set;
}

PacketDescription RandomAcl::Packet() {
  PacketDescription p;
  p.family = Pick({Family::kIpv4, Family::kIpv4, Family::kIpv4, Family::kIpv6, Family::kIpv6,
                   Family::kIpv6, Family::kArp, Family::kRarp, Family::kOther});
  p.src_mac = MacOf(false);
  p.dst_mac = MacOf(true);
  p.vlan = Pick<uint16_t>({0, 0, 5, 4094});
  p.other_type = Pick<uint16_t>({0x88b5, 0x88b6, 0xffff});
  const bool v4 = p.family != Family::kIpv6;
  // Also where no rule may see any: the programs know those of ARP.
  p.src = Address(v4);
  p.dst = Address(v4);
  if (!IsIp(p)) return p;
  p.protocol = v4 ? Pick<uint8_t>({kIcmp, kTcp, kTcp, kUdp, kSctp})
                  : Pick<uint8_t>({kIcmpv6, kTcp, kTcp, kUdp, kSctp});
  p.fragment = Pick({Fragment::kWhole, Fragment::kWhole, Fragment::kFirst, Fragment::kLater});
  p.src_port = Port();
  p.dst_port = Port();
  p.tcp_flags = Pick<uint8_t>({0x02, 0x10, 0x12, 0x18, 0x04, 0xff, 0x00});
  p.icmp_type = v4 ? Pick<uint8_t>({0, 8}) : Pick<uint8_t>({128, 133, 134, 135, 136, 137});
  p.icmp_code = Pick<uint8_t>({0, 1});
  if (v4) return p;
  p.hop_limit = Pick<uint8_t>({64, 255, 255});
  p.extensions = Pick<uint8_t>({0, 0, kHopByHopBit, kRoutingBit, kHopByHopBit | kRoutingBit});
  p.destination_options = Chance(30);
  return p;
}

PacketDescription RandomAcl::PacketNear(const state::AclRule& rule, const GroupMembers& groups) {
  PacketDescription p = Packet();
  const bool v6 = rule.ether == state::EtherMatch::kIpv6 || rule.protocol == kIcmpv6 ||
                  (rule.src && !rule.src->IsV4()) || (rule.dst && !rule.dst->IsV4());
  if (!IsIp(p) || (p.family == Family::kIpv6) != v6) {
    p.family = v6 ? Family::kIpv6 : Family::kIpv4;
    p.extensions = 0;
    p.destination_options = false;
    p.fragment = Fragment::kWhole;
  }
  // A rule may name both families, and matches nothing then.
  p.src = rule.src && rule.src->IsV4() != v6 ? AddressIn(*rule.src) : Address(!v6);
  p.dst = rule.dst && rule.dst->IsV4() != v6 ? AddressIn(*rule.dst) : Address(!v6);
  for (auto [group, address] : {std::pair(&rule.src_group, &p.src), {&rule.dst_group, &p.dst}}) {
    if (group->empty() || groups.empty()) continue;
    const auto member = std::next(groups.begin(), static_cast<ptrdiff_t>(Below(groups.size())));
    if (member->prefix.IsV4() != v6) *address = AddressIn(member->prefix);
  }
  if (rule.protocol != 0) p.protocol = rule.protocol;
  if (p.protocol == (v6 ? kIcmp : kIcmpv6) || p.protocol == kGre) p.protocol = kTcp;
  const auto port = [this](const std::optional<state::PortRange>& range, uint16_t other) {
    if (!range) return other;
    return static_cast<uint16_t>(range->first + Below(range->last - range->first + 1));
  };
  p.src_port = port(rule.src_port, p.src_port);
  p.dst_port = port(rule.dst_port, p.dst_port);
  p.icmp_type = rule.icmp_type.value_or(p.icmp_type);
  p.icmp_code = rule.icmp_code.value_or(p.icmp_code);
  p.src_mac = rule.src_mac.value_or(p.src_mac);
  p.dst_mac = rule.dst_mac.value_or(p.dst_mac);
  p.vlan = rule.vlan.value_or(p.vlan);
  if (Chance(70)) p.tcp_flags = rule.tcp_flags_value;
  return p;
}

GroupMembers RandomAcl::Groups(size_t members) {
  GroupMembers groups;
  while (groups.size() < members) groups.insert(Member());
  return groups;
}

state::GroupMember RandomAcl::Member() {
  const bool v4 = Chance(60);
  IpPrefix prefix = Prefix(v4, Style::kNested);
  if (Chance(40)) prefix = Prefix(v4, Style::kSpecific);
  return {.group = fmt::format("{}/g{}", Chance(50) ? "address" : "port", Below(6)),
          .prefix = prefix};
}

IpAddress RandomAcl::Address(bool v4) {
  return Ip(v4 ? Pick<const char*>({"10.0.0.1", "10.0.0.200", "10.0.1.1", "192.168.0.1"})
               : Pick<const char*>({"fd00::1", "fd00::2", "fd00:0:0:1::1", "2001:db8::1"}));
}

IpAddress RandomAcl::AddressIn(const IpPrefix& prefix) {
  std::array<uint8_t, 16> bytes = prefix.address().bytes();
  for (int bit = prefix.mapped_length(); bit < 128; ++bit) {
    if (Chance(10)) bytes[bit / 8] |= static_cast<uint8_t>(0x80 >> (bit % 8));
  }
  const IpAddress address(bytes);
  // A mapped address is none of IPv6's.
  return address.IsV4() == prefix.IsV4() ? address : prefix.address();
}

IpPrefix RandomAcl::Prefix(bool v4, Style style) {
  if (style == Style::kNested) {
    return IpPrefix::Create(Address(v4), static_cast<int>(Below(v4 ? 33 : 129)));
  }
  if (style == Style::kSpecific) {
    std::array<uint8_t, 4> low = {10, 0, static_cast<uint8_t>(Below(64)),
                                  static_cast<uint8_t>(Below(256))};
    if (v4) return IpPrefix::Create(IpAddress::FromV4(low), Pick<int>({32, 32, 32, 30, 24}));
    const std::string text = fmt::format("2001:db8:{:x}:{:x}::1", Below(64), Below(256));
    return IpPrefix::Create(Ip(text), Pick<int>({128, 128, 64, 127, 48}));
  }
  const int length = v4 ? Pick<int>({0, 8, 24, 25, 32}) : Pick<int>({0, 8, 63, 64, 65, 127, 128});
  return IpPrefix::Create(v4 ? Ip(Pick<const char*>({"10.0.0.1", "10.0.1.1", "192.168.0.1"}))
                             : Ip(Pick<const char*>({"fd00::1", "fd00:0:0:1::1", "2001:db8::1"})),
                          length);
}

state::PortRange RandomAcl::Range(Style style) {
  if (style != Style::kNested) {
    const uint16_t first = Port();
    return {first, std::max(first, Port())};
  }
  const auto first = static_cast<uint16_t>(Below(500));
  return {first, static_cast<uint16_t>(first + Below(Chance(10) ? 65535 - first : 500))};
}

MacAddress RandomAcl::MacOf(bool destination) {
  return Mac(destination ? Pick<const char*>(
                               {"52:54:00:00:00:02", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01"})
                         : Pick<const char*>({"52:54:00:00:00:01", "52:54:00:00:00:03"}));
}

state::AclAction RandomAcl::Action() {
  return Pick({state::AclAction::kAllow, state::AclAction::kDrop, state::AclAction::kAllowRelated,
               state::AclAction::kReject});
}

state::AclRule RandomAcl::SpecificRule() {
  state::AclRule rule;
  rule.action = Action();
  const bool v4 = Chance(70);
  if (Chance(80)) rule.src = Prefix(v4, Style::kSpecific);
  if (!rule.src || Chance(50)) rule.dst = Prefix(v4, Style::kSpecific);
  rule.protocol = Pick<uint8_t>({kTcp, kUdp});
  const auto first = static_cast<uint16_t>(Below(65000));
  rule.dst_port = state::PortRange{first, static_cast<uint16_t>(first + Pick<int>({0, 0, 10}))};
  return rule;
}

state::AclRule RandomAcl::Rule(Style style) {
  state::AclRule rule;
  rule.action = Action();
  if (Chance(20)) {
    rule.ether =
        Pick({state::EtherMatch::kIpv4, state::EtherMatch::kIpv6, state::EtherMatch::kArp});
  }
  AddAddresses(style, &rule);
  AddLayer4(style, &rule);
  AddRest(style == Style::kDense ? 40 : style == Style::kMixed ? 8 : 3, &rule);
  if (Chance(5)) rule.log_rate = 1 + static_cast<uint32_t>(Below(1000));
  return rule;
}

void RandomAcl::AddAddresses(Style style, state::AclRule* rule) {
  const unsigned percent = style == Style::kMixed ? 40 : 80;
  const bool v4 = Chance(50);
  const auto group = [this] {
    return fmt::format("{}/g{}", Chance(50) ? "address" : "port", Below(7));
  };
  if (Chance(percent)) rule->src = Prefix(v4, style);
  if (Chance(percent)) rule->dst = Prefix(v4, style);
  if (!rule->src && Chance(25)) rule->src_group = group();
  if (!rule->dst && Chance(25)) rule->dst_group = group();
}

void RandomAcl::AddLayer4(Style style, state::AclRule* rule) {
  if (Chance(60)) rule->protocol = Pick<uint8_t>({kIcmp, kTcp, kUdp, kGre, kIcmpv6, kSctp});
  if (HasPorts(rule->protocol) && Chance(60)) rule->dst_port = Range(style);
  if (HasPorts(rule->protocol) && Chance(style == Style::kMixed ? 15 : 50)) {
    rule->src_port = Range(style);
  }
  if (rule->protocol == kTcp && Chance(style == Style::kMixed ? 15 : 40)) {
    rule->tcp_flags_mask = static_cast<uint8_t>(Below(256));
    rule->tcp_flags_value = static_cast<uint8_t>(Below(256) & rule->tcp_flags_mask);
    if (Chance(50)) rule->tcp_flags_mask = rule->tcp_flags_value;
  }
  if ((rule->protocol == kIcmp || rule->protocol == kIcmpv6) && Chance(60)) {
    if (Chance(90)) rule->icmp_type = Pick<uint8_t>({0, 8, 128, 133, 134, 135, 136});
    if (Chance(30)) rule->icmp_code = 0;
  }
}

void RandomAcl::AddRest(unsigned percent, state::AclRule* rule) {
  if (Chance(percent)) rule->src_mac = MacOf(false);
  if (Chance(percent)) rule->dst_mac = MacOf(true);
  if (Chance(percent)) rule->vlan = Pick<uint16_t>({0, 5, 4094});
  if (Chance(percent / 4)) rule->ether_number = Pick<uint16_t>({0x0800, 0x0806, 0x88b5, 0xffff});
  if (Chance(percent)) rule->fragment = static_cast<state::FragmentMatch>(Below(5));
  if (Chance(percent / 2)) rule->ipv6_extensions = static_cast<uint8_t>(1 + Below(63));
}

}  // namespace outrider::tests
