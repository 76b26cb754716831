// Serves other agents over gRPC: who calls is told by the certificate, what is asked goes to the
// receiver. Owns the listening sockets. Bounds what a peer can take of this host: sizes, calls and
// threads; strangers are refused call by call, with a reason.
//
// Thread rule: Create and the destructor on one thread; calls run on gRPC's.
#ifndef OUTRIDER_VSWITCH_AGENT_PEER_SERVER_H_
#define OUTRIDER_VSWITCH_AGENT_PEER_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/identity_files.h"
#include "vswitch/agent/memory_receiver.h"
#include "vswitch/types/vtep_pair.h"

namespace outrider::agent {

class PeerServer {
 public:
  struct Settings {
    VtepPair addresses;
    // 0: any that is free, for tests of one address.
    uint16_t port = 0;
    // Files of this host's certificate and key, followed over renewals.
    std::string certificate_file;
    std::string key_file;
  };
  struct Dependencies {
    MemoryReceiver* receiver;
    std::function<Identity()> identity;
    WallClock clock;
  };
  // Unavailable: the port is in use, or an address not this host's.
  static absl::StatusOr<std::unique_ptr<PeerServer>> Create(const Settings& settings,
                                                            Dependencies dependencies);
  // Waits for calls under way, at most a second.
  virtual ~PeerServer() = default;
  virtual uint16_t port() const = 0;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_PEER_SERVER_H_
