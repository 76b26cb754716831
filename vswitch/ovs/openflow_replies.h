// What a bridge answers to a controller's questions, as bodies of messages: pure functions of what
// the switch says of itself. Any thread.
#ifndef OUTRIDER_VSWITCH_OVS_OPENFLOW_REPLIES_H_
#define OUTRIDER_VSWITCH_OVS_OPENFLOW_REPLIES_H_

#include <variant>

#include "vswitch/ovs/openflow_pipeline.h"
#include "vswitch/ovs/switch_facts.h"
#include "vswitch/sys/openflow/message.h"

namespace outrider::ovs {

// An answer, or why there is none.
using Answer = std::variant<openflow::Body, openflow::ErrorCode>;

openflow::FeaturesReply FeaturesOf(const BridgeFacts& bridge, uint8_t version);
// Ports in order of their numbers, then the tunnels' (kTunnelOfport), the local one last.
openflow::PortDescList PortsOf(const BridgeFacts& bridge, uint8_t version);

// Statistics other than of flows.
Answer AnswerStats(const SwitchFacts& facts, const BridgeFacts& bridge, uint8_t version,
                   const openflow::StatsRequest& request);
openflow::Body AnswerFlows(const SwitchFacts& facts, const BridgeFacts& bridge,
                           const openflow::FlowStatsRequest& request);

// The error that refuses to change anything, in the words of the version.
openflow::ErrorCode Refusal(const openflow::Body& request, uint8_t version);

}  // namespace outrider::ovs

#endif  // OUTRIDER_VSWITCH_OVS_OPENFLOW_REPLIES_H_
