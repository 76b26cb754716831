// Packet, byte and drop counters, summed over CPUs and the hosts ports were on (counter_bases.h),
// under the names of or_drop.h. Any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTERS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTERS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/underlay_path.h"

namespace outrider::datapath::ebpf {

absl::StatusOr<std::map<PortId, PortCounters>> ReadPortCounters(const DatapathMaps& maps);
// As in or_drop.h: "acl_ingress".
std::string DropReasonName(uint32_t reason);

// Drops that belong to no port.
absl::StatusOr<std::map<std::string, uint64_t>> ReadHostDropCounters(const DatapathMaps& maps);

// What goes by the tunnel device, by why (all reasons), and by the flow cache.
absl::StatusOr<UnderlayCounters> ReadUnderlayCounters(const DatapathMaps& maps);

// Deletes the counters and log limits of rules that were for a port or a rule set which is gone.
absl::Status DeleteRuleCounts(const DatapathMaps& maps,
                              const std::function<bool(const abi::or_rule_count_key&)>& is_gone);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_COUNTERS_H_
