#include "controller/model/acl.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>

#include "controller/model/ip_prefix.h"

namespace outrider::controller {
namespace {

// An address term of a rule; family 0 and no text: any.
struct Term {
  int family = 0;
  std::string text;
};

// The terms of one side: its prefix, the members of its group, or "any". What cannot be parsed was
// refused at the write and matches nothing here.
std::vector<Term> TermsOf(const Model& model, const std::string& prefix, const std::string& group) {
  std::vector<std::string> texts;
  if (!prefix.empty()) {
    texts.push_back(prefix);
  } else if (!group.empty()) {
    const v1::AddressGroup* found = model.Find<v1::AddressGroup>(group);
    if (found != nullptr) texts.assign(found->prefixes().begin(), found->prefixes().end());
  } else {
    return {Term{}};
  }
  std::vector<Term> terms;
  for (const std::string& text : texts) {
    if (const auto parsed = ParsePrefix(text)) terms.push_back({parsed->family, parsed->Text()});
  }
  return terms;
}

// 4 or 6 when the rule is of one family by its ether type or protocol; 0 when of any.
int FamilyOf(const v1::AclMatch& match, uint32_t protocol) {
  if (match.ether_type() == v1::AclMatch::ETHER_TYPE_IPV4 || protocol == IPPROTO_ICMP) return 4;
  if (match.ether_type() == v1::AclMatch::ETHER_TYPE_IPV6 || protocol == IPPROTO_ICMPV6) return 6;
  return 0;
}

// Whether terms and rule can be of one family, which is then in `family`.
bool Agree(std::initializer_list<int> families, int* family) {
  *family = 0;
  for (const int each : families) {
    if (each == 0) continue;
    if (*family != 0 && *family != each) return false;
    *family = each;
  }
  return true;
}

// Copies what hosts match on; priority and comment have done their work by then.
v1::CompiledRule Resolve(const v1::AclRule& rule, const Term& src, const Term& dst, int family,
                         uint32_t protocol) {
  const v1::AclMatch& match = rule.match();
  v1::CompiledRule compiled;
  compiled.set_ether_type(match.ether_type());
  if (family == 4) compiled.set_ether_type(v1::AclMatch::ETHER_TYPE_IPV4);
  if (family == 6) compiled.set_ether_type(v1::AclMatch::ETHER_TYPE_IPV6);
  compiled.set_src_prefix(src.text);
  compiled.set_dst_prefix(dst.text);
  compiled.set_protocol(protocol);
  if (match.has_src_port()) *compiled.mutable_src_port() = match.src_port();
  if (match.has_dst_port()) *compiled.mutable_dst_port() = match.dst_port();
  if (match.has_icmp_type()) compiled.set_icmp_type(match.icmp_type());
  if (match.has_icmp_code()) compiled.set_icmp_code(match.icmp_code());
  compiled.set_action(rule.action());
  return compiled;
}

// Calls emit(src, dst, family, protocol) for each compiled rule of `rule`.
template <typename Emit>
void Expand(const Model& model, const v1::AclRule& rule, Emit emit) {
  const v1::AclMatch& match = rule.match();
  const uint32_t protocol = ProtocolNumber(match.protocol()).value_or(0);
  const int own = FamilyOf(match, protocol);
  const auto sources = TermsOf(model, match.src_prefix(), match.src_group());
  const auto destinations = TermsOf(model, match.dst_prefix(), match.dst_group());
  for (const Term& src : sources) {
    for (const Term& dst : destinations) {
      int family = 0;
      if (Agree({own, src.family, dst.family}, &family)) emit(src, dst, family, protocol);
    }
  }
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

size_t CountCompiled(const Model& model, const AclRules& rules) {
  size_t count = 0;
  for (const v1::AclRule& rule : rules) {
    Expand(model, rule, [&](const Term&, const Term&, int, uint32_t) { ++count; });
  }
  return count;
}

std::vector<v1::CompiledRule> CompileRules(const Model& model, const AclRules& rules) {
  std::vector<const v1::AclRule*> ordered;
  for (const v1::AclRule& rule : rules) ordered.push_back(&rule);
  const auto before = [](const v1::AclRule* a, const v1::AclRule* b) {
    if (a->priority() != b->priority()) return a->priority() > b->priority();
    return a->action() == v1::ACL_ACTION_DROP && b->action() != v1::ACL_ACTION_DROP;
  };
  std::stable_sort(ordered.begin(), ordered.end(), before);
  std::vector<v1::CompiledRule> compiled;
  // The pairs of one rule stay together, so the order among rules is the order of the sort.
  for (const v1::AclRule* rule : ordered) {
    Expand(model, *rule, [&](const Term& src, const Term& dst, int family, uint32_t protocol) {
      compiled.push_back(Resolve(*rule, src, dst, family, protocol));
    });
  }
  return compiled;
}

}  // namespace outrider::controller
