#include <linux/if_ether.h>

#include <algorithm>
#include <utility>

#include "controller/model/acl.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/names.h"
#include "controller/model/tcp_flags.h"
#include "controller/model/validate.h"

namespace outrider::controller {
namespace {

// Of a VLAN of a physical network: nothing is put around its packets.
constexpr uint32_t kDefaultProviderMtu = 1500;

void NormalizeAddress(std::string* text) {
  if (const auto address = ParseAddress(*text)) *text = address->AddressText();
}

// Host bits stay for Validate to refuse: the user meant either a shorter prefix or the address.
void NormalizePrefix(std::string* text) {
  if (const auto prefix = ParsePrefix(*text)) *text = prefix->Text();
}

// Numbers that have a name become it, so that equal rules have equal digests.
void NormalizeProtocol(std::string* text) {
  *text = ToLower(*text);
  const auto number = ProtocolNumber(*text);
  if (!number.has_value() || *number == 0) return;
  for (const char* name : {"tcp", "udp", "icmp", "icmpv6", "sctp"}) {
    if (ProtocolNumber(name) == number) {
      *text = name;
      return;
    }
  }
  *text = std::to_string(*number);
}

// Numbers that have a word become it. With an ether_type beside it, it is a mistake to refuse.
void NormalizeEtherNumber(v1::AclMatch* match) {
  if (match->ether_type() != v1::AclMatch::ETHER_TYPE_ANY) return;
  for (const auto& [number, type] : {std::pair(ETH_P_IP, v1::AclMatch::ETHER_TYPE_IPV4),
                                     std::pair(ETH_P_IPV6, v1::AclMatch::ETHER_TYPE_IPV6),
                                     std::pair(ETH_P_ARP, v1::AclMatch::ETHER_TYPE_ARP)}) {
    if (match->ether_number() != static_cast<uint32_t>(number)) continue;
    match->set_ether_type(type);
    match->clear_ether_number();
  }
}

// ether_type stays as given: what prefixes and protocol imply is worked out when compiling.
void NormalizeMatch(v1::AclMatch* match) {
  for (std::string* mac : {match->mutable_src_mac(), match->mutable_dst_mac()}) {
    *mac = CanonicalMac(*mac);
  }
  NormalizeEtherNumber(match);
  NormalizePrefix(match->mutable_src_prefix());
  NormalizePrefix(match->mutable_dst_prefix());
  NormalizeProtocol(match->mutable_protocol());
  if (const auto flags = ParseTcpFlags(match->tcp_flags()); flags.ok()) {
    match->set_tcp_flags(flags->Text());
  }
  std::sort(match->mutable_ipv6_extensions()->begin(), match->mutable_ipv6_extensions()->end());
}

void NormalizeRule(v1::AclRule* rule) {
  NormalizeMatch(rule->mutable_match());
  if (rule->has_log() && rule->log().rate_per_s() == 0) {
    rule->mutable_log()->set_rate_per_s(kDefaultLogRate);
  }
}

// Sets, written in any order.
void NormalizeVlans(v1::VlanSection* vlan) {
  std::stable_sort(vlan->mutable_vlans()->begin(), vlan->mutable_vlans()->end(),
                   [](const auto& a, const auto& b) { return a.vlan() < b.vlan(); });
  std::sort(vlan->mutable_customer_vlans()->begin(), vlan->mutable_customer_vlans()->end());
}

// Defaults of the VLAN and security sections. A section a child leaves out is its parent's.
void NormalizeSections(bool inherits, v1::Profile* profile) {
  const bool vlan = profile->has_vlan() || !inherits;
  if (vlan && profile->vlan().mode() == v1::VlanSection::MODE_UNSPECIFIED) {
    profile->mutable_vlan()->set_mode(v1::VlanSection::MODE_ACCESS);
  }
  if (vlan) NormalizeVlans(profile->mutable_vlan());
  const bool security = profile->has_security() || !inherits;
  if (security &&
      profile->security().mac_anti_spoof() == v1::SecuritySection::MAC_ANTI_SPOOF_UNSPECIFIED) {
    profile->mutable_security()->set_mac_anti_spoof(v1::SecuritySection::MAC_ANTI_SPOOF_ON);
  }
}

}  // namespace

void Normalize(v1::Segment* segment) {
  const bool provider = segment->has_provider();
  if (segment->mtu() == 0 && provider) segment->set_mtu(kDefaultProviderMtu);
  if (segment->unknown_unicast() == v1::Segment::UNKNOWN_UNICAST_UNSPECIFIED) {
    // Stations of a physical network are not known before they speak.
    segment->set_unknown_unicast(provider ? v1::Segment::UNKNOWN_UNICAST_FLOOD
                                          : v1::Segment::UNKNOWN_UNICAST_DROP);
  }
  if (segment->arp_suppression() == v1::Segment::ARP_SUPPRESSION_UNSPECIFIED) {
    segment->set_arp_suppression(v1::Segment::ARP_SUPPRESSION_ON);
  }
  if (segment->nd_suppression() == v1::Segment::ND_SUPPRESSION_UNSPECIFIED) {
    segment->set_nd_suppression(v1::Segment::ND_SUPPRESSION_ON);
  }
  if (segment->multicast() == v1::Segment::MULTICAST_UNSPECIFIED) {
    segment->set_multicast(v1::Segment::MULTICAST_FLOOD);
  }
  if (segment->unknown_multicast() == v1::Segment::UNKNOWN_MULTICAST_UNSPECIFIED) {
    segment->set_unknown_multicast(v1::Segment::UNKNOWN_MULTICAST_FLOOD);
  }
}

void Normalize(v1::AddressGroup* group) {
  for (std::string& prefix : *group->mutable_prefixes()) NormalizePrefix(&prefix);
  // A set: another order is no other content, and hosts are told of members in this one.
  std::sort(group->mutable_prefixes()->begin(), group->mutable_prefixes()->end());
}

void Normalize(v1::PortGroup* group) {
  for (std::string& port : *group->mutable_ports()) port = ToLower(std::move(port));
}

void Normalize(v1::Gateway* gateway) {
  NormalizeAddress(gateway->mutable_vtep());
  for (v1::Gateway::Station& station : *gateway->mutable_stations()) {
    station.set_mac(CanonicalMac(station.mac()));
    for (std::string& ip : *station.mutable_ips()) NormalizeAddress(&ip);
  }
}

void Normalize(v1::Profile* profile) {
  NormalizeSections(!profile->parent().empty(), profile);
  // default_action, max_connections and burst_kb stay unset: their defaults depend on other fields,
  // and a later edit of those must still count.
  if (!profile->has_acl()) return;
  for (auto* rules :
       {profile->mutable_acl()->mutable_ingress(), profile->mutable_acl()->mutable_egress()}) {
    for (v1::AclRule& rule : *rules) NormalizeRule(&rule);
  }
}

void FillInSections(v1::Profile* profile) { NormalizeSections(/*inherits=*/false, profile); }

void Normalize(v1::Port* port) {
  port->mutable_meta()->set_name(ToLower(port->meta().name()));
  port->set_mac(CanonicalMac(port->mac()));
  for (std::string& ip : *port->mutable_ips()) NormalizeAddress(&ip);
  for (v1::AllowedAddress& entry : *port->mutable_allowed_addresses()) {
    entry.set_mac(CanonicalMac(entry.mac()));
    for (std::string& prefix : *entry.mutable_prefixes()) NormalizePrefix(&prefix);
  }
}

void Normalize(v1::Host* host) {
  for (std::string& vtep : *host->mutable_vteps()) NormalizeAddress(&vtep);
  auto* uplinks = host->mutable_uplinks();
  std::sort(uplinks->begin(), uplinks->end());
  uplinks->erase(std::unique(uplinks->begin(), uplinks->end()), uplinks->end());
}

}  // namespace outrider::controller
