// Who follows what the controller wants of this host and what of it is in force, to do work of its
// own beside the reconciler's. Thread rule: called on the reconciler's thread; must not block.
#ifndef OUTRIDER_VSWITCH_AGENT_STATE_FOLLOWER_H_
#define OUTRIDER_VSWITCH_AGENT_STATE_FOLLOWER_H_

#include "vswitch/state/host_state.h"

namespace outrider::agent {

class StateFollower {
 public:
  virtual ~StateFollower() = default;
  // After each pass, and when a port was opened: `wanted` is the controller's last word.
  virtual void Follow(const state::HostState& wanted, const state::HostState& in_force) = 0;
  // The guest of a departing port has paused: what it left behind changes less from here on.
  virtual void GuestPaused(const PortId& id) { (void)id; }
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_STATE_FOLLOWER_H_
