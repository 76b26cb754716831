// How multicast snooping reaches the datapath: what guests have joined, kept where it outlives the
// agent, and queries to guests. Apart from Datapath, since none of it is a host's state.
//
// Thread rule: the reconciler's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_MULTICAST_PATH_H_
#define OUTRIDER_VSWITCH_DATAPATH_MULTICAST_PATH_H_

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "vswitch/state/host_state.h"

namespace outrider::datapath {

// A port that joined a group; of the group ::, one behind which a multicast router is.
struct MulticastMember {
  PortId port;
  state::MulticastKey group;
  auto operator<=>(const MulticastMember&) const = default;
};

class MulticastPath {
 public:
  virtual ~MulticastPath() = default;

  // Until when (CLOCK_BOOTTIME, microseconds) each member was said to be one; the end is the
  // caller's to make. Members of earlier processes are among them, those of deleted ports are not.
  virtual absl::StatusOr<std::map<MulticastMember, int64_t>> ReadMembers() = 0;
  // Also renews. NotFound: no such port.
  virtual absl::Status PutMember(const MulticastMember& member, int64_t until_us) = 0;
  // Who is none is no error.
  virtual absl::Status RemoveMember(const MulticastMember& member) = 0;

  // An untagged Ethernet frame to the port's guest, in the segment, past all rules. NotFound: no
  // such port, or none that forwards in that segment.
  virtual absl::Status SendToGuest(const PortId& port, const Vni& vni,
                                   const std::vector<uint8_t>& frame) = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_MULTICAST_PATH_H_
