// The parts of a port that its profile's qos and security sections make, to and from the wire. Used
// by from_proto and to_proto; errors name the field only. What is absent on the wire is absent in
// the result and the other way round: the digests depend on it. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_CONVERT_POLICY_PROTO_H_
#define OUTRIDER_VSWITCH_CONVERT_POLICY_PROTO_H_

#include "outrider/v1/host_state.pb.h"
#include "vswitch/state/host_state.h"

namespace outrider::convert {

absl::Status ReadPolicy(const v1::PortState& message, state::Port* port);
void WritePolicy(const state::Port& port, v1::PortState* message);

}  // namespace outrider::convert

#endif  // OUTRIDER_VSWITCH_CONVERT_POLICY_PROTO_H_
