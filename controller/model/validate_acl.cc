#include "controller/model/acl.h"
#include "controller/model/validate_sections.h"

namespace outrider::controller {
namespace {

constexpr uint32_t kMaxPriority = 65535;
constexpr uint32_t kMaxLogRate = 1000;
constexpr uint32_t kMaxMaxConnections = 1U << 20;

absl::Status CheckAction(const v1::AclRule& rule) {
  const v1::AclAction action = rule.action();
  if (action == v1::ACL_ACTION_UNSPECIFIED || !v1::AclAction_IsValid(action)) {
    return Wrong("action is missing; give allow, allow_related, drop or reject");
  }
  const bool ip_only = action == v1::ACL_ACTION_ALLOW_RELATED || action == v1::ACL_ACTION_REJECT;
  const v1::AclMatch& match = rule.match();
  const bool not_ip =
      match.ether_type() == v1::AclMatch::ETHER_TYPE_ARP || match.ether_number() != 0;
  if (!ip_only || !not_ip) return absl::OkStatus();
  return action == v1::ACL_ACTION_REJECT
             ? Wrong("action reject answers IP only, and the rule is for other frames; use drop")
             : Wrong("action allow_related is for IP, and the rule is for other frames; use allow");
}

// One rule by itself; how many fit is a matter of the direction.
absl::Status CheckRule(const Model& model, const v1::AclRule& rule) {
  if (rule.priority() > kMaxPriority) {
    return Wrong("priority {} is not in 0..{}", rule.priority(), kMaxPriority);
  }
  RETURN_IF_ERROR(CheckAction(rule));
  if (rule.comment().size() > kMaxText) {
    return Wrong("comment is {} bytes long, at most {} fit", rule.comment().size(), kMaxText);
  }
  // 0 is the default.
  if (rule.has_log() && rule.log().rate_per_s() > kMaxLogRate) {
    return Wrong("log rate_per_s {} is not in 1..{}", rule.log().rate_per_s(), kMaxLogRate);
  }
  return CheckMatch(model, rule.match());
}

// Rules count from 1, as people do.
absl::Status CheckDirection(const Model& model, const AclRules& rules, const char* direction) {
  if (rules.size() > kMaxRules) {
    return Wrong("acl {} has {} rules, at most {} fit; use groups, or merge prefixes and ports",
                 direction, rules.size(), kMaxRules);
  }
  for (int i = 0; i < rules.size(); ++i) {
    const absl::Status status = CheckRule(model, rules[i]);
    if (!status.ok()) return Annotate(status, fmt::format("acl {} rule {}", direction, i + 1));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckAcl(const Model& model, const v1::AclSection& acl) {
  // A connection has a rule that admitted it.
  if (!v1::AclAction_IsValid(acl.default_action()) ||
      acl.default_action() == v1::ACL_ACTION_ALLOW_RELATED) {
    return Wrong("acl default_action {} cannot be; give allow, drop or reject",
                 static_cast<int>(acl.default_action()));
  }
  if (!v1::AclSection::Established_IsValid(acl.established())) {
    return Wrong("acl established {} is unknown; give reevaluate or keep",
                 static_cast<int>(acl.established()));
  }
  if (acl.max_connections() > kMaxMaxConnections) {
    return Wrong("acl max_connections {} is not in 1..{}", acl.max_connections(),
                 kMaxMaxConnections);
  }
  RETURN_IF_ERROR(CheckDirection(model, acl.ingress(), "ingress"));
  return CheckDirection(model, acl.egress(), "egress");
}

}  // namespace outrider::controller
