#include "controller/compute/compile_profile.h"

#include "controller/model/acl.h"
#include "proto/digest.h"

namespace outrider::controller {
namespace {

std::optional<v1::RuleSet> CompileRuleSet(const AclRules& rules, v1::AclAction default_action) {
  v1::RuleSet set;
  for (v1::CompiledRule& rule : CompileRules(rules)) *set.add_rules() = std::move(rule);
  if (set.rules().empty() && default_action == v1::ACL_ACTION_ALLOW) return std::nullopt;
  set.set_default_action(default_action);
  set.set_digest(v1::RuleSetDigest(set));
  return set;
}

void AddGroups(const v1::RuleSet& set, std::set<std::string>* groups) {
  for (const v1::CompiledRule& rule : set.rules()) {
    if (!rule.src_group().empty()) groups->insert(rule.src_group());
    if (!rule.dst_group().empty()) groups->insert(rule.dst_group());
  }
}

void CompileAcl(const v1::AclSection& acl, CompiledProfile* compiled) {
  const v1::AclAction default_action = DefaultAction(acl);
  compiled->ingress = CompileRuleSet(acl.ingress(), default_action);
  compiled->egress = CompileRuleSet(acl.egress(), default_action);
  for (const auto* set : {&compiled->ingress, &compiled->egress}) {
    if (set->has_value()) AddGroups(**set, &compiled->groups);
  }
  compiled->max_connections = MaxConnections(acl);
  // Without connections there are none to keep.
  compiled->keep_established =
      compiled->max_connections != 0 && acl.established() == v1::AclSection::ESTABLISHED_KEEP;
}

}  // namespace

CompiledProfile CompileProfile(const v1::Profile& effective) {
  CompiledProfile compiled;
  CompileAcl(effective.acl(), &compiled);
  return compiled;
}

}  // namespace outrider::controller
