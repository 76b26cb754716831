// Sends what this host's departing ports remember of their guests' traffic to the agents they move
// to: everything as soon as a departure with a listening peer appears, then every few moments what
// has changed or ended, and once more everything that is not per connection when the guest pauses.
// It goes on until the departure ends: what comes for the guest after its pause still passes here.
// Owns one link for each such port. Decides nothing about the migration, which never waits for it:
// a connection that does not arrive is adopted at the destination.
//
// Thread rule: Follow on the reconciler's thread, GuestPaused on any; all else on the executor,
// which should be nobody's who is in a hurry (reading a large table of connections takes long), and
// stops before this goes.
#ifndef OUTRIDER_VSWITCH_AGENT_MEMORY_SENDER_H_
#define OUTRIDER_VSWITCH_AGENT_MEMORY_SENDER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "vswitch/agent/executor.h"
#include "vswitch/agent/multicast_members.h"
#include "vswitch/agent/peer_link.h"
#include "vswitch/agent/state_follower.h"
#include "vswitch/datapath/port_memory.h"

namespace outrider::agent {

class MemorySender final : public StateFollower {
 public:
  // Between the end of one look at the connections and the next; more when a look takes more than a
  // tenth of it.
  static constexpr Executor::Duration kInterval = std::chrono::milliseconds(50);
  static constexpr Executor::Duration kFirstBackoff = std::chrono::milliseconds(100);
  static constexpr Executor::Duration kLastBackoff = std::chrono::seconds(2);

  // All outlive the sender.
  struct Dependencies {
    Executor* executor;
    datapath::PortMemory* memory;
    datapath::DatapathCounters* counters;
    PeerLinks* links;
    WallClock clock;
    // What the port's guest has joined. May wait for other threads; null: nobody knows.
    std::function<std::vector<Membership>(const PortId&)> memberships = nullptr;
  };
  explicit MemorySender(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}
  // As Stop.
  ~MemorySender() override { Stop(); }

  void Follow(const state::HostState& wanted, const state::HostState& in_force) override;
  // What it left is sent at once. No effect without a departure.
  void GuestPaused(const PortId& id) override;
  // Ends all calls. The executor has stopped.
  void Stop() { transfers_.clear(); }

 private:
  // What decides where a port's memory goes.
  struct Target {
    std::string migration_id;
    Epoch epoch{};
    std::string host;
    std::string peer;
    bool operator==(const Target&) const = default;
  };
  struct Leaving {
    Target target;
    // The controller has moved the port: its guest is gone, if nobody has said so before.
    bool departed = false;
    bool operator==(const Leaving&) const = default;
  };
  struct Transfer {
    Target target;
    bool departed = false;
    std::unique_ptr<PeerLink> link;
    // By key, of what the peer was sent: the version it has; nullopt: it may not have it.
    std::unordered_map<std::string, std::optional<uint64_t>> known;
    // What is left of the look at hand, last first: news, and keys of what has ended.
    std::vector<datapath::ConnectionRecord> waiting;
    std::vector<std::string> ended;
    // Levels, memberships and counters go with the next request.
    bool whole = true;
    // Look again as soon as this one is sent.
    bool flush = false;
    // Sequence of the request under way; 0: none.
    uint64_t calling = 0;
    // Of the timer that counts: an older one does nothing.
    uint64_t timer = 0;
    uint64_t incarnation = 0;
    Executor::Duration pause = kInterval;
    Executor::Duration backoff = kFirstBackoff;
    // The last failure was told.
    bool failing = false;
  };

  // Of one request: keys and versions, keys of what has ended, and whether all the rest was in it.
  struct Sent {
    std::vector<std::pair<std::string, uint64_t>> versions;
    std::vector<std::string> ended;
    bool whole = false;
  };

  void HandleDepartures(const std::map<PortId, Leaving>& leaving);
  void HandleFlush(const PortId& id);
  // Reads what has changed, and sends it.
  void Look(const PortId& id);
  void Send(const PortId& id);
  v1::PutPortMemoryRequest NextRequest(const PortId& id, Transfer* transfer, Sent* sent);
  static void AddConnections(Transfer* transfer, v1::PutPortMemoryRequest* request, Sent* sent);
  void AddWhole(const PortId& id, v1::PutPortMemoryRequest* request);
  void HandleAnswer(const PortId& id, uint64_t sequence, const Sent& sent,
                    const absl::StatusOr<v1::PutPortMemoryResponse>& answer);
  void HandleFailure(const PortId& id, const absl::Status& status, Transfer* transfer);
  void LookAfter(const PortId& id, Executor::Duration delay);

  const Dependencies dependencies_;
  // What the executor was told of: the reconciler's thread's.
  std::map<PortId, Leaving> told_;
  std::map<PortId, Transfer> transfers_;
  // Of every request and timer.
  uint64_t last_sequence_ = 0;
  uint64_t last_timer_ = 0;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MEMORY_SENDER_H_
