// What a segment says of frames, as bits of its row. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_SEGMENT_CODEC_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_SEGMENT_CODEC_H_

#include <compare>
#include <cstdint>

#include "vswitch/abi/or_abi.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// OR_SEGMENT_*.
inline uint32_t EncodeSegmentFlags(const state::Segment& segment) {
  return (segment.flood_unknown_unicast ? OR_SEGMENT_FLOOD_UNKNOWN : 0) |
         (segment.suppress_arp ? OR_SEGMENT_SUPPRESS_ARP : 0) |
         (segment.suppress_nd ? OR_SEGMENT_SUPPRESS_ND : 0) |
         (segment.snoop_multicast ? OR_SEGMENT_SNOOP_MULTICAST : 0) |
         (segment.drop_unknown_multicast ? OR_SEGMENT_DROP_UNKNOWN_MULTICAST : 0) |
         (segment.provider ? OR_SEGMENT_PROVIDER : 0);
}

// All but the provider, of which the flag only says that there is one.
inline void DecodeSegmentFlags(uint32_t flags, state::Segment* segment) {
  segment->flood_unknown_unicast = (flags & OR_SEGMENT_FLOOD_UNKNOWN) != 0;
  segment->suppress_arp = (flags & OR_SEGMENT_SUPPRESS_ARP) != 0;
  segment->suppress_nd = (flags & OR_SEGMENT_SUPPRESS_ND) != 0;
  segment->snoop_multicast = (flags & OR_SEGMENT_SNOOP_MULTICAST) != 0;
  segment->drop_unknown_multicast = (flags & OR_SEGMENT_DROP_UNKNOWN_MULTICAST) != 0;
}

// What a frame may do in a segment, by its row: all of it but where copies go. Rows of one kind may
// take each other's place under a frame's eyes (grace_period.h).
struct SegmentKind {
  bool local = false;  // of this host alone: never in a tunnel
  uint32_t flags = 0;  // OR_SEGMENT_*
  uint32_t mtu = 0;
  friend auto operator<=>(const SegmentKind&, const SegmentKind&) = default;
};

inline SegmentKind KindOf(const Vni& vni, const state::Segment& segment) {
  return {.local = vni.IsLocal(), .flags = EncodeSegmentFlags(segment), .mtu = segment.mtu};
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_SEGMENT_CODEC_H_
