#include "controller/model/acl.h"
#include "controller/model/ip_prefix.h"
#include "controller/model/names.h"
#include "controller/model/validate.h"

namespace outrider::controller {
namespace {

constexpr uint32_t kDefaultMtu = 1450;

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

// ether_type stays as given: what prefixes and protocol imply is worked out when compiling.
void NormalizeMatch(v1::AclMatch* match) {
  NormalizePrefix(match->mutable_src_prefix());
  NormalizePrefix(match->mutable_dst_prefix());
  NormalizeProtocol(match->mutable_protocol());
}

}  // namespace

void Normalize(v1::Segment* segment) {
  if (segment->mtu() == 0) segment->set_mtu(kDefaultMtu);
  if (segment->unknown_unicast() == v1::Segment::UNKNOWN_UNICAST_UNSPECIFIED) {
    segment->set_unknown_unicast(v1::Segment::UNKNOWN_UNICAST_DROP);
  }
  if (segment->arp_suppression() == v1::Segment::ARP_SUPPRESSION_UNSPECIFIED) {
    segment->set_arp_suppression(v1::Segment::ARP_SUPPRESSION_ON);
  }
}

void Normalize(v1::AddressGroup* group) {
  for (std::string& prefix : *group->mutable_prefixes()) NormalizePrefix(&prefix);
}

void Normalize(v1::Gateway* gateway) {
  NormalizeAddress(gateway->mutable_vtep());
  for (v1::Gateway::Station& station : *gateway->mutable_stations()) {
    station.set_mac(CanonicalMac(station.mac()));
    for (std::string& ip : *station.mutable_ips()) NormalizeAddress(&ip);
  }
}

void Normalize(v1::Profile* profile) {
  if (profile->vlan().mode() == v1::VlanSection::MODE_UNSPECIFIED) {
    profile->mutable_vlan()->set_mode(v1::VlanSection::MODE_ACCESS);
  }
  if (profile->security().mac_anti_spoof() == v1::SecuritySection::MAC_ANTI_SPOOF_UNSPECIFIED) {
    profile->mutable_security()->set_mac_anti_spoof(v1::SecuritySection::MAC_ANTI_SPOOF_ON);
  }
  // default_action and burst_kb stay unset: their defaults depend on other fields, and a later edit
  // of those must still count.
  if (!profile->has_acl()) return;
  for (auto* rules :
       {profile->mutable_acl()->mutable_ingress(), profile->mutable_acl()->mutable_egress()}) {
    for (v1::AclRule& rule : *rules) NormalizeMatch(rule.mutable_match());
  }
}

void Normalize(v1::Port* port) {
  port->mutable_meta()->set_name(ToLower(port->meta().name()));
  port->set_mac(CanonicalMac(port->mac()));
  for (std::string& ip : *port->mutable_ips()) NormalizeAddress(&ip);
}

void Normalize(v1::Host* host) {
  for (std::string& vtep : *host->mutable_vteps()) NormalizeAddress(&vtep);
}

}  // namespace outrider::controller
