// Sends what a moving port's record holds: after its guest, until the programs can do so
// themselves; or, of a guest that runs on here, to its device after all.
//
// Thread rule: the datapath's thread, in its network namespace.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_RECORD_SENDER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_RECORD_SENDER_H_

#include <cstdint>

#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/datapath/ebpf/program_set.h"

namespace outrider::datapath::ebpf {

// Of a port that is QUEUED: sends its frames from or_move.sent on, in order, until it has caught up
// with the programs and the port is STRAIGHT. When they are faster for a second, frames go straight
// ahead of the rest, which follows. Ends early when the port is taken back. Frames that cannot be
// sent, or are overwritten before, count as lost; an error is one of all. With them goes what was
// recorded aside since `paused_boot_ns`.
absl::Status SendAfterGuest(const DatapathMaps& maps, const ProgramSet& programs, uint32_t index,
                            uint64_t paused_boot_ns);

// Of a port that was taken back: gives its device, if it is ACTIVE, the frames that were not
// delivered here, once.
absl::Status GiveToGuest(const DatapathMaps& maps, const ProgramSet& programs, uint32_t index);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_RECORD_SENDER_H_
