// Forgets the source MACs of windows that are over (or_abi.h, or_source_macs): the programs count
// them anew and only need the room. Thread rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_SOURCE_MACS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_SOURCE_MACS_H_

#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {

absl::Status ForgetOldMacs(const DatapathMaps& maps);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_SOURCE_MACS_H_
