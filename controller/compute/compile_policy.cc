#include "controller/compute/compile_policy.h"

#include <algorithm>
#include <string>

#include "controller/model/ip_prefix.h"

namespace outrider::controller {
namespace {

// Bursts nobody chose (objects.proto), as a share of what passes in a second: at least two 64 KiB
// super-packets. TCP that lost to a policer may stand still for its shortest retransmission
// timeout, 200 ms with Linux; a bucket that holds less than the rate passes meanwhile is never made
// up for.
constexpr uint64_t kPolicerBurstsPerSecond = 4;
constexpr uint64_t kBurstsPerSecond = 100;
constexpr uint64_t kMinBurstKb = 1049;
constexpr uint64_t kMinBurstPackets = 64;

bool IsLimit(const v1::Policer& policer) {
  return policer.rate_kbps() != 0 || policer.rate_pps() != 0;
}

v1::Policer CompilePolicer(const v1::Policer& given, uint64_t bursts_per_second) {
  v1::Policer policer = given;
  if (policer.rate_kbps() != 0 && policer.burst_kb() == 0) {
    policer.set_burst_kb(std::max(policer.rate_kbps() / bursts_per_second, kMinBurstKb));
  }
  if (policer.rate_pps() != 0 && policer.burst_packets() == 0) {
    policer.set_burst_packets(std::max(policer.rate_pps() / bursts_per_second, kMinBurstPackets));
  }
  return policer;
}

void CompileStorm(const v1::StormControl& given, v1::PortState* state) {
  const auto limits = [](const v1::Policer& policer) { return IsLimit(policer); };
  if (limits(given.broadcast())) {
    *state->mutable_storm()->mutable_broadcast() =
        CompilePolicer(given.broadcast(), kBurstsPerSecond);
  }
  if (limits(given.multicast())) {
    *state->mutable_storm()->mutable_multicast() =
        CompilePolicer(given.multicast(), kBurstsPerSecond);
  }
  if (limits(given.unknown_unicast())) {
    *state->mutable_storm()->mutable_unknown_unicast() =
        CompilePolicer(given.unknown_unicast(), kBurstsPerSecond);
  }
}

void CompileDscp(const v1::DscpPolicy& given, v1::PortState* state) {
  const bool marks = given.mode() == v1::DscpPolicy::MODE_MARK;
  const bool pipes = given.tunnel() == v1::DscpPolicy::TUNNEL_PIPE;
  if (!marks && !pipes) return;
  v1::DscpPolicy* dscp = state->mutable_dscp();
  dscp->set_mode(marks ? v1::DscpPolicy::MODE_MARK : v1::DscpPolicy::MODE_TRUST);
  dscp->set_value(marks ? given.value() : 0);
  dscp->set_tunnel(pipes ? v1::DscpPolicy::TUNNEL_PIPE : v1::DscpPolicy::TUNNEL_UNIFORM);
  dscp->set_outer_value(pipes ? given.outer_value() : 0);
}

void CompileShaper(const v1::Shaper& given, v1::PortState* state) {
  if (given.max_kbps() == 0) return;
  v1::Shaper* shaper = state->mutable_shaper();
  *shaper = given;
  if (shaper->burst_kb() == 0) {
    shaper->set_burst_kb(std::max(shaper->max_kbps() / kBurstsPerSecond, kMinBurstKb));
  }
}

// The entry of a MAC, which may be there already.
v1::AllowedAddress* EntryOf(const std::string& mac, v1::PortState* state) {
  for (v1::AllowedAddress& entry : *state->mutable_allowed()) {
    if (entry.mac() == mac) return &entry;
  }
  v1::AllowedAddress* entry = state->add_allowed();
  entry->set_mac(mac);
  return entry;
}

void AddPrefix(const std::string& text, v1::AllowedAddress* entry) {
  const auto prefix = ParsePrefix(text);
  // An IPv4-mapped address is on no wire.
  if (!prefix || prefix->IsMappedIpv4()) return;
  const std::string canonical = prefix->Text();
  const auto& there = entry->prefixes();
  if (std::find(there.begin(), there.end(), canonical) != there.end()) return;
  entry->add_prefixes(canonical);
}

void CompileAllowed(const v1::Port& port, v1::PortState* state) {
  v1::AllowedAddress* own = EntryOf(port.mac(), state);
  for (const std::string& ip : port.ips()) AddPrefix(ip, own);
  for (const v1::AllowedAddress& given : port.allowed_addresses()) {
    v1::AllowedAddress* entry = EntryOf(given.mac().empty() ? port.mac() : given.mac(), state);
    for (const std::string& prefix : given.prefixes()) AddPrefix(prefix, entry);
  }
}

}  // namespace

void CompileQos(const v1::QosSection& qos, v1::PortState* state) {
  if (IsLimit(qos.ingress_policer())) {
    *state->mutable_ingress_policer() =
        CompilePolicer(qos.ingress_policer(), kPolicerBurstsPerSecond);
  }
  if (IsLimit(qos.egress_policer())) {
    *state->mutable_egress_policer() =
        CompilePolicer(qos.egress_policer(), kPolicerBurstsPerSecond);
  }
  CompileStorm(qos.storm(), state);
  CompileDscp(qos.dscp(), state);
  CompileShaper(qos.shaper(), state);
  state->set_traffic_class(qos.traffic_class());
}

void CompileSecurity(const v1::SecuritySection& security, const v1::Port& port,
                     v1::PortState* state) {
  const bool checks_macs = security.mac_anti_spoof() != v1::SecuritySection::MAC_ANTI_SPOOF_OFF;
  const bool checks_ips = security.ip_anti_spoof() == v1::SecuritySection::IP_ANTI_SPOOF_ON;
  state->set_mac_anti_spoof(checks_macs);
  state->set_ip_anti_spoof(checks_ips);
  // Where nobody looks at the list, a change of addresses is no change of the port.
  if (checks_ips || (checks_macs && !port.allowed_addresses().empty())) {
    CompileAllowed(port, state);
  }
  state->set_max_macs(security.max_macs());
  state->set_dhcp_server_guard(security.dhcp_server_guard() != v1::SecuritySection::GUARD_OFF);
  state->set_ra_guard(!MayRoute(security));
}

bool MayRoute(const v1::SecuritySection& security) {
  return security.ra_guard() == v1::SecuritySection::GUARD_OFF;
}

}  // namespace outrider::controller
