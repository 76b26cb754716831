// From the switchover to the commit.
#include <fmt/format.h>

#include <algorithm>

#include "controller/migration/step.h"

namespace outrider::controller {

absl::Status Step::operator()(const SwitchoverEvent& input) {
  const std::string& id = before_.meta().name();
  switch (before_.phase()) {
    case v1::MIGRATION_PHASE_SWITCHING:
    case v1::MIGRATION_PHASE_COMMITTED:
      return absl::OkStatus();
    case v1::MIGRATION_PHASE_ARMED:
      if (!Contains(input.peers, before_.destination())) {
        return absl::FailedPreconditionError(
            fmt::format("migration \"{}\": host \"{}\" is not connected, so nobody would have the "
                        "ports; start its agent, or abort the migration",
                        id, before_.destination()));
      }
      Switch(input.paused_us == 0 ? now_us_ : input.paused_us, kController, "source paused",
             input.peers);
      return absl::OkStatus();
    case v1::MIGRATION_PHASE_ABORTED:
      return absl::FailedPreconditionError(fmt::format(
          "migration \"{}\" was aborted ({}); prepare a new one", id, before_.reason()));
    default:
      return absl::FailedPreconditionError(fmt::format(
          "migration \"{}\" is not armed: host \"{}\" has sent {} of {} receipts; wait for it", id,
          before_.destination(), before_.receipts().size(), before_.port_ids_size()));
  }
}

// The guest runs at the destination, whatever else has or has not come in: follow it.
absl::Status Step::operator()(const ActivationEvent& input) {
  if (input.host != before_.destination() || !Moves(input.port_id) ||
      Is(v1::MIGRATION_PHASE_ABORTED)) {
    return absl::OkStatus();
  }
  // A first frame may come without an epoch; one of another epoch is of another migration.
  const bool of_this_move =
      input.epoch == TargetEpoch(input.port_id) || (input.first_frame && input.epoch == 0);
  if (!of_this_move) return absl::OkStatus();
  const std::string kind = input.first_frame ? "first-frame" : "activated";
  if (HasEvent(before_, kind, input.host, input.port_id)) return absl::OkStatus();
  Record(input.time_us, input.host, kind, input.port_id, input.trigger);
  if (input.first_frame) (*next().mutable_first_frame_us())[input.port_id] = input.time_us;
  if (Expecting()) {
    const bool paused = input.trigger == kPortDataTrigger;
    Switch(input.time_us, input.host, paused ? kPausedDetail : "guest runs at the destination",
           input.peers);
  } else {
    CommitWhenDone();
  }
  return absl::OkStatus();
}

void Step::Switch(int64_t time_us, const std::string& host, const std::string& detail,
                  const Peers& peers) {
  next().set_phase(v1::MIGRATION_PHASE_SWITCHING);
  Record(time_us, host, "switchover", "", detail);
  // Hosts that connect later get a state that has the move in it.
  for (const std::string& peer : peers) (*next().mutable_peers())[peer] = 0;
  // The destination is never done without.
  (*next().mutable_peers())[before_.destination()] = 0;
  outcome_.relocation = Relocation::kToDestination;
}

absl::Status Step::operator()(const AckEvent& input) {
  if (!Is(v1::MIGRATION_PHASE_SWITCHING) || input.generation < MoveRevision(before_)) {
    return absl::OkStatus();
  }
  const auto peer = next().mutable_peers()->find(input.host);
  if (peer == next().mutable_peers()->end() || peer->second != 0) return absl::OkStatus();
  if (!input.failures.empty()) {
    const bool news = !HasEvent(before_, "peer-failing", input.host, "");
    if (news) Record(input.time_us, input.host, "peer-failing", "", input.failures);
    return absl::OkStatus();
  }
  peer->second = input.generation;
  AddEvent(&next(), input.time_us, input.received_us, input.host, "peer-converged", "",
           fmt::format("generation {}", input.generation));
  outcome_.changed = true;
  Converge();
  return absl::OkStatus();
}

absl::Status Step::operator()(const HostLostEvent& input) {
  // What its silence means is for the tick to tell.
  if (input.host == before_.destination()) return absl::OkStatus();
  if (!Is(v1::MIGRATION_PHASE_SWITCHING)) return absl::OkStatus();
  const auto peer = next().mutable_peers()->find(input.host);
  if (peer == next().mutable_peers()->end() || peer->second != 0) return absl::OkStatus();
  // It gets the whole state before it counts as connected again.
  next().mutable_peers()->erase(peer);
  outcome_.changed = true;
  Converge();
  return absl::OkStatus();
}

// Called when a peer acknowledged or dropped out, so "converged" comes once.
void Step::Converge() {
  if (!AllPeersAcked()) return;
  SummarizeConvergence(&next());
  Record(now_us_, kController, "converged", "", fmt::format("{} peer(s)", next().peers().size()));
  CommitWhenDone();
}

bool Step::AllPeersAcked() const {
  return std::all_of(outcome_.next.peers().begin(), outcome_.next.peers().end(),
                     [](const auto& peer) { return peer.second != 0; });
}

// A NIC the guest does not use may never send; the grace covers it.
bool Step::AllPortsSeen() const {
  return outcome_.next.first_frame_us().size() == outcome_.next.source_epochs().size();
}

// A source that has let go of all ports could not get them back, so nothing is waited for.
bool Step::SourceIsGone() const {
  return std::all_of(before_.port_ids().begin(), before_.port_ids().end(),
                     [&](const std::string& id) { return SourceLetGo(outcome_.next, id); });
}

void Step::CommitWhenDone() {
  if (!Is(v1::MIGRATION_PHASE_SWITCHING) || !AllPeersAcked()) return;
  if (AllPortsSeen()) {
    Commit("");
  } else if (SourceIsGone()) {
    Commit("the source has detached all ports");
  }
}

void Step::Commit(const std::string& detail) {
  next().set_phase(v1::MIGRATION_PHASE_COMMITTED);
  Record(now_us_, kController, "committed", "", detail);
}

}  // namespace outrider::controller
