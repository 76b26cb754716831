// What move_path.h tells of a port, from the maps alone. Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_READER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_READER_H_

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/move_path.h"

namespace outrider::datapath::ebpf {

// NotFound: the port has no departure.
absl::StatusOr<DeliveredFrames> ReadDelivered(const DatapathMaps& maps, const PortId& id);

// NotFound: neither a departure nor an arrival.
absl::StatusOr<MoveCounts> ReadMoveCounts(const DatapathMaps& maps, const PortId& id);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_READER_H_
