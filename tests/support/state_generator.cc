#include "tests/support/state_generator.h"

#include <fmt/format.h>

#include <iterator>

#include "tests/support/packet_builder.h"

namespace outrider::tests {
namespace {

// Content-addressed: the content follows from the digest, in every state.
state::RuleSet WithRules(std::vector<state::AclRule> rules, bool allow) {
  return {.rules = std::move(rules),
          .default_action = allow ? state::AclAction::kAllow : state::AclAction::kDrop};
}

template <typename Map>
auto Pick(const Map& map, uint64_t n) {
  return std::next(map.begin(), static_cast<std::ptrdiff_t>(n % map.size()));
}

}  // namespace

state::HostState StateGenerator::Next() {
  ++round_;
  state::HostState state;
  for (uint32_t vni = 1; vni <= 6; ++vni) {
    if (Chance(70)) state.segments.emplace(MakeVni(vni * 1000), MakeSegment(MakeVni(vni * 1000)));
  }
  if (local_) AddLocalSegments(&state);
  for (uint8_t n = 1; n <= 8; ++n) {
    // The rules follow from the digest alone, as with a real one.
    StateGenerator content(n, {});
    std::vector<state::AclRule> rules;
    for (uint64_t i = content.Below(12); i > 0; --i) rules.push_back(content.MakeRule());
    if (Chance(60)) state.rule_sets.emplace(MakeDigest(n), WithRules(rules, n % 2 == 0));
  }
  for (uint64_t i = Below(20); i > 0; --i) state.group_members.insert(MakeMember());
  std::vector<std::string> free_devices = devices_;
  for (uint8_t n = 1; n <= 12; ++n) {
    if (!Chance(60)) continue;
    state::Port port = MakePort(state, &free_devices);
    if (!port.learn_macs || Chance(60)) port.mac = MakeMac(n);
    state.ports.emplace(MakePortId(n), port);
  }
  AddMoves(&state);
  if (state.segments.empty()) return state;
  for (uint8_t n = 1; n <= 40; ++n) {
    const Vni vni = Pick(state.segments, Below(100))->first;
    if (Chance(30))
      state.neighbors.emplace(state::NeighborKey{vni, Chance(50) ? Ip(fmt::format("10.0.0.{}", n))
                                                                 : Ip(fmt::format("fd00::{}", n))},
                              MakeMac(n));
    if (!Chance(50)) continue;
    state::FdbEntry entry{.where = Ip(fmt::format("192.0.2.{}", 1 + Below(9))),
                          .epoch = NextEpoch()};
    if (vni.IsLocal() && state.ports.empty()) continue;
    if (vni.IsLocal() || (!state.ports.empty() && Chance(50)))
      entry.where = Pick(state.ports, Below(100))->first;
    state.fdb.emplace(state::FdbKey{vni, MakeMac(n)}, entry);
  }
  AddMulticast(&state);
  return state;
}

void StateGenerator::AddLocalSegments(state::HostState* state) {
  for (uint32_t n = 10; n <= 30; n += 10) {
    if (!Chance(70)) continue;
    state::Segment segment = MakeSegment(MakeLocalVni(n));
    segment.vteps.clear();
    // Nothing is encapsulated.
    if (Chance(30)) segment.mtu = 9000;
    state->segments.emplace(MakeLocalVni(n), segment);
  }
}

void StateGenerator::MakeLocal(state::Port* port) {
  port->profile.clear();
  port->profile_revision = 0;
  port->learn_macs = Chance(70);
  if (port->learn_macs) port->mac_anti_spoof = false;
  if (Chance(30)) port->mtu_request = static_cast<uint16_t>(1000 + Below(400));
}

void StateGenerator::AddMulticast(state::HostState* state) {
  for (const auto& [vni, segment] : state->segments) {
    for (const char* group : {"::", "239.1.2.3", "ff05::77"}) {
      std::set<IpAddress> vteps;
      for (const IpAddress& vtep : segment.vteps) {
        if (Chance(40)) vteps.insert(vtep);
      }
      if (!vteps.empty()) state->multicast_groups[{vni, Ip(group)}] = vteps;
    }
  }
}

state::Segment StateGenerator::MakeSegment(const Vni& vni) {
  state::Segment segment;
  segment.mtu = 600 + static_cast<uint32_t>(Below(9)) * 100;
  segment.flood_unknown_unicast = Chance(50);
  segment.suppress_arp = Chance(50);
  segment.suppress_nd = Chance(50);
  segment.snoop_multicast = Chance(50);
  segment.drop_unknown_multicast = segment.snoop_multicast && Chance(50);
  if (Chance(25)) {
    segment.provider = {.uplink = kGeneratedUplink,
                        .vlan = static_cast<uint16_t>(vni.value() % 4095)};
    return segment;
  }
  for (uint64_t i = Below(5); i > 0; --i) {
    segment.vteps.insert(Ip(fmt::format("192.0.2.{}", 1 + Below(9))));
  }
  return segment;
}

state::AclRule StateGenerator::MakeRule() {
  state::AclRule rule;
  rule.ether = static_cast<state::EtherMatch>(Below(4));
  const bool v4 = Chance(50);
  const IpAddress address = Ip(v4 ? "10.1.2.3" : "2001:db8:1:2::3");
  const auto length = [&] { return static_cast<int>(Below(v4 ? 33 : 129)); };
  if (Chance(40)) rule.src = IpPrefix::Create(address, length());
  if (Chance(40)) rule.dst = IpPrefix::Create(address, length());
  if (Chance(50)) rule.protocol = static_cast<uint8_t>(Below(256));
  const auto range = [&] {
    const auto first = static_cast<uint16_t>(Below(60000));
    return state::PortRange{first, static_cast<uint16_t>(first + Below(5000))};
  };
  if (Chance(30)) rule.src_port = range();
  if (Chance(30)) rule.dst_port = range();
  if (Chance(20)) rule.icmp_type = static_cast<uint8_t>(Below(256));
  if (Chance(20)) rule.icmp_code = static_cast<uint8_t>(Below(256));
  rule.action = static_cast<state::AclAction>(Below(4));
  AddMatches(&rule);
  return rule;
}

void StateGenerator::AddMatches(state::AclRule* rule) {
  if (Chance(20)) rule->src_mac = MakeMac(static_cast<uint8_t>(Below(256)));
  if (Chance(20)) rule->dst_mac = MakeMac(static_cast<uint8_t>(Below(256)));
  if (Chance(20)) rule->ether_number = static_cast<uint16_t>(1536 + Below(64000));
  if (Chance(20)) rule->vlan = static_cast<uint16_t>(Below(4095));
  if (!rule->src && Chance(30)) rule->src_group = MakeMember().group;
  if (!rule->dst && Chance(30)) rule->dst_group = MakeMember().group;
  if (Chance(20)) {
    rule->tcp_flags_mask = static_cast<uint8_t>(Below(256));
    rule->tcp_flags_value = static_cast<uint8_t>(Below(256) & rule->tcp_flags_mask);
  }
  if (Chance(20)) rule->fragment = static_cast<state::FragmentMatch>(Below(5));
  if (Chance(20)) rule->ipv6_extensions = static_cast<uint8_t>(Below(64));
  if (Chance(20)) rule->log_rate = static_cast<uint32_t>(Below(1001));
  rule->number = static_cast<uint32_t>(Below(100));
}

state::GroupMember StateGenerator::MakeMember() {
  const bool v4 = Chance(50);
  const IpAddress address = Ip(v4 ? fmt::format("10.1.2.{}", Below(4)) : "2001:db8:1:2::3");
  return {.group = fmt::format("address/g{}", Below(4)),
          .prefix = IpPrefix::Create(address, static_cast<int>(Below(v4 ? 33 : 129)))};
}

void StateGenerator::AddMoves(state::HostState* state) {
  uint16_t label = 1;
  for (auto& [id, port] : state->ports) {
    if (state::IsLocal(port)) continue;
    if (Chance(20)) port.arrival = state::Arrival{.vtep = Ip("192.0.2.7"), .label = label++};
    if (!Chance(20)) continue;
    state::Departure departure{.migration_id = fmt::format("m-{}", Below(5)), .epoch = NextEpoch()};
    if (Chance(80)) departure.vtep = Ip(fmt::format("192.0.2.{}", 1 + Below(9)));
    if (Chance(80)) departure.label = static_cast<uint16_t>(1 + Below(65535));
    state->departures.emplace(id, std::move(departure));
  }
}

state::Port StateGenerator::MakePort(const state::HostState& state,
                                     std::vector<std::string>* free_devices) {
  state::Port port;
  if (!state.segments.empty() && Chance(80)) port.vni = Pick(state.segments, Below(100))->first;
  MakeVlans(state, &port);
  const bool local = state::IsLocal(port);
  if (!state::SegmentsOf(port).empty())
    port.phase = static_cast<state::PortPhase>(Below(local ? 3 : 4));
  port.profile = Chance(50) ? "web" : std::string(63, 'p');
  port.profile_revision = static_cast<uint32_t>(Below(5));
  if (!state.rule_sets.empty() && Chance(60)) {
    port.ingress_rule_set = Pick(state.rule_sets, Below(100))->first;
  }
  if (!state.rule_sets.empty() && Chance(60)) {
    port.egress_rule_set = Pick(state.rule_sets, Below(100))->first;
  }
  AddPolicy(&port);
  if (local) MakeLocal(&port);
  port.epoch = NextEpoch();
  port.report_first_frame = Chance(30);
  port.keep_established = Chance(30);
  if (Chance(40)) port.max_connections = 1 + static_cast<uint32_t>(Below(100'000));
  if (Chance(30)) port.migration_id = fmt::format("m-{}", Below(5));
  if (!free_devices->empty() && Chance(60)) {
    const auto at =
        free_devices->begin() + static_cast<std::ptrdiff_t>(Below(free_devices->size()));
    port.device = *at;
    free_devices->erase(at);
  }
  return port;
}

void StateGenerator::MakeVlans(const state::HostState& state, state::Port* port) {
  if (!port->vni) return;
  state::PortVlans& vlans = port->vlans;
  vlans.mode = static_cast<state::VlanMode>(Below(5));
  if (vlans.mode == state::VlanMode::kDot1qTunnel) {
    for (uint64_t i = Below(4); i > 0; --i) {
      vlans.customer.insert(static_cast<uint16_t>(1 + Below(4094)));
    }
  }
  const bool trunk = vlans.mode == state::VlanMode::kTrunk;
  if (vlans.mode == state::VlanMode::kAccess || vlans.mode == state::VlanMode::kDot1qTunnel) return;
  if (!trunk) vlans.native = static_cast<uint16_t>(Chance(50) ? 4094 : 1);
  const bool local = port->vni->IsLocal();
  const bool has_untagged = !trunk || (local && Chance(50));
  for (const auto& [vni, segment] : state.segments) {
    const bool native = has_untagged && vni == *port->vni;
    if (native || vni.IsLocal() != local || !Chance(60)) continue;
    const uint32_t vlan = local ? vni.value() % 1000 : 2 + vni.value() / 1000;
    vlans.trunk.emplace(static_cast<uint16_t>(vlan), vni);
  }
  if (!has_untagged) port->vni.reset();
}

state::Policer StateGenerator::MakePolicer() {
  state::Policer policer;
  if (Chance(70)) {
    policer.rate_kbps = 1 + Below(100'000'000);
    policer.burst_kb = 1 + Below(100'000);
  }
  if (Chance(50)) {
    policer.rate_pps = 1 + Below(1'000'000);
    policer.burst_packets = 1 + Below(10'000);
  }
  return policer;
}

void StateGenerator::AddPolicy(state::Port* port) {
  if (Chance(40)) port->ingress_policer = MakePolicer();
  if (Chance(20)) port->egress_policer = MakePolicer();
  if (Chance(20)) port->storm.broadcast = MakePolicer();
  if (Chance(20)) port->storm.multicast = MakePolicer();
  if (Chance(20)) port->storm.unknown_unicast = MakePolicer();
  if (Chance(20)) port->dscp.mark = static_cast<uint8_t>(Below(64));
  if (Chance(20)) port->dscp.outer = static_cast<uint8_t>(Below(64));
  if (Chance(30)) {
    port->shaper.max_kbps = 1 + Below(10'000'000);
    port->shaper.min_kbps = Below(port->shaper.max_kbps + 1);
    port->shaper.burst_kb = 1 + Below(100'000);
  }
  port->traffic_class = static_cast<uint8_t>(Below(8));
  port->mac_anti_spoof = Chance(80);
  port->ip_anti_spoof = Chance(30);
  port->max_macs = static_cast<uint32_t>(Chance(20) ? Below(4097) : 0);
  port->dhcp_server_guard = Chance(70);
  port->ra_guard = Chance(70);
  if (!Chance(40)) return;
  const uint64_t macs = 1 + Below(3);
  for (uint8_t n = 1; n <= macs; ++n) {
    state::AllowedAddress entry{.mac = MakeMac(n), .prefixes = {}};
    for (uint64_t i = Below(4); i > 0; --i) {
      const bool v4 = Chance(50);
      entry.prefixes.push_back(
          IpPrefix::Create(Ip(v4 ? fmt::format("10.0.{}.0", i) : fmt::format("fd00:{}::", i)),
                           static_cast<int>(Below(v4 ? 33 : 129))));
    }
    port->allowed.push_back(entry);
  }
}

Vni MakeVni(uint32_t value) { return *Vni::Create(value); }

Vni MakeLocalVni(uint32_t number) { return *Vni::Local(number); }

MacAddress MakeMac(uint8_t n) { return MacAddress({0x52, 0x54, 0, 0, 0, n}); }

PortId MakePortId(uint8_t n) {
  std::array<uint8_t, 16> bytes{};
  bytes[15] = n;
  return PortId(bytes);
}

Digest MakeDigest(uint8_t n) {
  std::array<uint8_t, 32> bytes{};
  bytes.fill(n);
  return Digest(bytes);
}

}  // namespace outrider::tests
