#include "vswitch/datapath/ebpf/acl/rule_fields.h"

#include <netinet/in.h>

#include <optional>

namespace outrider::datapath::ebpf {
namespace {

constexpr uint32_t kEtherIpv4 = 0x0800;
constexpr uint32_t kEtherIpv6 = 0x86dd;
constexpr uint32_t kEtherArp = 0x0806;
constexpr uint32_t kAnyEther = 0;

template <size_t N>
FieldKey ToKey(const std::array<uint8_t, N>& bytes) {
  FieldKey key = 0;
  for (const uint8_t byte : bytes) key = key << 8 | byte;
  return key;
}

void AppendRange(FieldKey first, FieldKey last, uint32_t rule, std::vector<Claim>* claims) {
  claims->push_back({first, last, rule});
}

void AppendPrefix(const IpPrefix& prefix, uint32_t rule, std::vector<Claim>* claims) {
  const FieldKey first = ToKey(prefix.address().bytes());
  const int host_bits = 128 - prefix.mapped_length();
  const FieldKey host =
      host_bits == 128 ? absl::Uint128Max() : (FieldKey{1} << host_bits) - FieldKey{1};
  AppendRange(first, first | host, rule, claims);
}

uint32_t EtherTypeOf(state::EtherMatch ether) {
  switch (ether) {
    case state::EtherMatch::kIpv4:
      return kEtherIpv4;
    case state::EtherMatch::kIpv6:
      return kEtherIpv6;
    case state::EtherMatch::kArp:
      return kEtherArp;
    case state::EtherMatch::kAny:
      break;
  }
  return kAnyEther;
}

uint32_t EtherTypeOf(const std::optional<IpPrefix>& prefix) {
  if (!prefix) return kAnyEther;
  return prefix->IsV4() ? kEtherIpv4 : kEtherIpv6;
}

// All ways in which a rule names an ethertype must agree. A prefix is one: ::/0 is not 0.0.0.0/0.
void AppendEther(const state::AclRule& rule, uint32_t number, std::vector<Claim>* claims) {
  uint32_t wanted = kAnyEther;
  for (const uint32_t type : {EtherTypeOf(rule.ether), uint32_t{rule.ether_number},
                              EtherTypeOf(rule.src), EtherTypeOf(rule.dst)}) {
    if (type == kAnyEther) continue;
    if (wanted != kAnyEther && wanted != type) return;
    wanted = type;
  }
  AppendRange(wanted, wanted, number, claims);
}

void AppendIcmp(const state::AclRule& rule, uint32_t number, std::vector<Claim>* claims) {
  if (!rule.icmp_type) {
    for (uint32_t type = 0; type < 256; ++type) {
      AppendRange(type << 8 | *rule.icmp_code, type << 8 | *rule.icmp_code, number, claims);
    }
    return;
  }
  const uint32_t type = uint32_t{*rule.icmp_type} << 8;
  if (rule.icmp_code) {
    AppendRange(type | *rule.icmp_code, type | *rule.icmp_code, number, claims);
  } else {
    AppendRange(type, type | 255, number, claims);
  }
}

bool AcceptsFragment(state::FragmentMatch wanted, uint32_t kind) {
  switch (wanted) {
    case state::FragmentMatch::kAny:
      return true;
    case state::FragmentMatch::kNone:
      return kind == 0;
    case state::FragmentMatch::kSome:
      return kind != 0;
    case state::FragmentMatch::kFirst:
      return kind == OR_ACL_SHAPE_FIRST;
    case state::FragmentMatch::kLater:
      return kind == OR_ACL_SHAPE_LATER;
  }
  return false;
}

bool AcceptsShape(const SmallMatch& match, uint32_t shape) {
  if (!AcceptsFragment(match.fragment, shape & 3)) return false;
  if (match.extensions == 0) return true;
  if ((shape & OR_ACL_SHAPE_HIDDEN) != 0 && match.denies) return true;
  return (shape >> OR_ACL_SHAPE_EXTENSIONS_SHIFT & 63 & match.extensions) != 0;
}

void AppendPorts(const state::PortRange& range, uint32_t number, std::vector<Claim>* claims) {
  AppendRange(range.first, range.last, number, claims);
}

void AppendMac(const MacAddress& mac, uint32_t number, std::vector<Claim>* claims) {
  const FieldKey key = ToKey(mac.bytes());
  AppendRange(key, key, number, claims);
}

}  // namespace

RuleTraits TraitsOf(const state::AclRule& rule) {
  RuleTraits traits;
  for (int i = 0; i < abi::OR_ACL_FIELDS; ++i) {
    if (Names(rule, static_cast<abi::or_acl_field>(i))) {
      traits.fields |= static_cast<uint16_t>(1 << i);
    }
  }
  traits.denies = Denies(rule);
  traits.decides_on_exempt = DecidesOnExempt(rule);
  return traits;
}

bool HasWideKeys(abi::or_acl_field field) {
  return field == abi::OR_ACL_SRC_ADDRESS || field == abi::OR_ACL_DST_ADDRESS ||
         field == abi::OR_ACL_SRC_MAC || field == abi::OR_ACL_DST_MAC;
}

bool Names(const state::AclRule& rule, abi::or_acl_field field) {
  switch (field) {
    case abi::OR_ACL_ETHER:
      return rule.ether != state::EtherMatch::kAny || rule.ether_number != 0 || rule.src ||
             rule.dst;
    case abi::OR_ACL_PROTOCOL:
      return rule.protocol != 0;
    case abi::OR_ACL_SRC_ADDRESS:
      return rule.src || !rule.src_group.empty();
    case abi::OR_ACL_DST_ADDRESS:
      return rule.dst || !rule.dst_group.empty();
    case abi::OR_ACL_SRC_PORT:
      return rule.src_port.has_value();
    case abi::OR_ACL_DST_PORT:
      return rule.dst_port.has_value();
    case abi::OR_ACL_ICMP:
      return rule.icmp_type || rule.icmp_code;
    case abi::OR_ACL_TCP_FLAGS:
      return rule.tcp_flags_mask != 0;
    case abi::OR_ACL_SHAPE:
      return rule.fragment != state::FragmentMatch::kAny || rule.ipv6_extensions != 0;
    case abi::OR_ACL_VLAN:
      return rule.vlan.has_value();
    case abi::OR_ACL_SRC_MAC:
      return rule.src_mac.has_value();
    case abi::OR_ACL_DST_MAC:
      return rule.dst_mac.has_value();
    case abi::OR_ACL_FIELDS:
      break;
  }
  return false;
}

uint32_t SmallKeys(abi::or_acl_field field) {
  if (field == abi::OR_ACL_TCP_FLAGS) return 256;
  return field == abi::OR_ACL_SHAPE ? OR_ACL_SHAPES : 0;
}

SmallMatch SmallMatchOf(const state::AclRule& rule, uint32_t number) {
  return {.rule = number,
          .tcp_flags_mask = rule.tcp_flags_mask,
          .tcp_flags_value = rule.tcp_flags_value,
          .fragment = rule.fragment,
          .extensions = rule.ipv6_extensions,
          .denies = Denies(rule)};
}

bool AcceptsSmallKey(const SmallMatch& match, abi::or_acl_field field, uint32_t key) {
  if (field == abi::OR_ACL_SHAPE) return AcceptsShape(match, key);
  return (key & match.tcp_flags_mask) == match.tcp_flags_value;
}

void AppendClaims(const state::AclRule& rule, uint32_t number, abi::or_acl_field field,
                  std::vector<Claim>* claims) {
  switch (field) {
    case abi::OR_ACL_ETHER:
      return AppendEther(rule, number, claims);
    case abi::OR_ACL_PROTOCOL:
      return AppendRange(rule.protocol, rule.protocol, number, claims);
    case abi::OR_ACL_SRC_ADDRESS:
      return rule.src ? AppendPrefix(*rule.src, number, claims) : void();
    case abi::OR_ACL_DST_ADDRESS:
      return rule.dst ? AppendPrefix(*rule.dst, number, claims) : void();
    case abi::OR_ACL_SRC_PORT:
      return AppendPorts(*rule.src_port, number, claims);
    case abi::OR_ACL_DST_PORT:
      return AppendPorts(*rule.dst_port, number, claims);
    case abi::OR_ACL_ICMP:
      return AppendIcmp(rule, number, claims);
    case abi::OR_ACL_VLAN:
      return AppendRange(*rule.vlan, *rule.vlan, number, claims);
    case abi::OR_ACL_SRC_MAC:
      return AppendMac(*rule.src_mac, number, claims);
    case abi::OR_ACL_DST_MAC:
      return AppendMac(*rule.dst_mac, number, claims);
    default:
      return;
  }
}

const std::string& GroupOf(const state::AclRule& rule, abi::or_acl_field field) {
  static const std::string kNone;
  if (field == abi::OR_ACL_SRC_ADDRESS) return rule.src_group;
  if (field == abi::OR_ACL_DST_ADDRESS) return rule.dst_group;
  return kNone;
}

bool Denies(const state::AclRule& rule) {
  return rule.action == state::AclAction::kDrop || rule.action == state::AclAction::kReject;
}

bool DecidesOnExempt(const state::AclRule& rule) {
  return !Denies(rule) || rule.ether == state::EtherMatch::kArp || rule.ether_number == kEtherArp ||
         rule.protocol == IPPROTO_ICMPV6;
}

}  // namespace outrider::datapath::ebpf
