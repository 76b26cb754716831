// A list of rules as flows: priorities mirror the order of the rules.
#include <netinet/in.h>

#include "vswitch/ovs/openflow_acl.h"
#include "vswitch/ovs/openflow_tables.h"

namespace outrider::ovs {
namespace {

using openflow::Field;
using openflow::FlowStats;
using openflow::Match;
using state::AclAction;

// The first rule has kFirstRule, the next one less: 10,240 fit below. Rules about what passes
// otherwise (ARP, discovery) stand above the flows that let it pass, in the same order.
constexpr uint16_t kFirstRule = 20000;
constexpr uint16_t kPassDiscovery = 30000;
constexpr uint16_t kFirstExempt = 50000;
constexpr uint16_t kEstablished = 60000;
constexpr uint16_t kAnnouncement = 65000;

constexpr uint16_t kRarp = 0x8035;
constexpr uint16_t kArp = 0x0806;
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kIpv6 = 0x86dd;
// Router and neighbour solicitation and advertisement (RFC 4861).
constexpr uint8_t kFirstDiscovery = 133;
constexpr uint8_t kLastDiscovery = 136;

// Open vSwitch's bits of ct_state.
constexpr uint32_t kCtEstablished = 0x02;
constexpr uint32_t kCtRelated = 0x04;
constexpr uint32_t kCtTracked = 0x20;

class Renderer {
 public:
  Renderer(const state::RuleSet& set, const GroupPrefixes& groups, const AclFlows& place)
      : set_(set), groups_(groups), place_(place) {}

  std::vector<AclFlow> Run() {
    AddPassing();
    if (Stateful()) AddConnections();
    uint16_t priority = kFirstRule;
    uint32_t index = 0;
    for (const state::AclRule& rule : set_.rules) {
      ++index;
      AddRule(rule, rule.number != 0 ? rule.number : index, priority--);
    }
    AddDefault();
    return std::move(flows_);
  }

 private:
  FlowStats& Add(const Match& match, uint16_t priority, uint32_t number) {
    FlowStats flow{.table = place_.table, .priority = priority};
    flow.cookie = place_.cookie | number;
    flow.match = match;
    for (const auto& [field, value] : place_.where.fields()) {
      flow.match.Set(field, value.value, value.mask);
    }
    flows_.push_back({.flow = std::move(flow), .number = number});
    return flows_.back().flow;
  }

  void Pass(const Match& match, uint16_t priority) {
    Add(match, priority, 0).actions.apply = {openflow::GotoTable{place_.next}};
  }

  // RARP always; ARP and discovery, as far as no rule names them.
  void AddPassing() {
    Match rarp;
    rarp.Set(Field::kEthType, kRarp);
    Pass(rarp, kAnnouncement);
    Match arp;
    arp.Set(Field::kEthType, kArp);
    Pass(arp, kPassDiscovery);
    for (uint8_t type = kFirstDiscovery; type <= kLastDiscovery; ++type) {
      Pass(Discovery(Match{}, type), kPassDiscovery);
    }
  }

  static Match Discovery(Match match, uint8_t type) {
    match.Set(Field::kEthType, kIpv6);
    match.Set(Field::kIpProto, IPPROTO_ICMPV6);
    match.Set(Field::kIcmpv6Type, type);
    return match;
  }

  bool Stateful() const {
    for (const state::AclRule& rule : set_.rules) {
      if (rule.action == AclAction::kAllowRelated) return true;
    }
    return set_.default_action == AclAction::kAllowRelated;
  }

  // What belongs to a connection passes before any rule is looked at.
  void AddConnections() {
    for (const uint16_t type : {kIpv4, kIpv6}) {
      for (const uint32_t bit : {kCtEstablished, kCtRelated}) {
        Match match;
        match.Set(Field::kEthType, type);
        match.Set(Field::kCtState, kCtTracked | bit, kCtTracked | bit);
        Pass(match, kEstablished);
      }
      Match untracked;
      untracked.Set(Field::kEthType, type);
      untracked.Set(Field::kCtState, 0, kCtTracked);
      Add(untracked, kEstablished, 0).actions.apply = {openflow::ConnTrack{.table = place_.table}};
    }
  }

  void SetActions(AclAction action, const std::string& in_words, FlowStats& flow) const {
    std::string words = in_words;
    if (action == AclAction::kReject) words = words.empty() ? "reject" : "reject, " + words;
    if (!words.empty()) {
      flow.actions.apply.emplace_back(openflow::Note{{words.begin(), words.end()}});
    }
    // Only a connection can be remembered: what is no IP passes alone.
    const bool ip = flow.match.Has(Field::kEthType) && !flow.match.Has(Field::kArpOp) &&
                    flow.match.Exact(Field::kEthType) != kArp;
    if (action == AclAction::kAllowRelated && ip) {
      flow.actions.apply.emplace_back(openflow::ConnTrack{.commit = true, .table = place_.next});
    } else if (action == AclAction::kAllow || action == AclAction::kAllowRelated) {
      flow.actions.apply.emplace_back(openflow::GotoTable{place_.next});
    }
  }

  void AddRule(const state::AclRule& rule, uint32_t number, uint16_t priority) {
    const RuleMatches matches = MatchesOf(rule, groups_);
    const uint16_t exempt = kFirstExempt - (kFirstRule - priority);
    bool first = true;
    for (const Match& match : matches.matches) {
      const uint16_t at = matches.names_arp ? exempt : priority;
      SetActions(rule.action, matches.in_words, Add(match, at, number));
      flows_.back().counts = std::exchange(first, false);
      if (!matches.names_discovery) continue;
      for (uint8_t type = kFirstDiscovery; type <= kLastDiscovery; ++type) {
        if (rule.icmp_type && *rule.icmp_type != type) continue;
        SetActions(rule.action, matches.in_words, Add(Discovery(match, type), exempt, number));
      }
    }
  }

  void AddDefault() {
    FlowStats& flow = Add(Match{}, 0, 0);
    SetActions(set_.default_action, "", flow);
    flows_.back().counts = true;
    if (set_.default_action != AclAction::kAllowRelated) return;
    for (const uint16_t type : {kIpv4, kIpv6}) {
      Match ip;
      ip.Set(Field::kEthType, type);
      SetActions(set_.default_action, "", Add(ip, 1, 0));
    }
  }

  const state::RuleSet& set_;
  const GroupPrefixes& groups_;
  const AclFlows& place_;
  std::vector<AclFlow> flows_;
};

}  // namespace

std::vector<AclFlow> RenderRuleSet(const state::RuleSet& set, const GroupPrefixes& groups,
                                   const AclFlows& place) {
  return Renderer(set, groups, place).Run();
}

}  // namespace outrider::ovs
