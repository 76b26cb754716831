#include "tests/bpf/reference_acl.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

namespace outrider::tests {
namespace {

constexpr uint8_t kIcmp = 1;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kGre = 47;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kSctp = 132;
constexpr uint8_t kDestinationOptions = 60;

template <typename T>
T Pick(std::mt19937& random, std::initializer_list<T> choices) {
  return *(choices.begin() + random() % choices.size());
}

bool Chance(std::mt19937& random, unsigned percent) { return random() % 100 < percent; }

bool HasPorts(uint8_t protocol) {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp;
}

bool IsIp(const PacketDescription& p) {
  return p.family == Family::kIpv4 || p.family == Family::kIpv6;
}

bool IsIcmp(const PacketDescription& p) {
  return (p.family == Family::kIpv4 && p.protocol == kIcmp) ||
         (p.family == Family::kIpv6 && p.protocol == kIcmpv6);
}

// One bit after the other.
bool InPrefix(const std::string& address, const uint8_t (&prefix)[16], int length) {
  const auto bytes = Ip(address).bytes();
  for (int bit = 0; bit < length; ++bit) {
    const int mask = 0x80 >> (bit % 8);
    if ((bytes[bit / 8] & mask) != (prefix[bit / 8] & mask)) return false;
  }
  return true;
}

bool FamilyOfPrefix(const PacketDescription& p, const uint8_t (&prefix)[16]) {
  std::array<uint8_t, 16> bytes;
  std::copy_n(prefix, 16, bytes.begin());
  return p.family == (IpAddress(bytes).IsV4() ? Family::kIpv4 : Family::kIpv6);
}

bool EtherMatches(const abi::or_rule& rule, const PacketDescription& p) {
  switch (rule.ether) {
    case abi::OR_ETHER_IPV4:
      return p.family == Family::kIpv4;
    case abi::OR_ETHER_IPV6:
      return p.family == Family::kIpv6;
    case abi::OR_ETHER_ARP:
      return p.family == Family::kArp;
    default:
      return true;
  }
}

bool PortsMatch(const abi::or_rule& rule, const PacketDescription& p) {
  const bool known = IsIp(p) && HasPorts(p.protocol);
  if ((rule.flags & OR_RULE_SRC_PORT) != 0 &&
      !(known && p.src_port >= rule.src_port_first && p.src_port <= rule.src_port_last)) {
    return false;
  }
  return (rule.flags & OR_RULE_DST_PORT) == 0 ||
         (known && p.dst_port >= rule.dst_port_first && p.dst_port <= rule.dst_port_last);
}

bool IcmpMatches(const abi::or_rule& rule, const PacketDescription& p) {
  if ((rule.flags & OR_RULE_ICMP_TYPE) != 0 && !(IsIcmp(p) && p.icmp_type == rule.icmp_type)) {
    return false;
  }
  return (rule.flags & OR_RULE_ICMP_CODE) == 0 || (IsIcmp(p) && p.icmp_code == rule.icmp_code);
}

bool Matches(const abi::or_rule& rule, const PacketDescription& p) {
  const bool drops = rule.action == abi::OR_ACL_DROP;
  if (!EtherMatches(rule, p)) return false;
  if ((rule.flags & OR_RULE_SRC_PREFIX) != 0 &&
      !(FamilyOfPrefix(p, rule.src) && InPrefix(p.src, rule.src, rule.src_length))) {
    return false;
  }
  if ((rule.flags & OR_RULE_DST_PREFIX) != 0 &&
      !(FamilyOfPrefix(p, rule.dst) && InPrefix(p.dst, rule.dst, rule.dst_length))) {
    return false;
  }
  const bool hidden = p.fragment == Fragment::kLater && p.extension;
  if (rule.protocol != 0 && !(IsIp(p) && (hidden ? drops : p.protocol == rule.protocol))) {
    return false;
  }
  if (p.fragment == Fragment::kLater) {
    const int layer4 = OR_RULE_SRC_PORT | OR_RULE_DST_PORT | OR_RULE_ICMP_TYPE | OR_RULE_ICMP_CODE;
    return (rule.flags & layer4) == 0 || drops;
  }
  return PortsMatch(rule, p) && IcmpMatches(rule, p);
}

void RandomPrefix(std::mt19937& random, bool v4, uint8_t (&address)[16], uint8_t* length) {
  const std::string text =
      v4 ? Pick<const char*>(random, {"10.0.0.1", "10.0.1.1", "192.168.0.1"})
         : Pick<const char*>(random, {"fd00::1", "fd00:0:0:1::1", "2001:db8::1"});
  const int bits =
      v4 ? Pick<int>(random, {0, 8, 24, 25, 32}) : Pick<int>(random, {0, 8, 63, 64, 65, 127, 128});
  const IpPrefix prefix = IpPrefix::Create(Ip(text), bits);
  std::copy_n(prefix.address().bytes().begin(), 16, address);
  *length = static_cast<uint8_t>(prefix.mapped_length());
}

uint16_t RandomPort(std::mt19937& random) { return Pick<uint16_t>(random, {22, 79, 80, 81, 443}); }

abi::or_rule RandomRule(std::mt19937& random) {
  abi::or_rule rule = {};
  rule.action = Chance(random, 50) ? abi::OR_ACL_ALLOW : abi::OR_ACL_DROP;
  if (Chance(random, 30)) {
    rule.ether = Pick<uint8_t>(random, {abi::OR_ETHER_IPV4, abi::OR_ETHER_IPV6, abi::OR_ETHER_ARP});
  }
  const bool v4 = Chance(random, 50);
  if (Chance(random, 40)) {
    rule.flags |= OR_RULE_SRC_PREFIX;
    RandomPrefix(random, v4, rule.src, &rule.src_length);
  }
  if (Chance(random, 40)) {
    rule.flags |= OR_RULE_DST_PREFIX;
    RandomPrefix(random, v4, rule.dst, &rule.dst_length);
  }
  if (Chance(random, 60)) {
    rule.protocol = Pick<uint8_t>(random, {kIcmp, kTcp, kUdp, kGre, kIcmpv6, kSctp});
  }
  if (HasPorts(rule.protocol) && Chance(random, 60)) {
    const uint16_t first = RandomPort(random);
    rule.flags |= Chance(random, 50) ? OR_RULE_DST_PORT : OR_RULE_SRC_PORT;
    rule.src_port_first = rule.dst_port_first = first;
    rule.src_port_last = rule.dst_port_last = std::max(first, RandomPort(random));
  }
  if ((rule.protocol == kIcmp || rule.protocol == kIcmpv6) && Chance(random, 60)) {
    rule.flags |= OR_RULE_ICMP_TYPE;
    rule.icmp_type = Pick<uint8_t>(random, {0, 8, 128, 133, 134, 135, 136});
    if (Chance(random, 30)) rule.flags |= OR_RULE_ICMP_CODE;
  }
  return rule;
}

void AddLayer4(const PacketDescription& p, PacketBuilder* builder) {
  if (p.fragment == Fragment::kLater) {
    builder->Payload(64);
    return;
  }
  if (p.protocol == kTcp) builder->Tcp(p.src_port, p.dst_port);
  if (p.protocol == kUdp) builder->Udp(p.src_port, p.dst_port);
  if (p.protocol == kSctp) builder->Sctp(p.src_port, p.dst_port);
  if (p.protocol == kIcmp) builder->Icmp(p.icmp_type, p.icmp_code);
  if (p.protocol == kIcmpv6) builder->Icmpv6(p.icmp_type, p.icmp_code);
  builder->Payload(40);
}

Bytes BuildIpv4(const PacketDescription& p, PacketBuilder builder) {
  Ipv4Fields ip = {.src = p.src, .dst = p.dst};
  ip.protocol = p.protocol;
  ip.more_fragments = p.fragment == Fragment::kFirst;
  ip.fragment_offset = p.fragment == Fragment::kLater ? 100 : 0;
  builder.Ipv4(ip);
  AddLayer4(p, &builder);
  return builder.Build();
}

Bytes BuildIpv6(const PacketDescription& p, PacketBuilder builder) {
  Ipv6Fields ip = {.src = p.src, .dst = p.dst, .hop_limit = p.hop_limit};
  const bool fragmented = p.fragment != Fragment::kWhole;
  if (!fragmented && !p.extension) ip.next_header = p.protocol;
  builder.Ipv6(ip);
  if (p.extension && !fragmented) builder.Extension(kDestinationOptions);
  if (fragmented) {
    Fragment6Fields fragment;
    fragment.offset = p.fragment == Fragment::kLater ? 100 : 0;
    fragment.more = p.fragment == Fragment::kFirst;
    fragment.next_header = p.extension ? kDestinationOptions : p.protocol;
    builder.Fragment6(fragment);
    if (p.extension && p.fragment == Fragment::kFirst) builder.Extension(kDestinationOptions);
  }
  AddLayer4(p, &builder);
  return builder.Build();
}

}  // namespace

PacketDescription RandomPacket(std::mt19937& random) {
  PacketDescription p;
  p.family =
      Pick(random, {Family::kIpv4, Family::kIpv4, Family::kIpv4, Family::kIpv6, Family::kIpv6,
                    Family::kIpv6, Family::kArp, Family::kRarp, Family::kOther});
  if (!IsIp(p)) return p;
  const bool v4 = p.family == Family::kIpv4;
  auto address = [&] {
    return std::string(
        v4 ? Pick<const char*>(random, {"10.0.0.1", "10.0.0.200", "10.0.1.1", "192.168.0.1"})
           : Pick<const char*>(random, {"fd00::1", "fd00::2", "fd00:0:0:1::1", "2001:db8::1"}));
  };
  p.src = address();
  p.dst = address();
  p.protocol = v4 ? Pick<uint8_t>(random, {kIcmp, kTcp, kUdp, kSctp})
                  : Pick<uint8_t>(random, {kIcmpv6, kTcp, kUdp, kSctp});
  p.fragment =
      Pick(random, {Fragment::kWhole, Fragment::kWhole, Fragment::kFirst, Fragment::kLater});
  p.src_port = RandomPort(random);
  p.dst_port = RandomPort(random);
  p.icmp_type =
      v4 ? Pick<uint8_t>(random, {0, 8}) : Pick<uint8_t>(random, {128, 133, 134, 135, 136, 137});
  p.icmp_code = Pick<uint8_t>(random, {0, 1});
  if (!v4) p.hop_limit = Pick<uint8_t>(random, {64, 255, 255});
  p.extension = !v4 && Chance(random, 30);
  return p;
}

RuleSetDescription RandomRuleSet(std::mt19937& random) {
  RuleSetDescription set;
  set.default_action = Chance(random, 50) ? abi::OR_ACL_ALLOW : abi::OR_ACL_DROP;
  const size_t sizes[] = {0, 1, 3, 8, 20, OR_MAX_RULES};
  set.rules.resize(sizes[random() % std::size(sizes)]);
  for (abi::or_rule& rule : set.rules) rule = RandomRule(random);
  return set;
}

Bytes Build(const PacketDescription& p, const std::string& dst_mac, const std::string& src_mac) {
  PacketBuilder builder(dst_mac, src_mac);
  switch (p.family) {
    case Family::kIpv4:
      return BuildIpv4(p, builder);
    case Family::kIpv6:
      return BuildIpv6(p, builder);
    case Family::kArp:
      return builder.Arp({.operation = 2, .sender_mac = Mac(src_mac), .target_mac = Mac(dst_mac)})
          .Build();
    case Family::kRarp:
      return builder.EtherType(0x8035)
          .Arp({.operation = 3, .sender_mac = Mac(src_mac), .target_mac = Mac(src_mac)})
          .Payload(18)
          .Build();
    case Family::kOther:
      break;
  }
  return builder.EtherType(0x88b5).Payload(46).Build();
}

bool ReferenceAllows(const RuleSetDescription& set, const PacketDescription& p,
                     Direction /*direction*/) {
  if (p.family == Family::kRarp) return true;
  const bool discovery = p.family == Family::kIpv6 && p.protocol == kIcmpv6 &&
                         p.fragment == Fragment::kWhole && p.hop_limit == 255 && p.icmp_code == 0 &&
                         p.icmp_type >= 133 && p.icmp_type <= 136;
  const bool exempt = p.family == Family::kArp || discovery;
  for (const abi::or_rule& rule : set.rules) {
    if (!Matches(rule, p)) continue;
    if (rule.action == abi::OR_ACL_ALLOW) return true;
    const bool names_it = rule.ether == abi::OR_ETHER_ARP || rule.protocol == kIcmpv6;
    if (!exempt || names_it) return false;
  }
  return exempt || set.default_action == abi::OR_ACL_ALLOW;
}

std::string ToString(const PacketDescription& p) {
  return fmt::format("family {} {} > {} proto {} fragment {} ports {} > {} icmp {}/{} extension {}",
                     static_cast<int>(p.family), p.src, p.dst, p.protocol,
                     static_cast<int>(p.fragment), p.src_port, p.dst_port, p.icmp_type, p.icmp_code,
                     p.extension);
}

std::string ToString(const RuleSetDescription& set) {
  std::string text;
  for (const abi::or_rule& r : set.rules) {
    std::array<uint8_t, 16> src;
    std::array<uint8_t, 16> dst;
    std::copy_n(r.src, 16, src.begin());
    std::copy_n(r.dst, 16, dst.begin());
    text += fmt::format("{} ether {} {}/{} > {}/{} proto {} ports {}-{} icmp {}/{} flags {:#x}\n",
                        r.action == abi::OR_ACL_ALLOW ? "allow" : "drop", r.ether,
                        IpAddress(src).ToString(), r.src_length, IpAddress(dst).ToString(),
                        r.dst_length, r.protocol, r.dst_port_first, r.dst_port_last, r.icmp_type,
                        r.icmp_code, r.flags);
  }
  return text + fmt::format("default {}", static_cast<int>(set.default_action));
}

}  // namespace outrider::tests
