// Probes ports of other hosts while they move (HostState::probes): asks their guests for echoes in
// the name of a port of this host, as if its guest did, and says in the end what was answered. The
// datapath carries requests and answers like all frames of that port: its rules, limits,
// connections and counters have them, and they go wherever the port that moves is at the time. The
// guest behind the port sees the answers, too, and has no use for them.
//
// A probe begins with its row and ends when that is gone, after time for the last answers. One that
// was under way when the agent died is not taken up again: what was sent meanwhile nobody knows.
//
// Thread rule: Follow on the reconciler's thread; all else on the executor, which is stopped before
// the prober goes. It must not be kept waiting by others: it sends at a rate.
#ifndef OUTRIDER_VSWITCH_AGENT_MOVE_PROBER_H_
#define OUTRIDER_VSWITCH_AGENT_MOVE_PROBER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "vswitch/agent/echo_message.h"
#include "vswitch/agent/executor.h"
#include "vswitch/agent/probe_account.h"
#include "vswitch/agent/state_follower.h"
#include "vswitch/datapath/frame_injection.h"
#include "vswitch/sys/netlink/echo_socket.h"

namespace outrider::agent {

class MoveProber final : public StateFollower {
 public:
  // At once; of others it is said that there are too many.
  static constexpr size_t kMaxProbes = 64;
  // The longest lease a migration can have: a controller that is gone ends no probe.
  static constexpr Executor::Duration kLongest = std::chrono::hours(24);

  using OpenEchoSocket = std::function<absl::StatusOr<std::unique_ptr<sys::EchoSocket>>(
      const datapath::InjectionPoint& point, uint16_t identifier)>;
  // All outlive the prober.
  struct Dependencies {
    Executor* executor;
    // Null: the datapath of this host sends nothing in a guest's name.
    datapath::FrameInjection* injection;
    OpenEchoSocket open;
    // CLOCK_MONOTONIC, microseconds.
    std::function<int64_t()> clock;
    std::function<uint64_t()> random;
    // Of each probe that is over, on the executor.
    std::function<void(const ProbeReport&)> tell;
  };
  explicit MoveProber(Dependencies dependencies) : dependencies_(std::move(dependencies)) {}

  void Follow(const state::HostState& wanted, const state::HostState& in_force) override;

 private:
  // A row of the host's state, and whose MAC the requests have.
  struct Wanted {
    state::MoveProbe row;
    // Zero: the port that asks is not active here.
    MacAddress from_mac;
    // See IsOld.
    bool old = false;
    bool operator==(const Wanted&) const = default;
  };
  using WantedProbes = std::map<PortId, Wanted>;
  struct Probe {
    PortId port;
    Wanted wanted;
    EchoPair pair;
    EchoName name;
    int64_t began_us = 0;
    // When it is to ask next.
    int64_t next_us = 0;
    // Set: no more requests; the last answers have until then.
    int64_t ends_us = 0;
    bool over = false;
    std::unique_ptr<sys::EchoSocket> socket;
    ProbeAccount account;
  };

  // Whether the row was there when the agent started.
  bool IsOld(const PortId& id, const state::MoveProbe& row) const;
  // `without_asker`: of those before, whose asking port is not active any more.
  void Handle(const WantedProbes& wanted, const std::set<PortId>& without_asker);
  void Begin(const PortId& id, const Wanted& wanted);
  absl::StatusOr<std::shared_ptr<Probe>> Open(const PortId& id, const Wanted& wanted);
  // Asks once, if it still does, listens, and comes again.
  void Turn(const std::shared_ptr<Probe>& probe);
  void Ask(Probe* probe);
  void Listen(Probe* probe);
  // Says what it saw, and why that is not all, if it is not.
  void End(Probe* probe, const std::string& failure);
  void Tell(const PortId& id, const state::MoveProbe& row, const ProbeCounts& counts,
            const std::string& failure);

  const Dependencies dependencies_;
  // The reconciler's: what was handed on last; absent before the first time.
  std::optional<WantedProbes> followed_;
  // Those that are wanted, over before their time or not.
  std::map<PortId, std::shared_ptr<Probe>> probes_;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_MOVE_PROBER_H_
