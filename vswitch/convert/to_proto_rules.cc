// Rule sets and the groups they name.
#include "vswitch/convert/to_proto.h"

namespace outrider::convert {
namespace {

v1::AclAction ActionOf(state::AclAction action) {
  switch (action) {
    case state::AclAction::kAllow:
      return v1::ACL_ACTION_ALLOW;
    case state::AclAction::kAllowRelated:
      return v1::ACL_ACTION_ALLOW_RELATED;
    case state::AclAction::kReject:
      return v1::ACL_ACTION_REJECT;
    case state::AclAction::kDrop:
      break;
  }
  return v1::ACL_ACTION_DROP;
}

v1::AclMatch::EtherType EtherTypeOf(state::EtherMatch ether) {
  switch (ether) {
    case state::EtherMatch::kIpv4:
      return v1::AclMatch::ETHER_TYPE_IPV4;
    case state::EtherMatch::kIpv6:
      return v1::AclMatch::ETHER_TYPE_IPV6;
    case state::EtherMatch::kArp:
      return v1::AclMatch::ETHER_TYPE_ARP;
    case state::EtherMatch::kAny:
      break;
  }
  return v1::AclMatch::ETHER_TYPE_ANY;
}

v1::AclMatch::Fragment FragmentOf(state::FragmentMatch fragment) {
  switch (fragment) {
    case state::FragmentMatch::kNone:
      return v1::AclMatch::FRAGMENT_NONE;
    case state::FragmentMatch::kSome:
      return v1::AclMatch::FRAGMENT_SOME;
    case state::FragmentMatch::kFirst:
      return v1::AclMatch::FRAGMENT_FIRST;
    case state::FragmentMatch::kLater:
      return v1::AclMatch::FRAGMENT_LATER;
    case state::FragmentMatch::kAny:
      break;
  }
  return v1::AclMatch::FRAGMENT_ANY;
}

void Write(const state::PortRange& range, v1::PortRange* message) {
  message->set_first(range.first);
  message->set_last(range.last);
}

void Write(const state::AclRule& rule, v1::CompiledRule* message) {
  message->set_ether_type(EtherTypeOf(rule.ether));
  if (rule.src) message->set_src_prefix(rule.src->ToString());
  if (rule.dst) message->set_dst_prefix(rule.dst->ToString());
  message->set_protocol(rule.protocol);
  if (rule.src_port) Write(*rule.src_port, message->mutable_src_port());
  if (rule.dst_port) Write(*rule.dst_port, message->mutable_dst_port());
  if (rule.icmp_type) message->set_icmp_type(*rule.icmp_type);
  if (rule.icmp_code) message->set_icmp_code(*rule.icmp_code);
  message->set_action(ActionOf(rule.action));
  if (rule.src_mac) message->set_src_mac(rule.src_mac->ToString());
  if (rule.dst_mac) message->set_dst_mac(rule.dst_mac->ToString());
  message->set_ether_number(rule.ether_number);
  if (rule.vlan) message->set_vlan(*rule.vlan);
  message->set_src_group(rule.src_group);
  message->set_dst_group(rule.dst_group);
  message->set_tcp_flags_mask(rule.tcp_flags_mask);
  message->set_tcp_flags_value(rule.tcp_flags_value);
  message->set_fragment(FragmentOf(rule.fragment));
  message->set_ipv6_extensions(rule.ipv6_extensions);
  message->set_log_rate(rule.log_rate);
  message->set_number(rule.number);
}

}  // namespace

v1::RuleSet ToProto(const Digest& digest, const state::RuleSet& set) {
  v1::RuleSet message;
  message.set_digest(digest.ToString());
  for (const state::AclRule& rule : set.rules) Write(rule, message.add_rules());
  message.set_default_action(ActionOf(set.default_action));
  return message;
}

v1::GroupMember ToProto(const state::GroupMember& member) {
  v1::GroupMember message;
  message.set_group(member.group);
  message.set_prefix(member.prefix.ToString());
  return message;
}

}  // namespace outrider::convert
