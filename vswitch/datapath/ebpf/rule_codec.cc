#include "vswitch/datapath/ebpf/rule_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "vswitch/datapath/ebpf/inventory.h"

namespace outrider::datapath::ebpf {
namespace {

static_assert(OR_MAX_RULES >= state::kMaxRules);

uint8_t EncodeAction(state::AclAction action) {
  switch (action) {
    case state::AclAction::kAllow:
      return abi::OR_ACL_ALLOW;
    case state::AclAction::kAllowRelated:
      return abi::OR_ACL_ALLOW_RELATED;
    case state::AclAction::kDrop:
      break;
  }
  return abi::OR_ACL_DROP;
}

state::AclAction DecodeAction(uint32_t action) {
  switch (action) {
    case abi::OR_ACL_ALLOW:
      return state::AclAction::kAllow;
    case abi::OR_ACL_ALLOW_RELATED:
      return state::AclAction::kAllowRelated;
    default:
      return state::AclAction::kDrop;
  }
}

uint8_t EncodeEther(state::EtherMatch ether) {
  switch (ether) {
    case state::EtherMatch::kAny:
      return abi::OR_ETHER_ANY;
    case state::EtherMatch::kIpv4:
      return abi::OR_ETHER_IPV4;
    case state::EtherMatch::kIpv6:
      return abi::OR_ETHER_IPV6;
    case state::EtherMatch::kArp:
      return abi::OR_ETHER_ARP;
  }
  return abi::OR_ETHER_ANY;
}

state::EtherMatch DecodeEther(uint8_t ether) {
  switch (ether) {
    case abi::OR_ETHER_IPV4:
      return state::EtherMatch::kIpv4;
    case abi::OR_ETHER_IPV6:
      return state::EtherMatch::kIpv6;
    case abi::OR_ETHER_ARP:
      return state::EtherMatch::kArp;
    default:
      return state::EtherMatch::kAny;
  }
}

void EncodePrefix(const std::optional<IpPrefix>& prefix, uint8_t flag, uint8_t (&address)[16],
                  uint8_t* length, uint8_t* flags) {
  if (!prefix) return;
  CopyBytes(prefix->address().bytes(), address);
  *length = static_cast<uint8_t>(prefix->mapped_length());
  *flags |= flag;
}

std::optional<IpPrefix> DecodePrefix(const abi::or_rule& rule, uint8_t flag,
                                     const uint8_t (&address)[16], uint8_t length) {
  if ((rule.flags & flag) == 0) return std::nullopt;
  const IpAddress ip(ToArray(address));
  return IpPrefix::Create(ip, ip.IsV4() ? length - 96 : length);
}

void EncodePorts(const std::optional<state::PortRange>& range, uint8_t flag, uint16_t* first,
                 uint16_t* last, uint8_t* flags) {
  if (!range) return;
  *first = range->first;
  *last = range->last;
  *flags |= flag;
}

abi::or_rule EncodeRule(const state::AclRule& rule) {
  abi::or_rule row{};
  EncodePrefix(rule.src, OR_RULE_SRC_PREFIX, row.src, &row.src_length, &row.flags);
  EncodePrefix(rule.dst, OR_RULE_DST_PREFIX, row.dst, &row.dst_length, &row.flags);
  EncodePorts(rule.src_port, OR_RULE_SRC_PORT, &row.src_port_first, &row.src_port_last, &row.flags);
  EncodePorts(rule.dst_port, OR_RULE_DST_PORT, &row.dst_port_first, &row.dst_port_last, &row.flags);
  row.ether = EncodeEther(rule.ether);
  row.protocol = rule.protocol;
  row.icmp_type = rule.icmp_type.value_or(0);
  row.icmp_code = rule.icmp_code.value_or(0);
  if (rule.icmp_type) row.flags |= OR_RULE_ICMP_TYPE;
  if (rule.icmp_code) row.flags |= OR_RULE_ICMP_CODE;
  row.action = EncodeAction(rule.action);
  return row;
}

state::AclRule DecodeRule(const abi::or_rule& row) {
  state::AclRule rule;
  rule.ether = DecodeEther(row.ether);
  rule.src = DecodePrefix(row, OR_RULE_SRC_PREFIX, row.src, row.src_length);
  rule.dst = DecodePrefix(row, OR_RULE_DST_PREFIX, row.dst, row.dst_length);
  rule.protocol = row.protocol;
  if (row.flags & OR_RULE_SRC_PORT) rule.src_port = {row.src_port_first, row.src_port_last};
  if (row.flags & OR_RULE_DST_PORT) rule.dst_port = {row.dst_port_first, row.dst_port_last};
  if (row.flags & OR_RULE_ICMP_TYPE) rule.icmp_type = row.icmp_type;
  if (row.flags & OR_RULE_ICMP_CODE) rule.icmp_code = row.icmp_code;
  rule.action = DecodeAction(row.action);
  return rule;
}

}  // namespace

absl::StatusOr<abi::or_rule_set> EncodeRuleSet(const Digest& digest, const state::RuleSet& set) {
  if (set.rules.size() > OR_MAX_RULES) {
    return absl::ResourceExhaustedError(
        fmt::format("rule set {}: {} rules, at most {} fit; split or shorten the profile's list",
                    digest.ToString(), set.rules.size(), OR_MAX_RULES));
  }
  abi::or_rule_set row{};
  CopyBytes(digest.bytes(), row.digest);
  row.count = static_cast<uint32_t>(set.rules.size());
  row.default_action = EncodeAction(set.default_action);
  std::transform(set.rules.begin(), set.rules.end(), row.rules, EncodeRule);
  return row;
}

state::RuleSet DecodeRuleSet(const abi::or_rule_set& row) {
  state::RuleSet set;
  set.default_action = DecodeAction(row.default_action);
  const uint32_t count = std::min<uint32_t>(row.count, OR_MAX_RULES);
  std::transform(row.rules, row.rules + count, std::back_inserter(set.rules), DecodeRule);
  return set;
}

}  // namespace outrider::datapath::ebpf
