// The profile's lists and limits.
#include "vswitch/ovs/flow_builder.h"

namespace outrider::ovs {
namespace {

using datapath::Direction;
using openflow::Field;
using openflow::Match;

constexpr uint16_t kPort = 100;
constexpr uint16_t kBroadcast = 110;

uint64_t Drops(const RenderedPort& port, const char* reason) {
  const auto found = port.counters->drops.find(reason);
  return found == port.counters->drops.end() ? 0 : found->second;
}

// The port a frame is from, or the one it is for.
Match Where(const RenderedPort& port, Direction direction) {
  Match match;
  const uint16_t ofport = port.facts->ofport;
  if (direction == Direction::kIngress) {
    match.Set(Field::kInPort, openflow::PortFrom10(ofport));
  } else {
    match.Set(Field::kReg0, ofport);
  }
  return match;
}

void AddList(const RenderedPort& port, Direction direction, FlowBuilder& builder) {
  const bool ingress = direction == Direction::kIngress;
  const FlowTable table = ingress ? kIngressAcl : kEgressAcl;
  const FlowTable next = ingress ? kIngressRate : kEgressRate;
  const auto& digest = ingress ? port.port->ingress_rule_set : port.port->egress_rule_set;
  const uint64_t cookie = FlowCookie(table, port.facts->ofport, 0);
  const Match where = Where(port, direction);
  if (!digest) {
    builder.Add(table, kPort, cookie, where, {Goto(next)});
    return;
  }
  const auto set = builder.state().rule_sets.find(*digest);
  // Dropped as rule_set_missing.
  if (set == builder.state().rule_sets.end()) {
    builder.Add(table, kPort, cookie, where, {});
    return;
  }
  const AclFlows place{.table = table, .next = next, .where = where, .cookie = cookie};
  for (AclFlow& one : RenderRuleSet(set->second, builder.groups(), place)) {
    auto& flow = builder.Add(table, one.flow.priority, one.flow.cookie, std::move(one.flow.match),
                             std::move(one.flow.actions.apply));
    if (!one.counts) continue;
    const auto count = port.counters->rules.find({direction, one.number});
    const bool any = count != port.counters->rules.end();
    FlowBuilder::Count(any ? count->second.packets : 0, any ? count->second.bytes : 0, flow);
  }
}

void CountMeter(const RenderedPort& port, uint32_t meter, const char* reason, bool ingress,
                FlowBuilder& builder) {
  openflow::MeterStats& stats = builder.meter_stats(meter);
  stats.packets = ingress ? port.counters->rx_packets : port.counters->tx_packets;
  stats.bytes = ingress ? port.counters->rx_bytes : port.counters->tx_bytes;
  stats.bands[0].packets = Drops(port, reason);
}

// A limit of all that goes one way through the port.
struct Limit {
  FlowTable table;
  FlowTable next;
  MeterOf kind;
  const char* reason;
  bool ingress;
  bool packets;
};
constexpr Limit kLimits[] = {
    {kIngressRate, kIngressPackets, MeterOf::kIngressRate, "policer", true, false},
    {kIngressPackets, kStorm, MeterOf::kIngressPackets, "policer_pps", true, true},
    {kEgressRate, kEgressPackets, MeterOf::kEgressRate, "policer_egress", false, false},
    {kEgressPackets, kDeliver, MeterOf::kEgressPackets, "policer_egress", false, true},
};

void AddLimit(const RenderedPort& port, const Limit& limit, FlowBuilder& builder) {
  const state::Policer& policer =
      limit.ingress ? port.port->ingress_policer : port.port->egress_policer;
  const uint64_t rate = limit.packets ? policer.rate_pps : policer.rate_kbps;
  const uint64_t burst = limit.packets ? policer.burst_packets : policer.burst_kb;
  const uint32_t meter = builder.AddMeter(port, limit.kind, rate, burst, limit.packets);
  if (meter == 0) return;
  // Both egress limits have one counter: with the bits, where there are any.
  const bool counted_there = !limit.ingress && limit.packets && policer.rate_kbps != 0;
  CountMeter(port, meter, counted_there ? "" : limit.reason, limit.ingress, builder);
  builder.Add(limit.table, kPort, FlowCookie(limit.table, port.facts->ofport, 0),
              Where(port, limit.ingress ? Direction::kIngress : Direction::kEgress),
              {openflow::Meter{meter}, Goto(limit.next)});
}

// One meter for each kind: of bits, or of frames where only these are limited.
uint32_t StormMeter(const RenderedPort& port, MeterOf kind, const state::Policer& limit,
                    const char* reason, FlowBuilder& builder) {
  const bool packets = limit.rate_kbps == 0;
  const uint32_t meter = builder.AddMeter(port, kind, packets ? limit.rate_pps : limit.rate_kbps,
                                          packets ? limit.burst_packets : limit.burst_kb, packets);
  if (meter != 0) builder.meter_stats(meter).bands[0].packets = Drops(port, reason);
  return meter;
}

void AddStorm(const RenderedPort& port, FlowBuilder& builder) {
  const uint64_t cookie = FlowCookie(kStorm, port.facts->ofport, 0);
  const state::StormControl& storm = port.port->storm;
  if (const uint32_t meter =
          StormMeter(port, MeterOf::kBroadcast, storm.broadcast, "storm_broadcast", builder)) {
    Match match = Where(port, Direction::kIngress);
    match.Set(Field::kEthDst, 0xffffffffffff);
    builder.Add(kStorm, kBroadcast, cookie, match, {openflow::Meter{meter}, Goto(kUntag)});
  } else if (storm.multicast.rate_kbps != 0 || storm.multicast.rate_pps != 0) {
    // Broadcast is no multicast here.
    Match match = Where(port, Direction::kIngress);
    match.Set(Field::kEthDst, 0xffffffffffff);
    builder.Add(kStorm, kBroadcast, cookie, match, {Goto(kUntag)});
  }
  if (const uint32_t meter =
          StormMeter(port, MeterOf::kMulticast, storm.multicast, "storm_multicast", builder)) {
    Match match = Where(port, Direction::kIngress);
    match.Set(Field::kEthDst, 0x010000000000, 0x010000000000);
    builder.Add(kStorm, kPort, cookie, match, {openflow::Meter{meter}, Goto(kUntag)});
  }
  // Used in kForward.
  StormMeter(port, MeterOf::kUnknownUnicast, storm.unknown_unicast, "storm_unknown_unicast",
             builder);
}

}  // namespace

void RenderPolicy(FlowBuilder& builder) {
  for (const RenderedPort& port : builder.ports()) {
    if (port.port->phase != state::PortPhase::kActive) continue;
    AddList(port, Direction::kIngress, builder);
    AddList(port, Direction::kEgress, builder);
    for (const Limit& limit : kLimits) AddLimit(port, limit, builder);
    AddStorm(port, builder);
  }
  for (const Limit& limit : kLimits) {
    builder.Add(limit.table, 0, FlowCookie(limit.table, 0, 0), {}, {Goto(limit.next)});
  }
  builder.Add(kStorm, 0, FlowCookie(kStorm, 0, 0), {}, {Goto(kUntag)});
}

}  // namespace outrider::ovs
