// A match of Nicira's messages: NXM entries with the flow's cookie, where one is asked for, among
// them. Any thread.
#ifndef OUTRIDER_VSWITCH_SYS_OPENFLOW_NXM_MATCH_H_
#define OUTRIDER_VSWITCH_SYS_OPENFLOW_NXM_MATCH_H_

#include "vswitch/sys/openflow/match.h"

namespace outrider::openflow {

struct NxmMatch {
  Match match;
  // No bit of the mask: any cookie.
  uint64_t cookie = 0;
  uint64_t cookie_mask = 0;
};

// Entries and padding to 8 bytes; their length without it goes to the two bytes at `length_at`.
void EncodeNxm(const NxmMatch& nxm, size_t length_at, WireWriter& out);
// `length` bytes of entries and their padding.
absl::StatusOr<NxmMatch> DecodeNxm(WireReader& in, uint16_t length);

}  // namespace outrider::openflow

#endif  // OUTRIDER_VSWITCH_SYS_OPENFLOW_NXM_MATCH_H_
