// A trace as the programs wrote it, in words: one step per stage, and what becomes of the frame.
// Thread rule: as TraceNames.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_TEXT_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_TEXT_H_

#include "vswitch/datapath/ebpf/trace_names.h"
#include "vswitch/datapath/ebpf/tracer.h"
#include "vswitch/datapath/packet_tracer.h"

namespace outrider::datapath::ebpf {

Trace DescribeTrace(const RawTrace& raw, const TraceNames& names);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_TRACE_TEXT_H_
