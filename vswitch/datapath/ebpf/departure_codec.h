// A departure as its row, and back: lossless. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_DEPARTURE_CODEC_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_DEPARTURE_CODEC_H_

#include "vswitch/abi/or_abi.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// Without host and peer.
abi::or_departure_info EncodeDeparture(const state::Departure& departure);
state::Departure DecodeDeparture(const abi::or_departure_info& info);

// Whether frames can follow the guest.
inline bool HasWay(const state::Departure& departure) {
  return departure.vtep.has_value() && departure.label != 0;
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_DEPARTURE_CODEC_H_
