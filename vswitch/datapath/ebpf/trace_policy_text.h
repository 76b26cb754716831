// The steps of a trace that speak of a port's profile, and of headers, in words. Thread rule: as
// TraceNames.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_POLICY_TEXT_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_POLICY_TEXT_H_

#include <cstdint>
#include <string>

#include "vswitch/abi/or_trace.h"
#include "vswitch/datapath/ebpf/trace_names.h"
#include "vswitch/datapath/packet_tracer.h"

namespace outrider::datapath::ebpf {

std::string MacText(const uint8_t (&mac)[6]);
// The last 48 bits.
std::string MacText(uint64_t mac);

TraceStep DescribeHeaders(const abi::or_trace_frame& frame);
TraceStep DescribeSecurity(const abi::or_trace_step& step);
TraceStep DescribeConnection(const abi::or_trace_step& step);
TraceStep DescribeAcl(const abi::or_trace_step& step, const TraceNames& names);
TraceStep DescribeLimit(const abi::or_trace_step& step);
TraceStep DescribeMark(const abi::or_trace_step& step);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_POLICY_TEXT_H_
