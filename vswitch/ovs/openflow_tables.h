// The tables and names in which OpenFlow shows the pipeline, and what its parts agree on. Constants
// and small builders; any thread.
//
// The eBPF programs have no tables of flows. What stands here is the same pipeline in OpenFlow's
// words, stage by stage: a frame that is followed through these flows ends where the programs take
// it. The segment is in tun_id, the port a frame is delivered to in reg0.
#ifndef OUTRIDER_VSWITCH_OVS_OPENFLOW_TABLES_H_
#define OUTRIDER_VSWITCH_OVS_OPENFLOW_TABLES_H_

#include <cstdint>
#include <vector>

#include "vswitch/sys/openflow/flow.h"

namespace outrider::ovs {

enum FlowTable : uint8_t {
  kClassify,        // port and tag: the segment
  kSourceGuard,     // may the guest send in that name
  kIngressAcl,      // the profile's ingress list
  kIngressRate,     // its policer of bits
  kIngressPackets,  // and of frames
  kStorm,           // limits of broadcast and multicast
  kUntag,           // tags end here
  kForward,         // who has the destination
  kEgressAcl,       // the egress list of the port it is for
  kEgressRate,      // policers of that direction
  kEgressPackets,
  kDeliver,  // tags of the port, and out
  kFlowTables,
};
inline constexpr const char* kFlowTableNames[kFlowTables] = {
    "classify", "source_guard", "ingress_acl", "ingress_rate", "ingress_packets", "storm",
    "untag",    "forward",      "egress_acl",  "egress_rate",  "egress_packets",  "deliver"};

// Most flows a table may have, as far as anybody asks.
inline constexpr uint32_t kMostFlows = 1000000;

// Names a flow for as long as the port's number (or segment) and the rule's number stay the same.
inline uint64_t FlowCookie(FlowTable table, uint32_t port_or_vni, uint32_t number) {
  return uint64_t{table + 1u} << 56 | uint64_t{port_or_vni & 0xffffff} << 32 | number;
}

inline openflow::Action SetNumber(openflow::Field field, uint64_t value) {
  return openflow::SetField{
      .field = field, .value = {openflow::FieldBytes(field, value), openflow::ExactMask(field)}};
}

inline openflow::Action Goto(FlowTable table) { return openflow::GotoTable{table}; }

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OPENFLOW_TABLES_H_
