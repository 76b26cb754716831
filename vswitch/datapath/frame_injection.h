// How the agent sends frames in the name of a port's guest: onto the port's device, with a mark
// that has the programs take them as the guest's own. Rules, limits, connections and counters of
// the port count for them. Apart from Datapath, since none of it is a host's state.
//
// Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_FRAME_INJECTION_H_
#define OUTRIDER_VSWITCH_DATAPATH_FRAME_INJECTION_H_

#include <absl/status/statusor.h>

#include <cstdint>

#include "vswitch/types/ids.h"

namespace outrider::datapath {

struct InjectionPoint {
  uint32_t ifindex = 0;
  // skb->mark of the frames.
  uint32_t mark = 0;
  // Of the tag that frames of the port's own segment have there; 0: none.
  uint16_t vlan = 0;
  bool operator==(const InjectionPoint&) const = default;
};

class FrameInjection {
 public:
  virtual ~FrameInjection() = default;
  // NotFound: no such port here, or none with a segment of its own; FailedPrecondition: it does not
  // forward. Holds until the port's device changes.
  virtual absl::StatusOr<InjectionPoint> InjectionPointOf(const PortId& id) = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_FRAME_INJECTION_H_
