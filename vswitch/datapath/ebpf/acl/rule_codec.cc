#include "vswitch/datapath/ebpf/acl/rule_codec.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include "vswitch/datapath/ebpf/c_arrays.h"

namespace outrider::datapath::ebpf {
namespace {

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

void EncodePrefix(const std::optional<IpPrefix>& prefix, uint32_t flag, uint8_t (&address)[16],
                  uint8_t* length, uint32_t* flags) {
  if (!prefix) return;
  CopyBytes(prefix->address().bytes(), address);
  *length = static_cast<uint8_t>(prefix->mapped_length());
  *flags |= flag;
}

std::optional<IpPrefix> DecodePrefix(const abi::or_rule& rule, uint32_t flag,
                                     const uint8_t (&address)[16], uint8_t length) {
  if ((rule.flags & flag) == 0) return std::nullopt;
  const IpAddress ip(ToArray(address));
  return IpPrefix::Create(ip, ip.IsV4() ? length - 96 : length);
}

void EncodePorts(const std::optional<state::PortRange>& range, uint32_t flag, uint16_t* first,
                 uint16_t* last, uint32_t* flags) {
  if (!range) return;
  *first = range->first;
  *last = range->last;
  *flags |= flag;
}

void EncodeMac(const std::optional<MacAddress>& mac, uint32_t flag, uint8_t (&bytes)[6],
               uint32_t* flags) {
  if (!mac) return;
  CopyBytes(mac->bytes(), bytes);
  *flags |= flag;
}

// Names in the order of their first use, with places from 1.
class GroupNames {
 public:
  uint16_t PlaceOf(const std::string& name) {
    if (name.empty()) return 0;
    const auto [entry, is_new] =
        places_.try_emplace(name, static_cast<uint16_t>(names_.size() + 1));
    if (is_new) names_.push_back(name);
    return entry->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::map<std::string, uint16_t> places_;
  std::vector<std::string> names_;
};
static_assert(2 * OR_MAX_RULES < 65536, "places of group names");

void EncodeMatch(const state::AclRule& rule, abi::or_rule* row) {
  EncodePrefix(rule.src, OR_RULE_SRC_PREFIX, row->src, &row->src_length, &row->flags);
  EncodePrefix(rule.dst, OR_RULE_DST_PREFIX, row->dst, &row->dst_length, &row->flags);
  EncodePorts(rule.src_port, OR_RULE_SRC_PORT, &row->src_port_first, &row->src_port_last,
              &row->flags);
  EncodePorts(rule.dst_port, OR_RULE_DST_PORT, &row->dst_port_first, &row->dst_port_last,
              &row->flags);
  EncodeMac(rule.src_mac, OR_RULE_SRC_MAC, row->src_mac, &row->flags);
  EncodeMac(rule.dst_mac, OR_RULE_DST_MAC, row->dst_mac, &row->flags);
  row->ether = EncodeEther(rule.ether);
  row->ether_number = rule.ether_number;
  row->protocol = rule.protocol;
  row->icmp_type = rule.icmp_type.value_or(0);
  row->icmp_code = rule.icmp_code.value_or(0);
  row->vlan = rule.vlan.value_or(0);
  if (rule.icmp_type) row->flags |= OR_RULE_ICMP_TYPE;
  if (rule.icmp_code) row->flags |= OR_RULE_ICMP_CODE;
  if (rule.vlan) row->flags |= OR_RULE_VLAN;
  row->tcp_flags_mask = rule.tcp_flags_mask;
  row->tcp_flags_value = rule.tcp_flags_value;
  row->fragment = static_cast<uint8_t>(rule.fragment);
  row->extensions = rule.ipv6_extensions;
}

abi::or_rule EncodeRule(const state::AclRule& rule, GroupNames* names) {
  abi::or_rule row{};
  EncodeMatch(rule, &row);
  row.src_group = names->PlaceOf(rule.src_group);
  row.dst_group = names->PlaceOf(rule.dst_group);
  row.action = static_cast<uint8_t>(EncodeAction(rule.action));
  row.log_rate = rule.log_rate;
  row.number = rule.number;
  return row;
}

// False when the group's name is missing.
bool DecodeGroup(uint16_t place, const std::vector<std::string>& names, std::string* group) {
  if (place > names.size()) return false;
  if (place != 0) *group = names[place - 1];
  return true;
}

void DecodeMatch(const abi::or_rule& row, state::AclRule* rule) {
  rule->ether = DecodeEther(row.ether);
  rule->src = DecodePrefix(row, OR_RULE_SRC_PREFIX, row.src, row.src_length);
  rule->dst = DecodePrefix(row, OR_RULE_DST_PREFIX, row.dst, row.dst_length);
  rule->protocol = row.protocol;
  if (row.flags & OR_RULE_SRC_PORT) rule->src_port = {row.src_port_first, row.src_port_last};
  if (row.flags & OR_RULE_DST_PORT) rule->dst_port = {row.dst_port_first, row.dst_port_last};
  if (row.flags & OR_RULE_ICMP_TYPE) rule->icmp_type = row.icmp_type;
  if (row.flags & OR_RULE_ICMP_CODE) rule->icmp_code = row.icmp_code;
  if (row.flags & OR_RULE_SRC_MAC) rule->src_mac = MacAddress(ToArray(row.src_mac));
  if (row.flags & OR_RULE_DST_MAC) rule->dst_mac = MacAddress(ToArray(row.dst_mac));
  if (row.flags & OR_RULE_VLAN) rule->vlan = row.vlan;
  rule->ether_number = row.ether_number;
  rule->tcp_flags_mask = row.tcp_flags_mask;
  rule->tcp_flags_value = row.tcp_flags_value;
  rule->fragment = static_cast<state::FragmentMatch>(row.fragment);
  rule->ipv6_extensions = row.extensions;
}

bool DecodeRule(const abi::or_rule& row, const std::vector<std::string>& names,
                state::AclRule* rule) {
  DecodeMatch(row, rule);
  rule->action = DecodeAction(row.action);
  rule->log_rate = row.log_rate;
  rule->number = row.number;
  return DecodeGroup(row.src_group, names, &rule->src_group) &&
         DecodeGroup(row.dst_group, names, &rule->dst_group);
}

template <typename Struct>
Struct Read(std::span<const uint8_t> bytes, size_t offset) {
  Struct value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

std::vector<std::string> ReadNames(std::span<const uint8_t> bytes) {
  std::vector<std::string> names;
  for (size_t at = 0; at + OR_GROUP_NAME <= bytes.size(); at += OR_GROUP_NAME) {
    const char* name = reinterpret_cast<const char*>(bytes.data() + at);
    names.emplace_back(name, strnlen(name, OR_GROUP_NAME));
  }
  return names;
}

absl::Status NotAnImage() { return absl::DataLossError("rule set: the bytes are not an image"); }

}  // namespace

abi::or_acl_action EncodeAction(state::AclAction action) {
  switch (action) {
    case state::AclAction::kAllow:
      return abi::OR_ACL_ALLOW;
    case state::AclAction::kAllowRelated:
      return abi::OR_ACL_ALLOW_RELATED;
    case state::AclAction::kReject:
      return abi::OR_ACL_REJECT;
    case state::AclAction::kDrop:
      break;
  }
  return abi::OR_ACL_DROP;
}

state::AclAction DecodeAction(uint64_t action) {
  switch (action) {
    case abi::OR_ACL_ALLOW:
      return state::AclAction::kAllow;
    case abi::OR_ACL_ALLOW_RELATED:
      return state::AclAction::kAllowRelated;
    case abi::OR_ACL_REJECT:
      return state::AclAction::kReject;
    default:
      return state::AclAction::kDrop;
  }
}

std::vector<uint8_t> EncodeRules(const std::vector<state::AclRule>& rules) {
  std::vector<uint8_t> bytes(rules.size() * sizeof(abi::or_rule));
  GroupNames names;
  for (size_t i = 0; i < rules.size(); ++i) {
    const abi::or_rule row = EncodeRule(rules[i], &names);
    std::memcpy(bytes.data() + i * sizeof(row), &row, sizeof(row));
  }
  for (const std::string& name : names.names()) {
    const size_t at = bytes.size();
    bytes.resize(at + OR_GROUP_NAME);
    std::memcpy(bytes.data() + at, name.data(), std::min<size_t>(name.size(), OR_GROUP_NAME - 1));
  }
  return bytes;
}

absl::StatusOr<LoadedRuleSet> DecodeImage(std::span<const uint8_t> image) {
  constexpr size_t kLine = sizeof(abi::or_acl_line);
  if (image.size() < OR_ACL_FIRST_DIMENSION * kLine) return NotAnImage();
  const auto header = Read<abi::or_acl_header>(image, 0);
  const size_t first = size_t{header.source_line} * kLine;
  const size_t rules = size_t{header.rules} * sizeof(abi::or_rule);
  if (rules > header.source_bytes || first + header.source_bytes > image.size()) {
    return NotAnImage();
  }
  const auto source = image.subspan(first, header.source_bytes);
  const std::vector<std::string> names = ReadNames(source.subspan(rules));
  LoadedRuleSet loaded;
  loaded.digest = Digest(ToArray(Read<abi::or_acl_name>(image, OR_ACL_NAME_LINE * kLine).digest));
  loaded.set.default_action = DecodeAction(header.default_decision & OR_ACL_DECISION_ACTION);
  loaded.set.rules.resize(header.rules);
  for (size_t i = 0; i < loaded.set.rules.size(); ++i) {
    const auto row = Read<abi::or_rule>(source, i * sizeof(abi::or_rule));
    if (!DecodeRule(row, names, &loaded.set.rules[i])) return NotAnImage();
  }
  return loaded;
}

}  // namespace outrider::datapath::ebpf
