#include <linux/if_ether.h>
#include <netinet/in.h>

#include <algorithm>
#include <utility>

#include "controller/model/acl.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/names.h"
#include "controller/model/one_line.h"
#include "controller/model/tcp_flags.h"
#include "controller/model/validate_sections.h"
#include "controller/model/vlan_section.h"

namespace outrider::controller {
namespace {

constexpr uint32_t kMaxPort = 65535;
// Below are lengths (IEEE 802.3, 3.2.6).
constexpr uint32_t kMinEtherNumber = 1536;

std::string ProtocolWord(const v1::AclMatch& match) {
  return match.protocol().empty() ? "any" : OneLine(match.protocol());
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
    return Wrong("ports need protocol tcp, udp or sctp, not \"{}\"", ProtocolWord(match));
  }
  if (match.has_src_port()) RETURN_IF_ERROR(CheckPortRange(match.src_port(), "src_port"));
  if (match.has_dst_port()) RETURN_IF_ERROR(CheckPortRange(match.dst_port(), "dst_port"));
  return absl::OkStatus();
}

absl::Status CheckIcmp(const v1::AclMatch& match, uint32_t protocol) {
  if (!match.has_icmp_type() && !match.has_icmp_code()) return absl::OkStatus();
  if (!IsAnyIcmp(protocol)) {
    return Wrong("icmp_type and icmp_code need protocol icmp or icmpv6, not \"{}\"",
                 ProtocolWord(match));
  }
  if (!match.has_icmp_type()) return Wrong("icmp_code needs icmp_type");
  if (match.icmp_type() > 255) return Wrong("icmp_type {} is not in 0..255", match.icmp_type());
  if (match.icmp_code() > 255) return Wrong("icmp_code {} is not in 0..255", match.icmp_code());
  return absl::OkStatus();
}

absl::Status CheckTcpFlags(const v1::AclMatch& match, uint32_t protocol) {
  if (match.tcp_flags().empty()) return absl::OkStatus();
  if (protocol != IPPROTO_TCP) {
    return Wrong("tcp_flags need protocol tcp, not \"{}\"", ProtocolWord(match));
  }
  return Annotate(ParseTcpFlags(match.tcp_flags()).status(), "tcp_flags");
}

// A later fragment has no layer-4 header: asking for both is asking for nothing.
absl::Status CheckFragment(const v1::AclMatch& match) {
  if (!v1::AclMatch::Fragment_IsValid(match.fragment())) {
    return Wrong("fragment {} is unknown; give any, none, some, first or later",
                 static_cast<int>(match.fragment()));
  }
  if (match.fragment() != v1::AclMatch::FRAGMENT_LATER) return absl::OkStatus();
  const char* field = match.has_src_port()         ? "src_port"
                      : match.has_dst_port()       ? "dst_port"
                      : match.has_icmp_type()      ? "icmp_type"
                      : !match.tcp_flags().empty() ? "tcp_flags"
                                                   : nullptr;
  if (field == nullptr) return absl::OkStatus();
  return Wrong("fragment later has no {}; remove one of them", field);
}

absl::Status CheckExtensions(const v1::AclMatch& match) {
  const auto& extensions = match.ipv6_extensions();
  for (int i = 0; i < extensions.size(); ++i) {
    if (extensions[i] == v1::AclMatch::IPV6_EXTENSION_UNSPECIFIED ||
        !v1::AclMatch::Ipv6Extension_IsValid(extensions[i])) {
      return Wrong("ipv6_extensions: {} is not an extension header", extensions[i]);
    }
    // Normalisation has sorted them.
    if (i > 0 && extensions[i] == extensions[i - 1]) {
      return Wrong("ipv6_extensions: {} is listed twice; remove one",
                   v1::AclMatch::Ipv6Extension_Name(
                       static_cast<v1::AclMatch::Ipv6Extension>(extensions[i])));
    }
  }
  return absl::OkStatus();
}

// What a rule may say of one side.
struct Side {
  const char* name;
  const std::string& prefix;
  const std::string& group;
  const std::string& port_group;
};

absl::Status CheckOneOf(const Side& side) {
  const std::pair<const char*, bool> given[] = {{"prefix", !side.prefix.empty()},
                                                {"group", !side.group.empty()},
                                                {"port_group", !side.port_group.empty()}};
  const char* first = nullptr;
  for (const auto& [field, is_given] : given) {
    if (!is_given) continue;
    if (first != nullptr) {
      return Wrong("{0}_{1} and {0}_{2} are both given; remove one", side.name, first, field);
    }
    first = field;
  }
  return absl::OkStatus();
}

// `family` is 0 when the side has none of its own.
absl::Status CheckSide(const Model& model, const Side& side, int* family) {
  *family = 0;
  RETURN_IF_ERROR(CheckOneOf(side));
  if (!side.group.empty() && model.Find<v1::AddressGroup>(side.group) == nullptr) {
    return Wrong("{}_group \"{}\" does not exist; create the address group first", side.name,
                 OneLine(side.group));
  }
  if (!side.port_group.empty() && model.Find<v1::PortGroup>(side.port_group) == nullptr) {
    return Wrong("{}_port_group \"{}\" does not exist; create the port group first", side.name,
                 OneLine(side.port_group));
  }
  if (side.prefix.empty()) return absl::OkStatus();
  const auto parsed = ParsePrefix(side.prefix);
  if (!parsed) return Wrong("{}_prefix \"{}\" is not an IP prefix", side.name, side.prefix);
  if (parsed->HasHostBits()) {
    return Wrong("{}_prefix {} has host bits set; did you mean {}?", side.name, side.prefix,
                 parsed->Network().Text());
  }
  *family = parsed->family;
  return absl::OkStatus();
}

// What each field says about the address family must agree.
absl::Status CheckFamilies(const v1::AclMatch& match, int src_family, int dst_family) {
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
  if (IsAnyIcmp(ProtocolNumber(match.protocol()).value_or(0))) {
    RETURN_IF_ERROR(add("protocol " + match.protocol(), match.protocol() == "icmp" ? 4 : 6));
  }
  if (!match.ipv6_extensions().empty()) RETURN_IF_ERROR(add("ipv6_extensions", 6));
  RETURN_IF_ERROR(add("src_prefix " + match.src_prefix(), src_family));
  return add("dst_prefix " + match.dst_prefix(), dst_family);
}

// A field only IP frames have; null: the rule names none.
const char* FirstIpField(const v1::AclMatch& match) {
  const std::pair<const char*, bool> given[] = {
      {"src_prefix", !match.src_prefix().empty()},
      {"dst_prefix", !match.dst_prefix().empty()},
      {"src_group", !match.src_group().empty()},
      {"dst_group", !match.dst_group().empty()},
      {"src_port_group", !match.src_port_group().empty()},
      {"dst_port_group", !match.dst_port_group().empty()},
      {"protocol", !match.protocol().empty()},
      {"fragment", match.fragment() != v1::AclMatch::FRAGMENT_ANY},
      {"ipv6_extensions", !match.ipv6_extensions().empty()}};
  for (const auto& [field, is_given] : given) {
    if (is_given) return field;
  }
  return nullptr;
}

absl::Status CheckEtherNumber(const v1::AclMatch& match) {
  if (match.ether_number() == 0) return absl::OkStatus();
  if (match.ether_type() != v1::AclMatch::ETHER_TYPE_ANY) {
    return Wrong("ether_type and ether_number are both given; remove one");
  }
  if (match.ether_number() < kMinEtherNumber || match.ether_number() > 0xffff) {
    return Wrong("ether_number {} is not in {}..65535", match.ether_number(), kMinEtherNumber);
  }
  if (match.ether_number() == ETH_P_8021Q || match.ether_number() == ETH_P_8021AD) {
    return Wrong("ether_number {} is that of a VLAN tag; match on vlan", match.ether_number());
  }
  if (const char* field = FirstIpField(match)) {
    return Wrong("ether_number {} has no {}; remove one of them", match.ether_number(), field);
  }
  return absl::OkStatus();
}

absl::Status CheckLayer2(const v1::AclMatch& match) {
  if (!match.src_mac().empty() && !IsUnicastMac(match.src_mac())) {
    return Wrong("src_mac \"{}\" is not a unicast MAC such as 52:54:00:aa:bb:cc",
                 OneLine(match.src_mac()));
  }
  if (!match.dst_mac().empty() && !IsMac(match.dst_mac())) {
    return Wrong("dst_mac \"{}\" is not a MAC such as 52:54:00:aa:bb:cc", OneLine(match.dst_mac()));
  }
  if (match.has_vlan() && match.vlan() > kMaxVlan) {
    return Wrong("vlan {} is not in 1..{}, nor 0 for untagged", match.vlan(), kMaxVlan);
  }
  if (!v1::AclMatch::EtherType_IsValid(match.ether_type())) {
    return Wrong("ether_type {} is unknown", static_cast<int>(match.ether_type()));
  }
  RETURN_IF_ERROR(CheckEtherNumber(match));
  const char* field = FirstIpField(match);
  if (match.ether_type() == v1::AclMatch::ETHER_TYPE_ARP && field != nullptr) {
    return Wrong("ether_type arp has no {}; remove one of them", field);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckMatch(const Model& model, const v1::AclMatch& match) {
  const auto protocol = ProtocolNumber(match.protocol());
  if (!protocol) {
    return Wrong("protocol \"{}\" is not tcp, udp, icmp, icmpv6, sctp or a number 1..255",
                 OneLine(match.protocol()));
  }
  int src_family = 0;
  int dst_family = 0;
  RETURN_IF_ERROR(CheckSide(
      model, {"src", match.src_prefix(), match.src_group(), match.src_port_group()}, &src_family));
  RETURN_IF_ERROR(CheckSide(
      model, {"dst", match.dst_prefix(), match.dst_group(), match.dst_port_group()}, &dst_family));
  RETURN_IF_ERROR(CheckLayer2(match));
  RETURN_IF_ERROR(CheckPorts(match, *protocol));
  RETURN_IF_ERROR(CheckIcmp(match, *protocol));
  RETURN_IF_ERROR(CheckTcpFlags(match, *protocol));
  RETURN_IF_ERROR(CheckFragment(match));
  RETURN_IF_ERROR(CheckExtensions(match));
  return CheckFamilies(match, src_family, dst_family);
}

}  // namespace outrider::controller
