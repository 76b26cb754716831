// Collects the flows and meters of one bridge while they are rendered; the inner part of
// openflow_pipeline.h. One thread.
#ifndef OUTRIDER_VSWITCH_OVS_FLOW_BUILDER_H_
#define OUTRIDER_VSWITCH_OVS_FLOW_BUILDER_H_

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "vswitch/ovs/openflow_acl.h"
#include "vswitch/ovs/openflow_pipeline.h"
#include "vswitch/ovs/openflow_tables.h"

namespace outrider::ovs {

// A port of the bridge with what is in force for it.
struct RenderedPort {
  const PortFacts* facts = nullptr;
  const state::Port* port = nullptr;
  // Never null: zeros, where nothing was counted.
  const datapath::PortCounters* counters = nullptr;
};

class FlowBuilder {
 public:
  FlowBuilder(const SwitchFacts& facts, const BridgeFacts& bridge);

  const state::HostState& state() const { return state_; }
  const BridgeFacts& bridge() const { return bridge_; }
  const GroupPrefixes& groups() const { return groups_; }
  // By ofport, and those of one segment.
  const std::vector<RenderedPort>& ports() const { return ports_; }
  std::vector<const RenderedPort*> PortsIn(Vni vni) const;
  // nullptr: not on this bridge.
  const RenderedPort* Find(const PortId& id) const;

  // A flow without counts; Count puts them in. Refers to the last one until the next is added.
  openflow::FlowStats& Add(FlowTable table, uint16_t priority, uint64_t cookie,
                           openflow::Match match, std::vector<openflow::Action> actions);
  static void Count(uint64_t packets, uint64_t bytes, openflow::FlowStats& flow);
  // Bytes are not known of drops.
  static void CountPackets(uint64_t packets, openflow::FlowStats& flow);

  // One limit as a meter; 0: there is none.
  uint32_t AddMeter(const RenderedPort& port, MeterOf kind, uint64_t rate, uint64_t burst,
                    bool packets);
  openflow::MeterStats& meter_stats(uint32_t meter);

  Pipeline Finish();

 private:
  const BridgeFacts& bridge_;
  // Keeps the state alive.
  const std::shared_ptr<const state::HostState> held_;
  const state::HostState& state_;
  const GroupPrefixes groups_;
  const datapath::PortCounters no_counters_;
  std::vector<RenderedPort> ports_;
  std::map<PortId, size_t> by_id_;
  uint64_t duration_ns_ = 0;
  Pipeline pipeline_;
};

// Each adds the flows of its tables.
void RenderClassify(FlowBuilder& builder);     // kClassify, kUntag, kDeliver
void RenderSourceGuard(FlowBuilder& builder);  // kSourceGuard
void RenderPolicy(FlowBuilder& builder);       // lists and limits
void RenderForward(FlowBuilder& builder);      // kForward

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_FLOW_BUILDER_H_
