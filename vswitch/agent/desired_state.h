// What this host should do, from what the controller says, what is attached here and what is in
// force: the policy of the agent in one pure function. Knows nothing of datapaths, files or
// sessions.
//
// Thread rule: pure; any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_DESIRED_STATE_H_
#define OUTRIDER_VSWITCH_AGENT_DESIRED_STATE_H_

#include "vswitch/datapath/datapath.h"
#include "vswitch/state/attachment.h"
#include "vswitch/state/host_state.h"

namespace outrider::agent {

// The controller's word with this host's devices:
//  - A port has the device it is attached by. Without one an ARMED or DEPARTED port stays what it
//    is; an ACTIVE one, which forwards nothing, is BLOCKED.
//  - An attached port the controller does not have (yet) is BLOCKED, so that its device is guarded.
//  - A port that is ACTIVE in force stays so while the controller still says ARMED under the same
//    epoch: it opened itself at the guest's first frame, and the news is under way.
//  - FDB rows that point to no port of the result are left out, and so are departures of ports the
//    controller does not have here. Hosts and peers of departures and arrivals, and probes,
//    are not the datapath's.
state::HostState MergeDesired(const state::HostState& controller,
                              const state::Attachments& attachments,
                              const state::HostState& applied);

// Whether the port is ACTIVE in force by its own decision: the controller still says ARMED, under
// the same epoch.
bool OpenedItself(const state::Port& desired, const state::HostState& applied, const PortId& id);

// Before the controller's first word: what is in force stays, attached devices are guarded but for
// those of DEPARTED ports.
state::HostState HoldInForce(const state::HostState& in_force,
                             const state::Attachments& attachments);

// `port` as it is when the datapath could not bind it: it forwards nothing, and differs from any
// desired state that could be in force.
state::Port LostPort(const state::Port& port);

// What is in force after a delta was applied with `result`: an object that failed stays as it was,
// so that the next diff tries it again. A port is lost instead. A segment that may be half written
// is the new one without an MTU, a multicast group is one without VTEPs: either is written or
// removed by the next diff, whatever is wanted by then.
state::HostState AfterApply(state::HostState applied, const state::StateDelta& delta,
                            const datapath::ApplyResult& result);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_DESIRED_STATE_H_
