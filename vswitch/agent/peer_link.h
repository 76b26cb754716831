// The seam between what an agent has to say to another one and what carries it: gRPC in the agent,
// a fake in tests. Knows messages, no policy.
#ifndef OUTRIDER_VSWITCH_AGENT_PEER_LINK_H_
#define OUTRIDER_VSWITCH_AGENT_PEER_LINK_H_

#include <functional>
#include <memory>
#include <string>

#include "outrider/v1/peer.pb.h"
#include "vswitch/types/status.h"

namespace outrider::agent {

// A way to one agent. The destructor ends the call under way and returns when no callback runs.
class PeerLink {
 public:
  using Done = std::function<void(absl::StatusOr<v1::PutPortMemoryResponse>)>;

  virtual ~PeerLink() = default;
  // One call at a time. `done` is called once, on any thread, after a bounded time; it must not
  // block or destroy the link.
  virtual void PutPortMemory(const v1::PutPortMemoryRequest& request, Done done) = 0;
};

class PeerLinks {
 public:
  virtual ~PeerLinks() = default;
  // To the agent of `host` at `address` ("10.0.0.1:7444", "[fd00::1]:7444"). Never fails by itself:
  // its calls do. PermissionDenied: who listens there is another host.
  virtual std::unique_ptr<PeerLink> Open(const std::string& address, const std::string& host) = 0;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PEER_LINK_H_
