// Packet, byte and drop counters, summed over CPUs, under the names of or_drop.h. Reads maps only.
// Any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTERS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTERS_H_

#include <cstdint>
#include <map>
#include <string>

#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {

absl::StatusOr<std::map<PortId, PortCounters>> ReadPortCounters(const DatapathMaps& maps);
// Drops that belong to no port.
absl::StatusOr<std::map<std::string, uint64_t>> ReadHostDropCounters(const DatapathMaps& maps);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTERS_H_
