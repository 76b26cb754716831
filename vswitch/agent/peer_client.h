// Links to other agents over gRPC: TLS with this host's certificate, to an agent whose certificate
// names the host that is meant. Knows no policy.
//
// Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_AGENT_PEER_CLIENT_H_
#define OUTRIDER_VSWITCH_AGENT_PEER_CLIENT_H_

#include <functional>
#include <memory>
#include <string>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/identity_files.h"
#include "vswitch/agent/peer_link.h"

namespace outrider::agent {

class GrpcPeerLinks final : public PeerLinks {
 public:
  // From the call to its answer, the way to the peer included.
  static constexpr auto kCallTime = std::chrono::seconds(2);

  // Both are asked for each link.
  GrpcPeerLinks(std::function<Identity()> identity, WallClock clock)
      : identity_(std::move(identity)), clock_(std::move(clock)) {}
  std::unique_ptr<PeerLink> Open(const std::string& address, const std::string& host) override;

 private:
  const std::function<Identity()> identity_;
  const WallClock clock_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PEER_CLIENT_H_
