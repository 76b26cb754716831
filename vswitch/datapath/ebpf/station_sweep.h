// Forgets what the programs learned (or_stations) and nobody needs any more. They look at a
// station's age by themselves; this makes room, and ends what was learned behind a port with the
// port. Knows the maps alone. Thread rule: any thread; the maps' writer besides are the programs.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_STATION_SWEEP_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_STATION_SWEEP_H_

#include <cstdint>
#include <optional>

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/types/ids.h"

namespace outrider::datapath::ebpf {

// Forgets stations that were not heard for OR_STATION_AGE_NS, those of segments that no uplink
// carries, and those behind ports that are not there, do not learn, or have left the segment.
absl::Status ForgetOldStations(const DatapathMaps& maps);

// Forgets all stations of a segment, or all; says how many. They are learned anew.
absl::StatusOr<uint64_t> FlushStations(const DatapathMaps& maps, const std::optional<Vni>& vni);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_STATION_SWEEP_H_
