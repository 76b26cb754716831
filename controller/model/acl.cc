#include "controller/model/acl.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>

#include "controller/model/groups.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/tcp_flags.h"

namespace outrider::controller {
namespace {

// The ether type that what the rule matches on implies. Groups imply none: they may hold both
// families.
v1::AclMatch::EtherType ImpliedEtherType(const v1::AclMatch& match, uint32_t protocol) {
  if (match.ether_type() != v1::AclMatch::ETHER_TYPE_ANY) return match.ether_type();
  if (protocol == IPPROTO_ICMP) return v1::AclMatch::ETHER_TYPE_IPV4;
  if (protocol == IPPROTO_ICMPV6) return v1::AclMatch::ETHER_TYPE_IPV6;
  if (!match.ipv6_extensions().empty()) return v1::AclMatch::ETHER_TYPE_IPV6;
  for (const std::string* text : {&match.src_prefix(), &match.dst_prefix()}) {
    const auto prefix = ParsePrefix(*text);
    if (!prefix) continue;
    return prefix->family == 4 ? v1::AclMatch::ETHER_TYPE_IPV4 : v1::AclMatch::ETHER_TYPE_IPV6;
  }
  return v1::AclMatch::ETHER_TYPE_ANY;
}

void CompileLayer2(const v1::AclMatch& match, v1::CompiledRule* compiled) {
  compiled->set_src_mac(match.src_mac());
  compiled->set_dst_mac(match.dst_mac());
  compiled->set_ether_number(match.ether_number());
  if (match.has_vlan()) compiled->set_vlan(match.vlan());
}

void CompileLayer3(const v1::AclMatch& match, v1::CompiledRule* compiled) {
  compiled->set_src_prefix(match.src_prefix());
  compiled->set_dst_prefix(match.dst_prefix());
  compiled->set_src_group(SrcGroupKey(match));
  compiled->set_dst_group(DstGroupKey(match));
  compiled->set_fragment(match.fragment());
  uint32_t extensions = 0;
  for (const int extension : match.ipv6_extensions()) extensions |= 1U << (extension - 1);
  compiled->set_ipv6_extensions(extensions);
}

void CompileLayer4(const v1::AclMatch& match, v1::CompiledRule* compiled) {
  if (match.has_src_port()) *compiled->mutable_src_port() = match.src_port();
  if (match.has_dst_port()) *compiled->mutable_dst_port() = match.dst_port();
  if (match.has_icmp_type()) compiled->set_icmp_type(match.icmp_type());
  if (match.has_icmp_code()) compiled->set_icmp_code(match.icmp_code());
  const TcpFlags flags = ParseTcpFlags(match.tcp_flags()).value_or(TcpFlags());
  compiled->set_tcp_flags_mask(flags.mask);
  compiled->set_tcp_flags_value(flags.value);
}

// Copies what hosts need; priority and comment have done their work by then.
v1::CompiledRule CompileRule(const v1::AclRule& rule, uint32_t number) {
  const v1::AclMatch& match = rule.match();
  v1::CompiledRule compiled;
  compiled.set_number(number);
  compiled.set_action(rule.action());
  compiled.set_protocol(ProtocolNumber(match.protocol()).value_or(0));
  compiled.set_ether_type(ImpliedEtherType(match, compiled.protocol()));
  CompileLayer2(match, &compiled);
  CompileLayer3(match, &compiled);
  CompileLayer4(match, &compiled);
  if (rule.has_log()) {
    const uint32_t rate = rule.log().rate_per_s();
    compiled.set_log_rate(rate == 0 ? kDefaultLogRate : rate);
  }
  return compiled;
}

// Who decides among rules of one priority: lower goes first.
int Severity(v1::AclAction action) {
  if (action == v1::ACL_ACTION_DROP) return 0;
  return action == v1::ACL_ACTION_REJECT ? 1 : 2;
}

bool IsStateful(const AclRules& rules) {
  return std::any_of(rules.begin(), rules.end(), [](const v1::AclRule& rule) {
    return rule.action() == v1::ACL_ACTION_ALLOW_RELATED;
  });
}

}  // namespace

std::optional<uint32_t> ProtocolNumber(const std::string& protocol) {
  // Never freed: users may outlive static destruction order.
  static const std::map<std::string, uint32_t>* const kNames =
      new std::map<std::string, uint32_t>{{"", 0},
                                          {"tcp", IPPROTO_TCP},
                                          {"udp", IPPROTO_UDP},
                                          {"icmp", IPPROTO_ICMP},
                                          {"icmpv6", IPPROTO_ICMPV6},
                                          {"sctp", IPPROTO_SCTP}};
  if (const auto named = kNames->find(protocol); named != kNames->end()) return named->second;
  uint32_t number = 0;
  const char* const end = protocol.data() + protocol.size();
  const auto parsed = std::from_chars(protocol.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || number < 1 || number > 255) {
    return std::nullopt;
  }
  return number;
}

bool HasPorts(uint32_t protocol) {
  return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP;
}

bool IsAnyIcmp(uint32_t protocol) { return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6; }

v1::AclAction DefaultAction(const v1::AclSection& section) {
  if (section.default_action() != v1::ACL_ACTION_UNSPECIFIED) return section.default_action();
  return section.ingress().empty() && section.egress().empty() ? v1::ACL_ACTION_ALLOW
                                                               : v1::ACL_ACTION_DROP;
}

uint32_t MaxConnections(const v1::AclSection& section) {
  if (!IsStateful(section.ingress()) && !IsStateful(section.egress())) return 0;
  return section.max_connections() == 0 ? kDefaultMaxConnections : section.max_connections();
}

std::vector<v1::CompiledRule> CompileRules(const AclRules& rules) {
  std::vector<uint32_t> order(rules.size());
  std::iota(order.begin(), order.end(), 0);
  const auto before = [&](uint32_t a, uint32_t b) {
    const v1::AclRule& first = rules[static_cast<int>(a)];
    const v1::AclRule& second = rules[static_cast<int>(b)];
    if (first.priority() != second.priority()) return first.priority() > second.priority();
    return Severity(first.action()) < Severity(second.action());
  };
  std::stable_sort(order.begin(), order.end(), before);
  std::vector<v1::CompiledRule> compiled;
  compiled.reserve(order.size());
  for (const uint32_t i : order) {
    compiled.push_back(CompileRule(rules[static_cast<int>(i)], i + 1));
  }
  return compiled;
}

}  // namespace outrider::controller
