// What a guest's tap says of how much its guest has read: the tap counts as sent what was read from
// it. Knows nothing of guests.
//
// Thread rule: as DeviceCounterReader's.
#ifndef OUTRIDER_VSWITCH_AGENT_TAP_QUEUE_H_
#define OUTRIDER_VSWITCH_AGENT_TAP_QUEUE_H_

#include "vswitch/agent/departures.h"
#include "vswitch/sys/netlink/device_counters.h"

namespace outrider::agent {

// `counters` outlives what is returned. Other devices than taps hand on at once what they get:
// their counts say nothing of who reads behind them.
QueueReader TapQueues(sys::DeviceCounterReader* counters);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_TAP_QUEUE_H_
