// Who has the destination: ports of this host, tunnels, and everybody.
#include "vswitch/ovs/flow_builder.h"

namespace outrider::ovs {
namespace {

using openflow::Action;
using openflow::Field;
using openflow::Match;

constexpr uint16_t kAnswer = 300;
constexpr uint16_t kStation = 200;
constexpr uint16_t kMulticastFlood = 100;
constexpr uint16_t kLimitedFlood = 60;
constexpr uint16_t kUnknownFlood = 50;
constexpr uint16_t kArp = 0x0806;
constexpr uint64_t kMulticastBit = 0x010000000000;

// A flood to more than this is said as FLOOD: a flow must fit into one message.
constexpr size_t kMostTargets = 512;

Match InSegment(Vni vni) {
  Match match;
  match.Set(Field::kTunId, vni.value());
  return match;
}

// To a tunnel end point, in the segment.
void Encapsulate(Vni vni, const IpAddress& vtep, std::vector<Action>& actions) {
  actions.push_back(SetNumber(Field::kTunId, vni.value()));
  openflow::SetField destination{.field = vtep.IsV4() ? Field::kTunDst : Field::kTunIpv6Dst};
  if (vtep.IsV4()) {
    const auto bytes = vtep.v4_bytes();
    std::copy(bytes.begin(), bytes.end(), destination.value.value.begin());
  } else {
    destination.value.value = vtep.bytes();
  }
  destination.value.mask = openflow::ExactMask(destination.field);
  actions.emplace_back(destination);
  actions.emplace_back(openflow::Output{.port = openflow::PortFrom10(kTunnelOfport)});
}

void AddStation(const state::FdbKey& key, const state::FdbEntry& entry, FlowBuilder& builder) {
  Match match = InSegment(key.vni);
  match.Set(Field::kEthDst, key.mac);
  std::vector<Action> actions;
  if (const auto* id = std::get_if<PortId>(&entry.where)) {
    const RenderedPort* port = builder.Find(*id);
    if (port == nullptr || port->port->phase != state::PortPhase::kActive) return;
    actions = {SetNumber(Field::kReg0, port->facts->ofport), Goto(kEgressAcl)};
  } else {
    Encapsulate(key.vni, std::get<IpAddress>(entry.where), actions);
  }
  builder.Add(kForward, kStation, FlowCookie(kForward, key.vni.value(), 0), match,
              std::move(actions));
}

// ARP for who is known is answered here; not for what comes from other hosts, which answer
// themselves.
void AddAnswer(const state::NeighborKey& key, const MacAddress& mac, FlowBuilder& builder) {
  if (!key.ip.IsV4()) return;
  Match match = InSegment(key.vni);
  match.Set(Field::kEthType, kArp);
  match.Set(Field::kArpOp, 1);
  match.Set(Field::kArpTpa, IpPrefix::Create(key.ip, 32));
  const auto set = [](Field field, openflow::ByteSpan bytes) {
    openflow::SetField set{.field = field};
    std::copy(bytes.begin(), bytes.end(), set.value.value.begin());
    set.value.mask = openflow::ExactMask(field);
    return set;
  };
  const auto move = [](Field from, Field to, uint16_t bits) {
    return openflow::Move{.source = from, .target = to, .bits = bits};
  };
  const auto ip = key.ip.v4_bytes();
  builder.Add(kForward, kAnswer, FlowCookie(kForward, key.vni.value(), 1), match,
              {move(Field::kEthSrc, Field::kEthDst, 48), set(Field::kEthSrc, mac.bytes()),
               SetNumber(Field::kArpOp, 2), move(Field::kArpSha, Field::kArpTha, 48),
               set(Field::kArpSha, mac.bytes()), move(Field::kArpSpa, Field::kArpTpa, 32),
               set(Field::kArpSpa, ip), openflow::Output{.port = openflow::kPortInPort}});
}

// To everybody in the segment. OpenFlow sends nothing back out of the port it came from, so what
// came by a tunnel goes into none.
std::vector<Action> Flood(Vni vni, const state::Segment& segment, FlowBuilder& builder) {
  const auto ports = builder.PortsIn(vni);
  std::vector<Action> actions;
  if (ports.size() + segment.vteps.size() > kMostTargets) {
    actions.emplace_back(openflow::Output{.port = openflow::kPortFlood});
    return actions;
  }
  for (const RenderedPort* port : ports) {
    actions.push_back(SetNumber(Field::kReg0, port->facts->ofport));
    actions.emplace_back(openflow::Resubmit{.port = openflow::kPortInPort, .table = kEgressAcl});
  }
  for (const IpAddress& vtep : segment.vteps) {
    Encapsulate(vni, vtep, actions);
  }
  for (const auto& [ofport, port] : builder.bridge().ports) {
    if (!segment.provider || port.name != segment.provider->uplink) continue;
    if (segment.provider->vlan != 0) {
      actions.emplace_back(openflow::PushVlan{});
      actions.emplace_back(openflow::SetVlanVid{segment.provider->vlan});
    }
    actions.emplace_back(openflow::Output{.port = openflow::PortFrom10(ofport)});
  }
  return actions;
}

void AddFloods(Vni vni, const state::Segment& segment, FlowBuilder& builder) {
  const uint64_t cookie = FlowCookie(kForward, vni.value(), 2);
  const std::vector<Action> flood = Flood(vni, segment, builder);
  Match many = InSegment(vni);
  many.Set(Field::kEthDst, kMulticastBit, kMulticastBit);
  builder.Add(kForward, kMulticastFlood, cookie, many, flood);
  if (!segment.flood_unknown_unicast) {
    builder.Add(kForward, kUnknownFlood, cookie, InSegment(vni), {});
    return;
  }
  builder.Add(kForward, kUnknownFlood, cookie, InSegment(vni), flood);
  for (const RenderedPort* port : builder.PortsIn(vni)) {
    const state::Policer& limit = port->port->storm.unknown_unicast;
    if (limit.rate_kbps == 0 && limit.rate_pps == 0) continue;
    Match match = InSegment(vni);
    match.Set(Field::kInPort, openflow::PortFrom10(port->facts->ofport));
    std::vector<Action> actions = flood;
    actions.insert(actions.begin(),
                   openflow::Meter{MeterId(port->facts->ofport, MeterOf::kUnknownUnicast)});
    builder.Add(kForward, kLimitedFlood, cookie, match, std::move(actions));
  }
}

}  // namespace

void RenderForward(FlowBuilder& builder) {
  const state::HostState& state = builder.state();
  for (const auto& [vni, segment] : state.segments) {
    if (!builder.PortsIn(vni).empty()) AddFloods(vni, segment, builder);
  }
  std::map<Vni, bool> here;
  const auto is_here = [&](Vni vni) {
    const auto [found, fresh] = here.try_emplace(vni, false);
    if (fresh) found->second = !builder.PortsIn(vni).empty();
    return found->second;
  };
  for (const auto& [key, entry] : state.fdb) {
    if (is_here(key.vni)) AddStation(key, entry, builder);
  }
  for (const auto& [key, mac] : state.neighbors) {
    const auto segment = state.segments.find(key.vni);
    if (segment == state.segments.end() || !segment->second.suppress_arp) continue;
    if (is_here(key.vni)) AddAnswer(key, mac, builder);
  }
}

}  // namespace outrider::ovs
