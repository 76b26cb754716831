// The order in which a delta's objects are written and deleted, so that no frame is led to what is
// not there yet, or not any more. Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_DELTA_WRITER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_DELTA_WRITER_H_

#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/ebpf/pipeline.h"

namespace outrider::datapath::ebpf {

// See Datapath::Apply.
ApplyResult ApplyDelta(const state::StateDelta& delta, Pipeline* pipeline);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_DELTA_WRITER_H_
