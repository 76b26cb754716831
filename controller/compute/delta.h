// Differences between states of a host: what, applied to `from` (deletes, then upserts), makes it
// `to`. For canonically ordered states (compute.h); deltas are in the same order.
//
// Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_DELTA_H_
#define OUTRIDER_CONTROLLER_COMPUTE_DELTA_H_

#include "outrider/v1/host_state.pb.h"

namespace outrider::controller {

v1::HostStateDelta ComputeDelta(const v1::HostState& from, const v1::HostState& to);

// Whether it changes nothing.
bool IsEmpty(const v1::HostStateDelta& delta);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_DELTA_H_
