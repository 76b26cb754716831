// What ports counted on the hosts they were on before (or_counter_bases, or_rule_bases): added to
// what they count here by counters.h. Rows go with their port or rule set, as other counters do.
// Thread rule: any thread, for one port one after the other.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTER_BASES_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTER_BASES_H_

#include <cstdint>
#include <map>
#include <string>

#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {

// Drops under names that are not known here are left out; rules are those of the sets in force now.
absl::Status WriteCounterBase(const DatapathMaps& maps, uint32_t index, const PortCounters& base);

absl::StatusOr<std::map<PortId, std::map<std::string, uint64_t>>> ReadCarriedDrops(
    const DatapathMaps& maps);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTER_BASES_H_
