#include "controller/compute/compile_profile.h"

#include <algorithm>

#include "controller/model/acl.h"
#include "proto/digest.h"

namespace outrider::controller {
namespace {

// What passes in 10 ms, but at least two 64 KiB super-packets (objects.proto).
constexpr uint64_t kBurstsPerSecond = 100;
constexpr uint64_t kMinBurstKb = 1049;

std::optional<v1::RuleSet> CompileRuleSet(const Model& model, const AclRules& rules,
                                          v1::AclAction default_action) {
  v1::RuleSet set;
  for (v1::CompiledRule& rule : CompileRules(model, rules)) *set.add_rules() = std::move(rule);
  if (set.rules().empty() && default_action == v1::ACL_ACTION_ALLOW) return std::nullopt;
  set.set_default_action(default_action);
  set.set_digest(v1::RuleSetDigest(set));
  return set;
}

std::optional<v1::Policer> CompilePolicer(const v1::Policer& given) {
  if (given.rate_kbps() == 0) return std::nullopt;
  v1::Policer policer = given;
  if (policer.burst_kb() == 0) {
    policer.set_burst_kb(std::max(policer.rate_kbps() / kBurstsPerSecond, kMinBurstKb));
  }
  return policer;
}

}  // namespace

CompiledProfile CompileProfile(const Model& model, const v1::Profile& profile) {
  const v1::AclAction default_action = DefaultAction(profile.acl());
  CompiledProfile compiled;
  compiled.ingress = CompileRuleSet(model, profile.acl().ingress(), default_action);
  compiled.egress = CompileRuleSet(model, profile.acl().egress(), default_action);
  compiled.ingress_policer = CompilePolicer(profile.qos().ingress_policer());
  compiled.mac_anti_spoof =
      profile.security().mac_anti_spoof() != v1::SecuritySection::MAC_ANTI_SPOOF_OFF;
  return compiled;
}

}  // namespace outrider::controller
