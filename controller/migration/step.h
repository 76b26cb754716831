// One step of the state machine: a record, an input, and what becomes of the record. The handlers
// are in machine.cc (up to ARMED), machine_switch.cc (the switchover and its convergence),
// machine_source.cc (hosts that let go, the guest's pause, what was sent after it),
// machine_probe.cc (what was seen of the move) and machine_end.cc (abort, leases, a guest that came
// back). Internal to migration.
//
// Pure; used by one call of Advance.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_STEP_H_
#define OUTRIDER_CONTROLLER_MIGRATION_STEP_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "controller/migration/machine.h"
#include "controller/migration/timeline.h"

namespace outrider::controller {

// Details of a switchover by the destination: before the guest runs there, maybe before, and not.
inline constexpr char kPausedDetail[] = "port-data at the destination: the source has paused";
inline constexpr char kLoadedDetail[] =
    "tap-features at the destination: the guest is loaded, the source has paused";
inline constexpr char kOpenedDetail[] = "opened at the destination, by what is not known";
inline constexpr char kGuestDetail[] = "guest runs at the destination";

inline bool Contains(const Peers& peers, const std::string& host) {
  return std::find(peers.begin(), peers.end(), host) != peers.end();
}

// Whether what opened a port at the destination says that the guest runs there.
inline bool IsGuest(const std::string& trigger) {
  return !trigger.empty() && trigger != kPortDataTrigger;
}

// Handles one input. The record is changed in place; Advance compares nothing, so every change goes
// through a function that sets outcome_.changed.
class Step {
 public:
  Step(const v1::Migration& migration, int64_t now_us)
      : before_(migration), outcome_{migration, false, Relocation::kNone}, now_us_(now_us) {}

  absl::Status operator()(const ReceiptEvent& input);
  absl::Status operator()(const ExpectationEvent& input);
  absl::Status operator()(const SwitchoverEvent& input);
  absl::Status operator()(const ActivationEvent& input);
  absl::Status operator()(const SourceEvent& input);
  absl::Status operator()(const LoadedEvent& input);
  absl::Status operator()(const MoveCountsEvent& input);
  absl::Status operator()(const ProbeEvent& input);
  absl::Status operator()(const AttachedEvent& input);
  absl::Status operator()(const DetachedEvent& input);
  absl::Status operator()(const AckEvent& input);
  absl::Status operator()(const HostLostEvent& input);
  absl::Status operator()(const RerouteEvent& input);
  absl::Status operator()(const NextMoveEvent& input);
  absl::Status operator()(const AbortEvent& input);
  absl::Status operator()(const TickEvent& input);

  Outcome Take() {
    RememberRevisions();
    return std::move(outcome_);
  }

 private:
  v1::Migration& next() { return outcome_.next; }
  bool Is(v1::MigrationPhase phase) const { return outcome_.next.phase() == phase; }
  bool Expecting() const {
    return Is(v1::MIGRATION_PHASE_PREPARING) || Is(v1::MIGRATION_PHASE_ARMED);
  }
  bool Moves(const std::string& port_id) const { return before_.source_epochs().contains(port_id); }
  // Epoch under which the destination holds, or would hold, the port.
  uint64_t TargetEpoch(const std::string& port_id) const {
    return before_.source_epochs().at(port_id) + 1;
  }
  void Record(int64_t time_us, const std::string& host, const std::string& kind,
              const std::string& port_id, const std::string& detail);
  void ArmWhenComplete();
  void Switch(int64_t time_us, const std::string& host, const std::string& detail,
              const Peers& peers);
  void Reroute(const Peers& peers);
  bool RerouteIsDue(const Peers& peers) const;
  void DetachedAtSource(const DetachedEvent& input);
  void DetachedAtDestination(const DetachedEvent& input);
  void AbortNow(const std::string& reason);
  void Converge();
  void CommitWhenDone();
  // Of one that drains.
  void CommitNow();
  void Commit(const std::string& detail);
  bool HasAcked(const std::string& host) const;
  // Everybody has the move in force.
  bool Converged() const;
  // The move is over but for what was sent by the former route before its sender was rerouted: that
  // still finds a source that sends it after the guest, and a destination that takes it.
  bool Drains() const;
  // The time for that is over.
  bool HasDrained() const;
  bool AllPortsSeen() const;
  bool SourceIsGone() const;
  bool TakesCounts() const;
  // Whether the source's last word is that the guest runs there.
  bool SaidToRunAtSource() const;
  // Whether it is that the guest has paused, or is sent after.
  bool SaidToPauseAtSource() const;
  bool RunsAtSource(const TickEvent& tick) const;
  bool MayRunAtSource(const TickEvent& tick) const;
  // Whether anything says that the guest runs at the destination.
  bool GuestSeen() const;
  bool DestinationHasIt() const;
  bool LeaseIsOver(const TickEvent& tick) const;
  bool RenewLease(const TickEvent& tick);
  void TickSwitching(const TickEvent& tick);
  void EndProbes();
  void RememberRevisions();

  const v1::Migration& before_;
  Outcome outcome_;
  const int64_t now_us_;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_STEP_H_
