#include "vswitch/datapath/ebpf/acl/rule_text.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include "vswitch/state/acl_words.h"

namespace outrider::datapath::ebpf {
namespace {

std::string EtherText(const state::AclRule& rule) {
  switch (rule.ether) {
    case state::EtherMatch::kIpv4:
      return "ipv4";
    case state::EtherMatch::kIpv6:
      return "ipv6";
    case state::EtherMatch::kArp:
      return "arp";
    case state::EtherMatch::kAny:
      break;
  }
  return rule.ether_number != 0 ? fmt::format("ethertype {:#06x}", rule.ether_number) : "";
}

const char* FragmentText(state::FragmentMatch fragment) {
  switch (fragment) {
    case state::FragmentMatch::kNone:
      return "whole packets";
    case state::FragmentMatch::kSome:
      return "fragments";
    case state::FragmentMatch::kFirst:
      return "first fragments";
    case state::FragmentMatch::kLater:
      return "later fragments";
    case state::FragmentMatch::kAny:
      break;
  }
  return "";
}

std::string PortText(const std::optional<state::PortRange>& range) {
  if (!range) return "";
  if (range->first == range->last) return fmt::format("port {}", range->first);
  return fmt::format("port {}-{}", range->first, range->last);
}

struct Side {
  const char* word;
  const std::optional<MacAddress>& mac;
  const std::optional<IpPrefix>& prefix;
  const std::string& group;
  const std::optional<state::PortRange>& ports;
};

// "from 10.0.0.0/8 port 22"; empty when the rule says nothing of this side.
std::string SideText(const Side& side) {
  std::string text;
  if (side.mac) text += " " + side.mac->ToString();
  if (side.prefix) text += " " + side.prefix->ToString();
  if (!side.group.empty()) text += " group " + side.group;
  if (side.ports) text += " " + PortText(side.ports);
  return text.empty() ? "" : side.word + text;
}

std::string IcmpText(const state::AclRule& rule) {
  if (!rule.icmp_type) return "";
  if (!rule.icmp_code) return fmt::format("type {}", *rule.icmp_type);
  return fmt::format("type {} code {}", *rule.icmp_type, *rule.icmp_code);
}

}  // namespace

std::string ProtocolText(uint8_t protocol) {
  switch (protocol) {
    case IPPROTO_TCP:
      return "tcp";
    case IPPROTO_UDP:
      return "udp";
    case IPPROTO_ICMP:
      return "icmp";
    case IPPROTO_ICMPV6:
      return "icmpv6";
    case IPPROTO_SCTP:
      return "sctp";
    default:
      return fmt::format("protocol {}", protocol);
  }
}

std::string TcpFlagsText(uint8_t flags) {
  constexpr const char* kNames[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  std::string text;
  for (int bit = 0; bit < 8; ++bit) {
    if ((flags >> bit & 1) != 0) text += (text.empty() ? "" : ",") + std::string(kNames[bit]);
  }
  return text.empty() ? "none" : text;
}

std::string RuleText(const state::AclRule& rule) {
  std::string text = state::WordOf(rule.action);
  const auto add = [&text](const std::string& words) {
    if (!words.empty()) text += " " + words;
  };
  add(EtherText(rule));
  if (rule.protocol != 0) add(ProtocolText(rule.protocol));
  if (rule.vlan) add(*rule.vlan == 0 ? "untagged" : fmt::format("VLAN {}", *rule.vlan));
  add(SideText({"from", rule.src_mac, rule.src, rule.src_group, rule.src_port}));
  add(SideText({"to", rule.dst_mac, rule.dst, rule.dst_group, rule.dst_port}));
  add(IcmpText(rule));
  if (rule.tcp_flags_mask != 0) {
    add(fmt::format("flags {} of {}", TcpFlagsText(rule.tcp_flags_value),
                    TcpFlagsText(rule.tcp_flags_mask)));
  }
  add(FragmentText(rule.fragment));
  if (rule.ipv6_extensions != 0) add("with extension headers");
  return text;
}

}  // namespace outrider::datapath::ebpf
