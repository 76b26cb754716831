// Rule sets and the groups they name.
#include <fmt/format.h>

#include "proto/digest.h"
#include "vswitch/convert/from_proto_objects.h"

namespace outrider::convert {
namespace {

absl::StatusOr<uint8_t> ToByte(uint32_t value, const std::string& field) {
  if (value > 255)
    return absl::InvalidArgumentError(fmt::format("{}: {} exceeds 255", field, value));
  return static_cast<uint8_t>(value);
}

absl::StatusOr<state::AclAction> ToAction(v1::AclAction action, const std::string& field) {
  switch (action) {
    case v1::ACL_ACTION_ALLOW:
      return state::AclAction::kAllow;
    case v1::ACL_ACTION_DROP:
      return state::AclAction::kDrop;
    case v1::ACL_ACTION_ALLOW_RELATED:
      return state::AclAction::kAllowRelated;
    case v1::ACL_ACTION_REJECT:
      return state::AclAction::kReject;
    default:
      return absl::InvalidArgumentError(
          fmt::format("{}: {} is none of allow, allow-related, drop and reject", field,
                      static_cast<int>(action)));
  }
}

absl::StatusOr<state::EtherMatch> ToEtherMatch(v1::AclMatch::EtherType type) {
  switch (type) {
    case v1::AclMatch::ETHER_TYPE_ANY:
      return state::EtherMatch::kAny;
    case v1::AclMatch::ETHER_TYPE_IPV4:
      return state::EtherMatch::kIpv4;
    case v1::AclMatch::ETHER_TYPE_IPV6:
      return state::EtherMatch::kIpv6;
    case v1::AclMatch::ETHER_TYPE_ARP:
      return state::EtherMatch::kArp;
    default:
      return absl::InvalidArgumentError(
          fmt::format("ether_type: {} is not known", static_cast<int>(type)));
  }
}

absl::StatusOr<std::optional<IpPrefix>> ToPrefix(const std::string& text, const char* field) {
  if (text.empty()) return std::optional<IpPrefix>();
  auto prefix = IpPrefix::Parse(text);
  if (!prefix.ok()) return Annotate(prefix.status(), field);
  return std::optional<IpPrefix>(*prefix);
}

absl::StatusOr<state::PortRange> ToRange(const v1::PortRange& message, const char* field) {
  RETURN_IF_ERROR(CheckKnown(message, field));
  if (message.last() > 65535 || message.first() > message.last()) {
    return absl::InvalidArgumentError(fmt::format("{}: port range {}-{} is empty or exceeds 65535",
                                                  field, message.first(), message.last()));
  }
  return state::PortRange{static_cast<uint16_t>(message.first()),
                          static_cast<uint16_t>(message.last())};
}

absl::StatusOr<std::optional<MacAddress>> ToMac(const std::string& text, const char* field) {
  if (text.empty()) return std::optional<MacAddress>();
  auto mac = MacAddress::Parse(text);
  if (!mac.ok()) return Annotate(mac.status(), field);
  return std::optional<MacAddress>(*mac);
}

absl::StatusOr<uint16_t> ToShort(uint32_t value, const std::string& field) {
  if (value > 65535)
    return absl::InvalidArgumentError(fmt::format("{}: {} exceeds 65535", field, value));
  return static_cast<uint16_t>(value);
}

absl::StatusOr<state::FragmentMatch> ToFragment(v1::AclMatch::Fragment fragment) {
  switch (fragment) {
    case v1::AclMatch::FRAGMENT_ANY:
      return state::FragmentMatch::kAny;
    case v1::AclMatch::FRAGMENT_NONE:
      return state::FragmentMatch::kNone;
    case v1::AclMatch::FRAGMENT_SOME:
      return state::FragmentMatch::kSome;
    case v1::AclMatch::FRAGMENT_FIRST:
      return state::FragmentMatch::kFirst;
    case v1::AclMatch::FRAGMENT_LATER:
      return state::FragmentMatch::kLater;
    default:
      return absl::InvalidArgumentError(
          fmt::format("fragment: {} is not known", static_cast<int>(fragment)));
  }
}

absl::Status ReadLayer2(const v1::CompiledRule& message, state::AclRule* rule) {
  ASSIGN_OR_RETURN(rule->src_mac, ToMac(message.src_mac(), "src_mac"));
  ASSIGN_OR_RETURN(rule->dst_mac, ToMac(message.dst_mac(), "dst_mac"));
  ASSIGN_OR_RETURN(rule->ether_number, ToShort(message.ether_number(), "ether_number"));
  if (message.has_vlan()) {
    ASSIGN_OR_RETURN(rule->vlan, ToShort(message.vlan(), "vlan"));
  }
  return absl::OkStatus();
}

absl::Status ReadLayer4(const v1::CompiledRule& message, state::AclRule* rule) {
  ASSIGN_OR_RETURN(rule->tcp_flags_mask, ToByte(message.tcp_flags_mask(), "tcp_flags_mask"));
  ASSIGN_OR_RETURN(rule->tcp_flags_value, ToByte(message.tcp_flags_value(), "tcp_flags_value"));
  ASSIGN_OR_RETURN(rule->fragment, ToFragment(message.fragment()));
  ASSIGN_OR_RETURN(rule->ipv6_extensions, ToByte(message.ipv6_extensions(), "ipv6_extensions"));
  return absl::OkStatus();
}

absl::StatusOr<state::AclRule> ToRule(const v1::CompiledRule& message) {
  RETURN_IF_ERROR(CheckKnown(message, "rule"));
  state::AclRule rule;
  ASSIGN_OR_RETURN(rule.ether, ToEtherMatch(message.ether_type()));
  ASSIGN_OR_RETURN(rule.src, ToPrefix(message.src_prefix(), "src_prefix"));
  ASSIGN_OR_RETURN(rule.dst, ToPrefix(message.dst_prefix(), "dst_prefix"));
  ASSIGN_OR_RETURN(rule.protocol, ToByte(message.protocol(), "protocol"));
  if (message.has_src_port()) {
    ASSIGN_OR_RETURN(rule.src_port, ToRange(message.src_port(), "src_port"));
  }
  if (message.has_dst_port()) {
    ASSIGN_OR_RETURN(rule.dst_port, ToRange(message.dst_port(), "dst_port"));
  }
  if (message.has_icmp_type()) {
    ASSIGN_OR_RETURN(rule.icmp_type, ToByte(message.icmp_type(), "icmp_type"));
  }
  if (message.has_icmp_code()) {
    ASSIGN_OR_RETURN(rule.icmp_code, ToByte(message.icmp_code(), "icmp_code"));
  }
  ASSIGN_OR_RETURN(rule.action, ToAction(message.action(), "action"));
  RETURN_IF_ERROR(ReadLayer2(message, &rule));
  RETURN_IF_ERROR(ReadLayer4(message, &rule));
  rule.src_group = message.src_group();
  rule.dst_group = message.dst_group();
  rule.log_rate = message.log_rate();
  rule.number = message.number();
  return rule;
}

}  // namespace

absl::StatusOr<state::RuleSet> ToRuleSet(const v1::RuleSet& message) {
  RETURN_IF_ERROR(CheckKnown(message, "rule set"));
  state::RuleSet set;
  for (int i = 0; i < message.rules_size(); ++i) {
    auto rule = ToRule(message.rules(i));
    if (!rule.ok()) return Annotate(rule.status(), fmt::format("rule {}", i));
    set.rules.push_back(*rule);
  }
  ASSIGN_OR_RETURN(set.default_action, ToAction(message.default_action(), "default_action"));
  // Ports are held to digests: content under another's name would be in force unnoticed.
  if (const std::string digest = v1::RuleSetDigest(message); digest != message.digest()) {
    return absl::InvalidArgumentError("digest: is not that of the content, which is " + digest);
  }
  return set;
}

absl::StatusOr<state::GroupMember> ToGroupMember(const v1::GroupMember& message) {
  RETURN_IF_ERROR(CheckKnown(message, "group member"));
  state::GroupMember member{.group = message.group(), .prefix = {}};
  auto prefix = IpPrefix::Parse(message.prefix());
  if (!prefix.ok()) return Annotate(prefix.status(), "prefix");
  member.prefix = *prefix;
  return member;
}

}  // namespace outrider::convert
