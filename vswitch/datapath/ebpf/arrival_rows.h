// Rows of or_arrivals: which port awaits the frames that another host sends after its guest. Thread
// rule: the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ARRIVAL_ROWS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ARRIVAL_ROWS_H_

#include <cstdint>
#include <optional>

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// Makes `arrival` the only one of port `index`; counts of one that begins start at 0.
absl::Status SetArrival(const DatapathMaps& maps, uint32_t index,
                        const std::optional<state::Arrival>& arrival);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ARRIVAL_ROWS_H_
