#include "vswitch/ovs/openflow_pipeline.h"

#include <algorithm>
#include <tuple>

#include "vswitch/ovs/flow_builder.h"

namespace outrider::ovs {
namespace {

using openflow::FlowStats;
using openflow::Match;

const state::HostState& EmptyState() {
  static const state::HostState kEmpty;
  return kEmpty;
}

constexpr uint64_t kNanoseconds = 1000000000;

bool OutputsTo(const std::vector<openflow::Action>& actions, uint32_t port) {
  return std::any_of(actions.begin(), actions.end(), [port](const openflow::Action& action) {
    const auto* output = std::get_if<openflow::Output>(&action);
    return output != nullptr && output->port == port;
  });
}

// How often each meter is used by a flow.
void CountUsers(Pipeline& pipeline) {
  std::map<uint32_t, uint32_t> users;
  for (const FlowStats& flow : pipeline.flows) {
    for (const openflow::Action& action : flow.actions.apply) {
      if (const auto* meter = std::get_if<openflow::Meter>(&action)) ++users[meter->meter];
    }
  }
  for (openflow::MeterStats& stats : pipeline.meter_stats) stats.flows = users[stats.meter];
}

}  // namespace

FlowBuilder::FlowBuilder(const SwitchFacts& facts, const BridgeFacts& bridge)
    : bridge_(bridge),
      held_(facts.in_force),
      state_(held_ != nullptr ? *held_ : EmptyState()),
      groups_(GroupsOf(state_)),
      no_counters_{} {
  for (const auto& [ofport, port] : bridge.ports) {
    duration_ns_ = std::max(duration_ns_, port.duration_ns);
    if (!port.id) continue;
    const auto in_force = state_.ports.find(*port.id);
    if (in_force == state_.ports.end()) continue;
    const auto counters = facts.counters.find(*port.id);
    by_id_[*port.id] = ports_.size();
    ports_.push_back(
        {.facts = &port,
         .port = &in_force->second,
         .counters = counters == facts.counters.end() ? &no_counters_ : &counters->second});
  }
}

std::vector<const RenderedPort*> FlowBuilder::PortsIn(Vni vni) const {
  std::vector<const RenderedPort*> found;
  for (const RenderedPort& port : ports_) {
    if (port.port->phase != state::PortPhase::kActive) continue;
    if (state::SegmentsOf(*port.port).contains(vni)) found.push_back(&port);
  }
  return found;
}

const RenderedPort* FlowBuilder::Find(const PortId& id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &ports_[found->second];
}

FlowStats& FlowBuilder::Add(FlowTable table, uint16_t priority, uint64_t cookie, Match match,
                            std::vector<openflow::Action> actions) {
  FlowStats flow{.table = table, .priority = priority, .cookie = cookie};
  flow.duration_s = static_cast<uint32_t>(duration_ns_ / kNanoseconds);
  flow.duration_ns = static_cast<uint32_t>(duration_ns_ % kNanoseconds);
  flow.flags = openflow::k13NoPacketCounts | openflow::k13NoByteCounts;
  flow.match = std::move(match);
  flow.actions.apply = std::move(actions);
  return pipeline_.flows.emplace_back(std::move(flow));
}

void FlowBuilder::CountPackets(uint64_t packets, FlowStats& flow) {
  flow.packets = packets;
  flow.flags &= ~openflow::k13NoPacketCounts;
}

void FlowBuilder::Count(uint64_t packets, uint64_t bytes, FlowStats& flow) {
  CountPackets(packets, flow);
  flow.bytes = bytes;
  flow.flags &= ~openflow::k13NoByteCounts;
}

uint32_t FlowBuilder::AddMeter(const RenderedPort& port, MeterOf kind, uint64_t rate,
                               uint64_t burst, bool packets) {
  if (rate == 0) return 0;
  // OpenFlow has 32 bits: 4 Tbit/s.
  const auto fit = [](uint64_t value) {
    return static_cast<uint32_t>(std::min<uint64_t>(value, UINT32_MAX));
  };
  const uint32_t id = MeterId(port.facts->ofport, kind);
  openflow::MeterConfig meter{.meter = id};
  meter.flags = static_cast<uint16_t>((packets ? openflow::kMeterPktps : openflow::kMeterKbps) |
                                      openflow::kMeterStats);
  if (burst != 0) meter.flags |= openflow::kMeterBurst;
  meter.bands.push_back({.rate = fit(rate), .burst = fit(burst)});
  pipeline_.meters.push_back(std::move(meter));
  openflow::MeterStats stats{.meter = id};
  stats.duration_s = static_cast<uint32_t>(port.facts->duration_ns / kNanoseconds);
  stats.duration_ns = static_cast<uint32_t>(port.facts->duration_ns % kNanoseconds);
  stats.bands.emplace_back();
  pipeline_.meter_stats.push_back(std::move(stats));
  return id;
}

openflow::MeterStats& FlowBuilder::meter_stats(uint32_t meter) {
  return *std::find_if(pipeline_.meter_stats.begin(), pipeline_.meter_stats.end(),
                       [meter](const openflow::MeterStats& stats) { return stats.meter == meter; });
}

Pipeline FlowBuilder::Finish() {
  std::stable_sort(pipeline_.flows.begin(), pipeline_.flows.end(),
                   [](const FlowStats& a, const FlowStats& b) {
                     return std::tuple(a.table, -a.priority) < std::tuple(b.table, -b.priority);
                   });
  const auto by_id = [](const auto& a, const auto& b) { return a.meter < b.meter; };
  std::sort(pipeline_.meters.begin(), pipeline_.meters.end(), by_id);
  std::sort(pipeline_.meter_stats.begin(), pipeline_.meter_stats.end(), by_id);
  CountUsers(pipeline_);
  return std::move(pipeline_);
}

Pipeline RenderPipeline(const SwitchFacts& facts, const BridgeFacts& bridge) {
  FlowBuilder builder(facts, bridge);
  RenderClassify(builder);
  RenderSourceGuard(builder);
  RenderPolicy(builder);
  RenderForward(builder);
  return builder.Finish();
}

std::vector<FlowStats> Select(const std::vector<FlowStats>& flows,
                              const openflow::FlowStatsRequest& request) {
  std::vector<FlowStats> selected;
  // There are no groups that a flow could send to.
  if (request.out_group != openflow::kGroupAny) return selected;
  for (const FlowStats& flow : flows) {
    if (request.table != openflow::kTableAll && request.table != flow.table) continue;
    if (request.out_port != openflow::kPortAny &&
        !OutputsTo(flow.actions.apply, request.out_port)) {
      continue;
    }
    if (((request.cookie ^ flow.cookie) & request.cookie_mask) != 0) continue;
    if (request.match.Covers(flow.match)) selected.push_back(flow);
  }
  return selected;
}

}  // namespace outrider::ovs
