// Takes what an arriving port remembers from the agent it comes from, and puts it into the
// datapath. Decides who may say it, and which message is the last word. Owns what is known of each
// arrival; knows no gRPC.
//
// Also lets a port that has arrived adopt connections for a short while, as some may have been lost
// on the way, with or without a peer that sends them.
//
// Thread rule: Put from any thread, one at a time goes on; Follow on the reconciler's thread, which
// never waits for a Put.
#ifndef OUTRIDER_VSWITCH_AGENT_MEMORY_RECEIVER_H_
#define OUTRIDER_VSWITCH_AGENT_MEMORY_RECEIVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "outrider/v1/peer.pb.h"
#include "vswitch/agent/arrival_counts.h"
#include "vswitch/agent/executor.h"
#include "vswitch/agent/multicast_members.h"
#include "vswitch/agent/state_follower.h"
#include "vswitch/datapath/port_memory.h"

namespace outrider::agent {

class MemoryReceiver final : public StateFollower {
 public:
  // From the guest's arrival on.
  static constexpr std::chrono::nanoseconds kAdoptionTime = std::chrono::seconds(10);

  // `executor` stops before the receiver goes; what it does may take a while.
  struct Dependencies {
    Executor* executor;
    datapath::PortMemory* memory;
    // Never 0, another one each time.
    std::function<uint64_t()> random;
    // Told what the guest of an arriving port has joined; must not block. Null: nobody is.
    std::function<void(const PortId&, const std::vector<Membership>&)> memberships = nullptr;
    // Told what was put in; null: nobody is.
    ArrivalCounts* arrivals = nullptr;
  };
  explicit MemoryReceiver(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  void Follow(const state::HostState& wanted, const state::HostState& in_force) override;

  // `host`: who says so, proven. PermissionDenied: nobody awaits the port from there; the others as
  // PeerService says, InvalidArgument for what makes no sense. Takes all of a request or, but for
  // connections there is no room for, nothing.
  absl::StatusOr<v1::PutPortMemoryResponse> Put(const std::string& host,
                                                const v1::PutPortMemoryRequest& request);

 private:
  struct Arrival {
    std::string host;
    std::string migration_id;
    Epoch epoch{};
    bool operator==(const Arrival&) const = default;
  };
  struct Expected {
    Arrival arrival;
    uint64_t incarnation = 0;
    uint64_t last_sequence = 0;
    // Adoption was allowed for the port as it was then.
    bool armed = false;
    bool active = false;
  };

  // The arrival's incarnation, if `host` may speak for the port, in this migration, and now.
  absl::StatusOr<uint64_t> Admit(const PortId& id, const std::string& host,
                                 const v1::PutPortMemoryRequest& request);
  absl::Status Import(const PortId& id, const v1::PutPortMemoryRequest& request,
                      v1::PutPortMemoryResponse* response);
  void AllowAdoption(const PortId& id);

  const Dependencies dependencies_;
  // Held while the datapath is written.
  std::mutex writing_;
  std::mutex mutex_;  // expected_
  std::map<PortId, Expected> expected_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MEMORY_RECEIVER_H_
