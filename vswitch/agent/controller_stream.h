// The seam between a controller session and what carries it: gRPC in the agent, a scripted fake in
// tests. Knows messages, no policy.
#ifndef OUTRIDER_VSWITCH_AGENT_CONTROLLER_STREAM_H_
#define OUTRIDER_VSWITCH_AGENT_CONTROLLER_STREAM_H_

#include <functional>
#include <memory>

#include "outrider/v1/session.pb.h"
#include "vswitch/types/status.h"

namespace outrider::agent {

// One stream, open or opening. The destructor cancels it and returns when no callback runs any
// more.
//
// At most one message is under way in each direction: after Write the owner waits for on_written,
// after on_message it says ReadNext. So neither side queues without bound.
class ControllerStream {
 public:
  // Called on any thread, one at a time for each kind; must not block or destroy the stream.
  struct Callbacks {
    std::function<void(const v1::ControllerMessage&)> on_message;
    std::function<void()> on_written;
    // The stream is over: nothing follows. Unavailable, Unauthenticated, PermissionDenied ...
    std::function<void(absl::Status)> on_closed;
  };

  virtual ~ControllerStream() = default;
  virtual void Write(const v1::AgentMessage& message) = 0;
  // The first read starts by itself.
  virtual void ReadNext() = 0;
};

class ControllerStreamFactory {
 public:
  virtual ~ControllerStreamFactory() = default;
  // Never fails by itself: what cannot be opened is closed by a callback.
  virtual std::unique_ptr<ControllerStream> Open(ControllerStream::Callbacks callbacks) = 0;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_CONTROLLER_STREAM_H_
