// Frames of the agent's own to guests: out of the port's device, with the mark that or_port_guard
// wants, past the programs; and in a guest's name, through them. Thread rule: the datapath's
// thread; InjectionPointOf any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_GUEST_SENDER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_GUEST_SENDER_H_

#include <cstdint>
#include <vector>

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/frame_injection.h"

namespace outrider::datapath::ebpf {

// VLAN of the tag with which frames of segment `vni` go to the port, 0: none. NotFound when the
// port is not in the segment.
absl::StatusOr<uint32_t> GuestTag(const DatapathMaps& maps, uint32_t index,
                                  const abi::or_port& port, uint32_t vni);

// Sends an untagged frame of segment `vni` to port `index`, with the tag that the port has for it.
// NotFound when the port is not active or not in the segment.
absl::Status SendToGuest(const DatapathMaps& maps, uint32_t index, uint32_t vni,
                         std::vector<uint8_t> frame);

// As of FrameInjection.
absl::StatusOr<InjectionPoint> InjectionPointOf(const DatapathMaps& maps, uint32_t index);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_GUEST_SENDER_H_
