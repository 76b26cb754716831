// The agent's reports as wire messages. The conversion of state values is convert/'s.
// Pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_MESSAGES_H_
#define OUTRIDER_VSWITCH_AGENT_MESSAGES_H_

#include <map>
#include <string>
#include <vector>

#include "outrider/v1/agent.pb.h"
#include "outrider/v1/session.pb.h"
#include "vswitch/agent/multicast_snooper.h"
#include "vswitch/agent/port_reports.h"
#include "vswitch/datapath/connection_table.h"
#include "vswitch/datapath/packet_capture.h"
#include "vswitch/datapath/packet_tracer.h"
#include "vswitch/datapath/station_table.h"

namespace outrider::agent {

v1::ObjectFailure ToMessage(const datapath::ObjectFailure& failure);
v1::Ack ToMessage(const Acknowledgement& acknowledgement);
v1::PortReceipt ToMessage(const PortReceipt& receipt, const std::string& host_id);
v1::PortEvent ToMessage(const PortEvent& event);
v1::MoveReport ToMessage(const MoveReport& report);
v1::ProbeReport ToMessage(const ProbeReport& report);
v1::Connection ToMessage(const datapath::Connection& connection);
v1::Station ToMessage(const datapath::Station& station);
v1::MulticastMemberships ToMessage(const MulticastSnooper::Groups& groups);
v1::TraceResponse ToMessage(const datapath::Trace& trace);
v1::CapturedFrame ToMessage(const datapath::CapturedFrame& frame);
v1::PortCounters ToMessage(const PortId& id, const datapath::PortCounters& counters);
// All counters of the host, in as many messages of about `max_bytes` as they need; one at least. A
// port is whole in one of them.
std::vector<v1::Counters> ToMessages(const std::map<PortId, datapath::PortCounters>& ports,
                                     const std::map<std::string, uint64_t>& host_drops,
                                     size_t max_bytes);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MESSAGES_H_
