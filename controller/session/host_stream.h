// The seam between a session and what carries it: gRPC in the service, a fake in tests.
#ifndef OUTRIDER_CONTROLLER_SESSION_HOST_STREAM_H_
#define OUTRIDER_CONTROLLER_SESSION_HOST_STREAM_H_

#include <absl/status/status.h>

#include "outrider/v1/session.pb.h"

namespace outrider::controller {

// The controller's end of one agent's stream. Called on the sessions' executor only.
//
// In each direction at most one message is under way. After Write the session waits for
// SessionHub::OnWritten before it writes again: what a slow agent has not taken stays state, of
// which the newest counts, and never becomes a queue. A message is read only after the one before
// it has been dealt with.
class HostStream {
 public:
  virtual ~HostStream() = default;
  // Starts to send `message`; never blocks. Without effect once closed.
  virtual void Write(const v1::ControllerMessage& message) = 0;
  // Asks for the next message, which comes as SessionHub::OnMessage. Without effect once closed.
  virtual void ReadNext() = 0;
  // Ends the stream with `status`. Later calls are without effect.
  virtual void Close(const absl::Status& status) = 0;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SESSION_HOST_STREAM_H_
