#include "tests/bpf/described_packet.h"

#include <fmt/format.h>

#include <algorithm>

#include "vswitch/abi/or_acl.h"

namespace outrider::tests {
namespace {

constexpr uint8_t kIcmp = 1;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kSctp = 132;
constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kDestinationOptions = 60;

void AddLayer4(const PacketDescription& p, PacketBuilder* builder) {
  if (p.fragment == Fragment::kLater) {
    builder->Payload(64);
    return;
  }
  if (p.protocol == kTcp) builder->Tcp(p.src_port, p.dst_port, p.tcp_flags);
  if (p.protocol == kUdp) builder->Udp(p.src_port, p.dst_port);
  if (p.protocol == kSctp) builder->Sctp(p.src_port, p.dst_port);
  if (p.protocol == kIcmp) builder->Icmp(p.icmp_type, p.icmp_code);
  if (p.protocol == kIcmpv6) builder->Icmpv6(p.icmp_type, p.icmp_code);
  builder->Payload(40);
}

Bytes BuildIpv4(const PacketDescription& p, PacketBuilder builder) {
  Ipv4Fields ip = {.src = p.src.ToString(), .dst = p.dst.ToString()};
  ip.protocol = p.protocol;
  ip.more_fragments = p.fragment == Fragment::kFirst;
  ip.fragment_offset = p.fragment == Fragment::kLater ? 100 : 0;
  builder.Ipv4(ip);
  AddLayer4(p, &builder);
  return builder.Build();
}

Bytes BuildIpv6(const PacketDescription& p, PacketBuilder builder) {
  Ipv6Fields ip = {.src = p.src.ToString(), .dst = p.dst.ToString(), .hop_limit = p.hop_limit};
  const bool fragmented = p.fragment != Fragment::kWhole;
  if (!fragmented && !p.destination_options && p.extensions == 0) ip.next_header = p.protocol;
  builder.Ipv6(ip);
  if (p.extensions & kHopByHopBit) builder.Extension(kHopByHop);
  if (p.extensions & kRoutingBit) builder.Extension(kRouting);
  if (p.destination_options && !fragmented) builder.Extension(kDestinationOptions);
  if (fragmented) {
    Fragment6Fields fragment;
    fragment.offset = p.fragment == Fragment::kLater ? 100 : 0;
    fragment.more = p.fragment == Fragment::kFirst;
    fragment.next_header = p.destination_options ? kDestinationOptions : p.protocol;
    builder.Fragment6(fragment);
    if (p.destination_options && p.fragment == Fragment::kFirst) {
      builder.Extension(kDestinationOptions);
    }
  }
  AddLayer4(p, &builder);
  return builder.Build();
}

bool IsIcmp(const PacketDescription& p) {
  return (p.family == Family::kIpv4 && p.protocol == kIcmp) ||
         (p.family == Family::kIpv6 && p.protocol == kIcmpv6);
}

uint8_t EtherMatchOf(Family family) {
  switch (family) {
    case Family::kIpv4:
      return abi::OR_ETHER_IPV4;
    case Family::kIpv6:
      return abi::OR_ETHER_IPV6;
    case Family::kArp:
      return abi::OR_ETHER_ARP;
    default:
      return abi::OR_ETHER_ANY;
  }
}

or_u16 PropertiesOf(const PacketDescription& p) {
  const bool has_ports = p.protocol == kTcp || p.protocol == kUdp || p.protocol == kSctp;
  unsigned properties = 0;
  if (!IsIp(p)) return 0;
  properties |= ACL_CASE_IP;
  if (p.fragment != Fragment::kWhole) properties |= ACL_CASE_FRAGMENT;
  if (p.fragment == Fragment::kLater) {
    properties |= ACL_CASE_LATER | (HidesProtocol(p) ? ACL_CASE_HIDDEN : 0u);
  } else if (has_ports) {
    properties |= ACL_CASE_PORTS;
  } else if (IsIcmp(p)) {
    properties |= ACL_CASE_ICMP;
  }
  if (IsDiscovery(p)) properties |= p.icmp_type == 134 ? ACL_CASE_RA : ACL_CASE_ND;
  return static_cast<or_u16>(properties);
}

}  // namespace

bool IsIp(const PacketDescription& p) {
  return p.family == Family::kIpv4 || p.family == Family::kIpv6;
}

uint16_t EtherType(const PacketDescription& p) {
  switch (p.family) {
    case Family::kIpv4:
      return 0x0800;
    case Family::kIpv6:
      return 0x86dd;
    case Family::kArp:
      return 0x0806;
    case Family::kRarp:
      return 0x8035;
    case Family::kOther:
      break;
  }
  return p.other_type;
}

uint8_t SeenExtensions(const PacketDescription& p) {
  if (p.family != Family::kIpv6) return 0;
  unsigned seen = p.extensions;
  if (p.fragment != Fragment::kWhole) seen |= kFragmentBit;
  if (p.destination_options && p.fragment != Fragment::kLater) seen |= kDestinationBit;
  return static_cast<uint8_t>(seen);
}

bool HidesProtocol(const PacketDescription& p) {
  return p.family == Family::kIpv6 && p.fragment == Fragment::kLater && p.destination_options;
}

bool IsDiscovery(const PacketDescription& p) {
  return p.family == Family::kIpv6 && p.protocol == kIcmpv6 && p.fragment == Fragment::kWhole &&
         p.hop_limit == 255 && p.icmp_code == 0 && p.icmp_type >= 133 && p.icmp_type <= 136;
}

Bytes Build(const PacketDescription& p) {
  const std::string src_mac = p.src_mac.ToString();
  const std::string dst_mac = p.dst_mac.ToString();
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
  return builder.EtherType(p.other_type).Payload(46).Build();
}

acl_case ToCase(const PacketDescription& p) {
  acl_case c = {};
  std::copy_n(p.src.bytes().begin(), 16, c.src);
  std::copy_n(p.dst.bytes().begin(), 16, c.dst);
  std::copy_n(p.dst_mac.bytes().begin(), 6, c.eth_dst);
  std::copy_n(p.src_mac.bytes().begin(), 6, c.eth_src);
  c.ether_type = EtherType(p);
  c.vlan = p.vlan;
  c.properties = PropertiesOf(p);
  c.ether = EtherMatchOf(p.family);
  c.extensions = SeenExtensions(p);
  if (!IsIp(p)) return c;
  c.protocol = HidesProtocol(p) ? kDestinationOptions : p.protocol;
  if (c.properties & ACL_CASE_PORTS) {
    c.src_port = p.src_port;
    c.dst_port = p.dst_port;
    c.tcp_flags = p.protocol == kTcp ? p.tcp_flags : 0;
  }
  if (c.properties & ACL_CASE_ICMP) {
    c.icmp_type = p.icmp_type;
    c.icmp_code = p.icmp_code;
  }
  return c;
}

std::string ToString(const PacketDescription& p) {
  return fmt::format(
      "type {:#06x} vlan {} {} > {}, {} > {} proto {} fragment {} ports {} > {} flags {:#04x} icmp "
      "{}/{} hops {} extensions {:#x}{}",
      EtherType(p), p.vlan, p.src_mac.ToString(), p.dst_mac.ToString(), p.src.ToString(),
      p.dst.ToString(), p.protocol, static_cast<int>(p.fragment), p.src_port, p.dst_port,
      p.tcp_flags, p.icmp_type, p.icmp_code, p.hop_limit, p.extensions,
      p.destination_options ? " and destination options" : "");
}

}  // namespace outrider::tests
