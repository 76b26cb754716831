#include <fmt/format.h>

#include <set>

#include "controller/model/acl.h"
#include "controller/model/complaint.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/names.h"
#include "controller/model/underlay.h"
#include "controller/model/validate.h"

namespace outrider::controller {
namespace {

constexpr size_t kMaxText = 255;
constexpr uint32_t kMaxPriority = 65535;
constexpr uint32_t kMaxPort = 65535;
// So that bytes per second, and tokens in nanoseconds, fit 64 bits everywhere.
constexpr uint64_t kMaxRateKbps = 1'000'000'000;  // 1 Tb/s
constexpr uint64_t kMaxBurstKb = 100'000'000;

// Errors below are bare; the caller puts profile, direction and rule in front.
template <typename... Args>
absl::Status Wrong(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(fmt::format(format, std::forward<Args>(args)...));
}

absl::Status CheckPortRange(const v1::PortRange& range, const std::string& field) {
  if (range.first() > kMaxPort || range.last() > kMaxPort) {
    return Wrong("{} {}-{} is not in 0..{}", field, range.first(), range.last(), kMaxPort);
  }
  if (range.first() > range.last()) {
    return Wrong("port range {}-{} is empty; {} must have first <= last", range.first(),
                 range.last(), field);
  }
  return absl::OkStatus();
}

// Ports mean something only where the protocol has them.
absl::Status CheckPorts(const v1::AclMatch& match, uint32_t protocol) {
  if (!match.has_src_port() && !match.has_dst_port()) return absl::OkStatus();
  if (!HasPorts(protocol)) {
    return Wrong("ports need protocol tcp, udp or sctp, not \"{}\"",
                 match.protocol().empty() ? "any" : match.protocol());
  }
  if (match.has_src_port()) RETURN_IF_ERROR(CheckPortRange(match.src_port(), "src_port"));
  if (match.has_dst_port()) RETURN_IF_ERROR(CheckPortRange(match.dst_port(), "dst_port"));
  return absl::OkStatus();
}

absl::Status CheckIcmp(const v1::AclMatch& match, uint32_t protocol) {
  if (!match.has_icmp_type() && !match.has_icmp_code()) return absl::OkStatus();
  if (!IsAnyIcmp(protocol)) {
    return Wrong("icmp_type and icmp_code need protocol icmp or icmpv6, not \"{}\"",
                 match.protocol().empty() ? "any" : match.protocol());
  }
  if (!match.has_icmp_type()) return Wrong("icmp_code needs icmp_type");
  if (match.icmp_type() > 255) return Wrong("icmp_type {} is not in 0..255", match.icmp_type());
  if (match.icmp_code() > 255) return Wrong("icmp_code {} is not in 0..255", match.icmp_code());
  return absl::OkStatus();
}

// One side's address; `family` is 0 when it has none of its own.
absl::Status CheckSide(const Model& model, const std::string& prefix, const std::string& group,
                       const std::string& side, int* family) {
  *family = 0;
  if (!prefix.empty() && !group.empty()) {
    return Wrong("{0}_prefix and {0}_group are both given; remove one", side);
  }
  if (!group.empty() && model.Find<v1::AddressGroup>(group) == nullptr) {
    return Wrong("{}_group \"{}\" does not exist; create the address group first", side, group);
  }
  if (prefix.empty()) return absl::OkStatus();
  const auto parsed = ParsePrefix(prefix);
  if (!parsed) return Wrong("{}_prefix \"{}\" is not an IP prefix", side, prefix);
  if (parsed->HasHostBits()) {
    return Wrong("{}_prefix {} has host bits set; did you mean {}?", side, prefix,
                 parsed->Network().Text());
  }
  *family = parsed->family;
  return absl::OkStatus();
}

// What each field says about the address family must agree.
absl::Status CheckFamilies(const v1::AclMatch& match, const std::string& src_family_of,
                           int src_family, const std::string& dst_family_of, int dst_family) {
  const uint32_t protocol = ProtocolNumber(match.protocol()).value_or(0);
  std::string first;
  int family = 0;
  const auto add = [&](const std::string& who, int says) -> absl::Status {
    if (says == 0) return absl::OkStatus();
    if (family != 0 && family != says) {
      return Wrong("{} is IPv{} but {} is IPv{}; split the rule", first, family, who, says);
    }
    if (family == 0) first = who;
    family = says;
    return absl::OkStatus();
  };
  if (match.ether_type() == v1::AclMatch::ETHER_TYPE_IPV4) RETURN_IF_ERROR(add("ether_type", 4));
  if (match.ether_type() == v1::AclMatch::ETHER_TYPE_IPV6) RETURN_IF_ERROR(add("ether_type", 6));
  if (IsAnyIcmp(protocol)) {
    RETURN_IF_ERROR(add("protocol " + match.protocol(), match.protocol() == "icmp" ? 4 : 6));
  }
  RETURN_IF_ERROR(add(src_family_of, src_family));
  return add(dst_family_of, dst_family);
}

absl::Status CheckMatch(const Model& model, const v1::AclMatch& match) {
  const auto protocol = ProtocolNumber(match.protocol());
  if (!protocol) {
    return Wrong("protocol \"{}\" is not tcp, udp, icmp, icmpv6, sctp or a number 1..255",
                 match.protocol());
  }
  int src_family = 0;
  int dst_family = 0;
  RETURN_IF_ERROR(CheckSide(model, match.src_prefix(), match.src_group(), "src", &src_family));
  RETURN_IF_ERROR(CheckSide(model, match.dst_prefix(), match.dst_group(), "dst", &dst_family));
  if (match.ether_type() == v1::AclMatch::ETHER_TYPE_ARP) {
    const bool names_ip = !match.src_prefix().empty() || !match.dst_prefix().empty() ||
                          !match.src_group().empty() || !match.dst_group().empty();
    if (names_ip || *protocol != 0) {
      return Wrong("ether_type arp has no IP addresses or protocol; remove them");
    }
  } else if (!v1::AclMatch::EtherType_IsValid(match.ether_type())) {
    return Wrong("ether_type {} is unknown", static_cast<int>(match.ether_type()));
  }
  RETURN_IF_ERROR(CheckPorts(match, *protocol));
  RETURN_IF_ERROR(CheckIcmp(match, *protocol));
  return CheckFamilies(match, "src_prefix " + match.src_prefix(), src_family,
                       "dst_prefix " + match.dst_prefix(), dst_family);
}

// One rule by itself; how many fit is a matter of the direction.
absl::Status CheckRule(const Model& model, const v1::AclRule& rule) {
  if (rule.priority() > kMaxPriority) {
    return Wrong("priority {} is not in 0..{}", rule.priority(), kMaxPriority);
  }
  if (rule.action() != v1::ACL_ACTION_ALLOW && rule.action() != v1::ACL_ACTION_DROP) {
    return Wrong("action is missing; give allow or drop");
  }
  if (rule.comment().size() > kMaxText) {
    return Wrong("comment is {} bytes long, at most {} fit", rule.comment().size(), kMaxText);
  }
  return CheckMatch(model, rule.match());
}

// Rules count from 1, as people do.
absl::Status CheckDirection(const Model& model, const AclRules& rules, const char* direction) {
  for (int i = 0; i < rules.size(); ++i) {
    const absl::Status status = CheckRule(model, rules[i]);
    if (!status.ok()) return Annotate(status, fmt::format("acl {} rule {}", direction, i + 1));
  }
  const size_t count = CountCompiled(model, rules);
  if (count > kMaxCompiledRules) {
    return Wrong("acl {} makes {} rules with its groups expanded, at most {} fit; merge prefixes",
                 direction, count, kMaxCompiledRules);
  }
  return absl::OkStatus();
}

absl::Status CheckPolicer(const v1::Policer& policer) {
  if (policer.rate_kbps() > kMaxRateKbps) {
    return Wrong("qos ingress_policer: rate_kbps {} is more than {}", policer.rate_kbps(),
                 kMaxRateKbps);
  }
  if (policer.burst_kb() > kMaxBurstKb) {
    return Wrong("qos ingress_policer: burst_kb {} is more than {}", policer.burst_kb(),
                 kMaxBurstKb);
  }
  if (policer.rate_kbps() == 0 && policer.burst_kb() != 0) {
    return Wrong("qos ingress_policer: burst_kb {} has no rate_kbps; give a rate",
                 policer.burst_kb());
  }
  return absl::OkStatus();
}

absl::Status CheckContent(const Model& model, const v1::Profile& profile) {
  if (profile.description().size() > kMaxText) {
    return Wrong("description is {} bytes long, at most {} fit", profile.description().size(),
                 kMaxText);
  }
  if (profile.vlan().mode() != v1::VlanSection::MODE_ACCESS) {
    return Wrong("vlan mode {} is unknown; use access", static_cast<int>(profile.vlan().mode()));
  }
  if (profile.vlan().segment().empty()) return Wrong("vlan segment is missing; name a segment");
  if (model.Find<v1::Segment>(profile.vlan().segment()) == nullptr) {
    return Wrong("vlan segment \"{}\" does not exist; create it first", profile.vlan().segment());
  }
  if (!v1::AclAction_IsValid(profile.acl().default_action())) {
    return Wrong("acl default_action {} is unknown; give allow or drop",
                 static_cast<int>(profile.acl().default_action()));
  }
  RETURN_IF_ERROR(CheckDirection(model, profile.acl().ingress(), "ingress"));
  RETURN_IF_ERROR(CheckDirection(model, profile.acl().egress(), "egress"));
  if (!v1::SecuritySection::MacAntiSpoof_IsValid(profile.security().mac_anti_spoof())) {
    return Wrong("security mac_anti_spoof {} is unknown; give on or off",
                 static_cast<int>(profile.security().mac_anti_spoof()));
  }
  return CheckPolicer(profile.qos().ingress_policer());
}

// Ports that follow the profile into another segment must not meet their own MAC or IP there, and
// their hosts must be able to carry it.
absl::Status CheckPortsCanMove(const Model& model, const v1::Profile& candidate) {
  const std::string& segment = candidate.vlan().segment();
  std::set<std::string> used;
  for (const std::string& gateway : model.index().gateways_of_segment.Get(segment)) {
    for (const auto& station : model.Find<v1::Gateway>(gateway)->stations()) {
      if (station.segment() != segment) continue;
      used.insert(station.mac());
      used.insert(station.ips().begin(), station.ips().end());
    }
  }
  for (const std::string& id : model.index().ports_of_profile.Get(candidate.meta().name())) {
    const v1::Port& port = *model.Find<v1::Port>(id);
    if (model.SegmentOf(port) == segment) return absl::OkStatus();
    std::vector<std::string> keys{port.mac()};
    keys.insert(keys.end(), port.ips().begin(), port.ips().end());
    for (const std::string& key : keys) {
      const Index& index = model.index();
      // A MAC or IP of the ports that move together may meet another of them.
      if (index.ports_with_mac.Get(PairKey(segment, key)).empty() &&
          index.ports_with_ip.Get(PairKey(segment, key)).empty() && used.insert(key).second) {
        continue;
      }
      return Taken(candidate, "port \"{}\" cannot follow into segment \"{}\": {} is taken there",
                   id, segment, key);
    }
    RETURN_IF_ERROR(
        Annotate(CheckUnderlayFits(model, segment, port.location().host()), Subject(candidate)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const Model& model, const v1::Profile& candidate) {
  if (!IsName(candidate.meta().name())) {
    return Invalid(candidate,
                   "name must be 1..63 characters of a-z, 0-9, '-' and '.', beginning and ending "
                   "with a letter or digit");
  }
  RETURN_IF_ERROR(Annotate(CheckContent(model, candidate), Subject(candidate)));
  return CheckPortsCanMove(model, candidate);
}

}  // namespace outrider::controller
