// Which segment a frame is in, and what tags it has when it leaves.
#include <set>

#include "vswitch/ovs/flow_builder.h"

namespace outrider::ovs {
namespace {

using openflow::Action;
using openflow::Field;
using openflow::Match;
using state::VlanMode;

constexpr uint16_t kPort = 100;
constexpr uint16_t kTagPresent = 0x1000;
constexpr uint16_t kVidAndPresent = 0x1fff;

Match FromPort(uint16_t ofport) {
  Match match;
  match.Set(Field::kInPort, openflow::PortFrom10(ofport));
  return match;
}

Match Tagged(Match match, uint16_t vlan) {
  match.Set(Field::kVlanTci, vlan | kTagPresent, kVidAndPresent);
  return match;
}

Match Untagged(Match match) {
  match.Set(Field::kVlanTci, 0, kVidAndPresent);
  return match;
}

Match AnyTag(Match match) {
  match.Set(Field::kVlanTci, kTagPresent, kTagPresent);
  return match;
}

std::vector<Action> Into(Vni vni, FlowTable next) {
  return {SetNumber(Field::kTunId, vni.value()), Goto(next)};
}

// The matches by which frames of the port enter a segment.
std::vector<std::pair<Match, Vni>> Entries(const RenderedPort& rendered) {
  const state::Port& port = *rendered.port;
  const Match from = FromPort(rendered.facts->ofport);
  std::vector<std::pair<Match, Vni>> entries;
  if (port.vni) {
    if (port.vlans.mode == VlanMode::kDot1qTunnel) {
      if (port.vlans.customer.empty()) entries.emplace_back(from, *port.vni);
      for (const uint16_t vlan : port.vlans.customer) {
        entries.emplace_back(Tagged(from, vlan), *port.vni);
      }
    } else {
      entries.emplace_back(Untagged(from), *port.vni);
    }
    if (port.vlans.native != 0) entries.emplace_back(Tagged(from, port.vlans.native), *port.vni);
  }
  for (const auto& [vlan, vni] : port.vlans.trunk) entries.emplace_back(Tagged(from, vlan), vni);
  return entries;
}

void AddPort(const RenderedPort& port, FlowBuilder& builder) {
  const uint16_t ofport = port.facts->ofport;
  const uint64_t cookie = FlowCookie(kClassify, ofport, 0);
  if (port.port->phase != state::PortPhase::kActive) {
    auto& flow = builder.Add(kClassify, kPort, cookie, FromPort(ofport), {});
    uint64_t drops = 0;
    for (const char* reason : {"port_blocked", "port_armed"}) {
      const auto found = port.counters->drops.find(reason);
      if (found != port.counters->drops.end()) drops += found->second;
    }
    FlowBuilder::CountPackets(drops, flow);
    return;
  }
  const auto entries = Entries(port);
  for (const auto& [match, vni] : entries) {
    auto& flow = builder.Add(kClassify, kPort, cookie, match, Into(vni, kSourceGuard));
    // Frames are counted for each port, not for each of its VLANs.
    if (entries.size() == 1) {
      FlowBuilder::Count(port.counters->rx_packets, port.counters->rx_bytes, flow);
    }
  }
  if (port.port->vlans.mode == VlanMode::kDot1qTunnel) return;
  builder.Add(kUntag, kPort, FlowCookie(kUntag, ofport, 0), AnyTag(FromPort(ofport)),
              {openflow::PopVlan{}, Goto(kForward)});
}

// Whether a trunk's frames of that segment leave with this tag; 0: none.
uint16_t TagOf(const state::Port& port, Vni vni) {
  for (const auto& [vlan, of] : port.vlans.trunk) {
    if (of == vni) return vlan;
  }
  const bool tagged = port.vlans.mode == VlanMode::kNativeTagged;
  return tagged && port.vni == vni ? port.vlans.native : 0;
}

void AddDelivery(const RenderedPort& port, FlowBuilder& builder) {
  if (port.port->phase != state::PortPhase::kActive) return;
  const uint16_t ofport = port.facts->ofport;
  const std::set<Vni> segments = state::SegmentsOf(*port.port);
  for (const Vni& vni : segments) {
    Match match;
    match.Set(Field::kReg0, ofport);
    match.Set(Field::kTunId, vni.value());
    std::vector<Action> actions;
    if (const uint16_t tag = TagOf(*port.port, vni); tag != 0) {
      actions = {openflow::PushVlan{}, openflow::SetVlanVid{tag}};
    }
    actions.emplace_back(openflow::Output{.port = openflow::PortFrom10(ofport)});
    auto& flow = builder.Add(kDeliver, kPort, FlowCookie(kDeliver, ofport, vni.value()), match,
                             std::move(actions));
    if (segments.size() == 1) {
      FlowBuilder::Count(port.counters->tx_packets, port.counters->tx_bytes, flow);
    }
  }
}

// Only members of a segment are heard, each in its own segments.
void AddTunnel(Vni vni, const state::Segment& segment, FlowBuilder& builder) {
  for (const IpAddress& vtep : segment.vteps) {
    Match match = FromPort(kTunnelOfport);
    match.Set(Field::kTunId, vni.value());
    match.Set(vtep.IsV4() ? Field::kTunSrc : Field::kTunIpv6Src,
              IpPrefix::Create(vtep, vtep.IsV4() ? 32 : 128));
    builder.Add(kClassify, kPort, FlowCookie(kClassify, kTunnelOfport, vni.value()), match,
                {Goto(kForward)});
  }
}

void AddUplink(Vni vni, const state::Segment& segment, FlowBuilder& builder) {
  for (const auto& [ofport, port] : builder.bridge().ports) {
    if (!segment.provider || port.name != segment.provider->uplink) continue;
    const uint16_t vlan = segment.provider->vlan;
    std::vector<Action> actions = Into(vni, kForward);
    if (vlan != 0) actions.insert(actions.begin(), openflow::PopVlan{});
    builder.Add(kClassify, kPort, FlowCookie(kClassify, ofport, vni.value()),
                vlan == 0 ? Untagged(FromPort(ofport)) : Tagged(FromPort(ofport), vlan),
                std::move(actions));
  }
}

}  // namespace

void RenderClassify(FlowBuilder& builder) {
  for (const RenderedPort& port : builder.ports()) {
    AddPort(port, builder);
    AddDelivery(port, builder);
  }
  for (const auto& [vni, segment] : builder.state().segments) {
    if (builder.PortsIn(vni).empty()) continue;
    AddTunnel(vni, segment, builder);
    AddUplink(vni, segment, builder);
  }
  builder.Add(kUntag, 0, FlowCookie(kUntag, 0, 0), {}, {Goto(kForward)});
}

}  // namespace outrider::ovs
