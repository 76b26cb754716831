// The pipeline in force as OpenFlow flows and meters (tables in openflow_tables.h): a pure function
// of what the switch says of itself. Any thread.
#ifndef OUTRIDER_VSWITCH_OVS_OPENFLOW_PIPELINE_H_
#define OUTRIDER_VSWITCH_OVS_OPENFLOW_PIPELINE_H_

#include <cstdint>
#include <vector>

#include "vswitch/ovs/switch_facts.h"
#include "vswitch/sys/openflow/flow.h"
#include "vswitch/sys/openflow/meter.h"

namespace outrider::ovs {

struct Pipeline {
  // By table, then highest priority first, then as the objects are ordered. Of a rule that takes
  // several flows the first carries the count; flows without a count of their own say so by
  // k13NoPacketCounts and k13NoByteCounts.
  std::vector<openflow::FlowStats> flows = {};
  std::vector<openflow::MeterConfig> meters = {};
  // In the order of `meters`.
  std::vector<openflow::MeterStats> meter_stats = {};
};
Pipeline RenderPipeline(const SwitchFacts& facts, const BridgeFacts& bridge);

// Meters are numbered by port: ofport * 16 + this.
enum class MeterOf : uint32_t {
  kIngressRate = 1,
  kIngressPackets,
  kEgressRate,
  kEgressPackets,
  kBroadcast,
  kMulticast,
  kUnknownUnicast,
};
inline uint32_t MeterId(uint16_t ofport, MeterOf kind) {
  return uint32_t{ofport} * 16 + static_cast<uint32_t>(kind);
}

// The flows that a request asks for, in order (1.3.5, 7.3.5.2): table, port they output to, cookie,
// and matches at least as narrow as the request's.
std::vector<openflow::FlowStats> Select(const std::vector<openflow::FlowStats>& flows,
                                        const openflow::FlowStatsRequest& request);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OPENFLOW_PIPELINE_H_
