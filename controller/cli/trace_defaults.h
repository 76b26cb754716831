// What an operator left out of a frame to trace, from what this host's agent knows: who sends, who
// has the destination's address, and where the frame comes in. Pure; any thread.
#ifndef OUTRIDER_CONTROLLER_CLI_TRACE_DEFAULTS_H_
#define OUTRIDER_CONTROLLER_CLI_TRACE_DEFAULTS_H_

#include <absl/status/statusor.h>

#include <string>

#include "controller/cli/frame_builder.h"
#include "outrider/v1/agent.pb.h"

namespace outrider::controller::cli {

// How the frame was described.
struct TraceQuestion {
  // uuid or device.
  std::string port;
  FrameSpec spec;
  // By VXLAN from there, in this VNI; empty, 0: from the port's guest.
  std::string from_vtep;
  uint32_t vni = 0;
  // The frame is for the port, from whoever has its source address.
  bool to = false;
};

// The port of that uuid or device. NotFound names it.
absl::StatusOr<v1::LocalPort> FindLocalPort(const v1::ListLocalPortsResponse& ports,
                                            const std::string& name);

// Fills the question's frame, and where it enters: `request` gets port, VTEP and VNI, not the
// frame. InvalidArgument names the option that is needed.
absl::Status FillTrace(const v1::LocalPort& port, const v1::HostState& state,
                       TraceQuestion* question, v1::TraceRequest* request);

}  // namespace outrider::controller::cli

#endif  // OUTRIDER_CONTROLLER_CLI_TRACE_DEFAULTS_H_
