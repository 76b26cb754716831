// The qos and security sections of a profile as a host gets them for one port: defaults filled in,
// bursts explicit, the addresses the guest may use resolved. Internal to compute.
//
// What means nothing is absent: agents compute the same digest from what they hold. Pure; any
// thread.
#ifndef OUTRIDER_CONTROLLER_COMPUTE_COMPILE_POLICY_H_
#define OUTRIDER_CONTROLLER_COMPUTE_COMPILE_POLICY_H_

#include "outrider/v1/host_state.pb.h"

namespace outrider::controller {

void CompileQos(const v1::QosSection& qos, v1::PortState* state);
void CompileSecurity(const v1::SecuritySection& security, const v1::Port& port,
                     v1::PortState* state);

// Whether guests may send router advertisements.
bool MayRoute(const v1::SecuritySection& security);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_COMPUTE_COMPILE_POLICY_H_
