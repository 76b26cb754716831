// In whose name a guest may send: its MACs, its addresses, and not as a DHCP server or router.
#include <netinet/in.h>

#include <map>

#include "vswitch/ovs/flow_builder.h"

namespace outrider::ovs {
namespace {

using openflow::Field;
using openflow::Match;

constexpr uint16_t kServer = 300;
constexpr uint16_t kAllowed = 200;
constexpr uint16_t kProtected = 150;
constexpr uint16_t kRest = 100;
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kArp = 0x0806;
constexpr uint16_t kIpv6 = 0x86dd;
constexpr uint16_t kDhcpServer = 67;
constexpr uint16_t kDhcp6Server = 547;
constexpr uint8_t kRouterAdvertisement = 134;

class Guard {
 public:
  Guard(const RenderedPort& port, FlowBuilder& builder)
      : port_(port), builder_(builder), cookie_(FlowCookie(kSourceGuard, port.facts->ofport, 0)) {
    from_.Set(Field::kInPort, openflow::PortFrom10(port.facts->ofport));
  }

  void Run() {
    if (port_.port->dhcp_server_guard) {
      Drop(Udp(kIpv4, kDhcpServer), "dhcp_server");
      Drop(Udp(kIpv6, kDhcp6Server), nullptr);
    }
    if (port_.port->ra_guard) {
      Match match = Ip(kIpv6, IPPROTO_ICMPV6);
      match.Set(Field::kIcmpv6Type, kRouterAdvertisement);
      Drop(match, "router_advertisement");
    }
    AddMacs();
    const bool any_mac = !port_.port->mac_anti_spoof;
    auto& rest = Add(kRest, from_, any_mac);
    if (!any_mac) FlowBuilder::CountPackets(Drops("spoofed_mac"), rest);
  }

 private:
  Match Ip(uint16_t version, uint8_t protocol) const {
    Match match = from_;
    match.Set(Field::kEthType, version);
    match.Set(Field::kIpProto, protocol);
    return match;
  }
  Match Udp(uint16_t version, uint16_t source) const {
    Match match = Ip(version, IPPROTO_UDP);
    match.Set(Field::kUdpSrc, source);
    return match;
  }

  uint64_t Drops(const char* reason) const {
    const auto found = port_.counters->drops.find(reason);
    return found == port_.counters->drops.end() ? 0 : found->second;
  }

  openflow::FlowStats& Add(uint16_t priority, const Match& match, bool pass) {
    std::vector<openflow::Action> actions;
    if (pass) actions.push_back(Goto(kIngressAcl));
    return builder_.Add(kSourceGuard, priority, cookie_, match, std::move(actions));
  }

  // `reason`: whose drops these are; nullptr: counted elsewhere.
  void Drop(const Match& match, const char* reason) {
    auto& flow = Add(kServer, match, false);
    if (reason != nullptr) FlowBuilder::CountPackets(Drops(reason), flow);
  }

  void AddMacs() {
    std::map<MacAddress, std::vector<IpPrefix>> macs;
    if (port_.port->mac_anti_spoof) macs[port_.port->mac];
    for (const state::AllowedAddress& allowed : port_.port->allowed) {
      auto& prefixes = macs[allowed.mac];
      prefixes.insert(prefixes.end(), allowed.prefixes.begin(), allowed.prefixes.end());
    }
    bool first = true;
    for (const auto& [mac, prefixes] : macs) {
      Match match = from_;
      match.Set(Field::kEthSrc, mac);
      if (port_.port->ip_anti_spoof) {
        AddPrefixes(match, mac, prefixes);
        AddProtected(match, first);
        first = false;
      }
      Add(kRest + 1, match, true);
    }
  }

  // Addresses of IP packets, and what ARP says of them.
  void AddPrefixes(const Match& from_mac, const MacAddress& mac,
                   const std::vector<IpPrefix>& prefixes) {
    for (const IpPrefix& prefix : prefixes) {
      Match ip = from_mac;
      ip.Set(Field::kEthType, prefix.IsV4() ? kIpv4 : kIpv6);
      ip.Set(prefix.IsV4() ? Field::kIpv4Src : Field::kIpv6Src, prefix);
      Add(kAllowed, ip, true);
      if (!prefix.IsV4()) continue;
      Match arp = from_mac;
      arp.Set(Field::kEthType, kArp);
      arp.Set(Field::kArpSpa, prefix);
      arp.Set(Field::kArpSha, mac);
      Add(kAllowed, arp, true);
    }
  }

  // No other addresses; the drops of a port are on the first of these.
  void AddProtected(const Match& from_mac, bool first) {
    for (const uint16_t type : {kIpv4, kArp, kIpv6}) {
      Match match = from_mac;
      match.Set(Field::kEthType, type);
      auto& flow = Add(kProtected, match, false);
      if (first && type == kIpv4) FlowBuilder::CountPackets(Drops("spoofed_ip"), flow);
    }
  }

  const RenderedPort& port_;
  FlowBuilder& builder_;
  const uint64_t cookie_;
  Match from_;
};

}  // namespace

void RenderSourceGuard(FlowBuilder& builder) {
  for (const RenderedPort& port : builder.ports()) {
    if (port.port->phase == state::PortPhase::kActive) Guard(port, builder).Run();
  }
}

}  // namespace outrider::ovs
