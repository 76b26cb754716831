// From the switchover to the commit. First source and destination learn that the ports have moved;
// the other hosts go on sending to the source, which sends it after the guest. Once both have it in
// force the others are rerouted: what they sent before comes before what they send then.
#include <fmt/format.h>

#include <algorithm>

#include "controller/migration/step.h"

namespace outrider::controller {
namespace {

const char* SwitchDetail(const ActivationEvent& input) {
  if (input.first_frame || IsGuest(input.trigger)) return kGuestDetail;
  return input.trigger.empty() ? kOpenedDetail : kPausedDetail;
}

}  // namespace

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
  // Opened because the source had paused, and now because the guest runs: that is news.
  const bool guest = !input.first_frame && IsGuest(input.trigger) && !GuestSeen();
  if (HasEvent(before_, kind, input.host, input.port_id) && !guest) return absl::OkStatus();
  Record(input.time_us, input.host, kind, input.port_id, input.trigger);
  if (input.first_frame) (*next().mutable_first_frame_us())[input.port_id] = input.time_us;
  if (Expecting()) {
    Switch(input.time_us, input.host, SwitchDetail(input), input.peers);
  } else {
    CommitWhenDone();
  }
  return absl::OkStatus();
}

// QEMU loads a guest only once it stands still at the source. But others, too, may set what a tap
// takes, and what was loaded may fail before it runs: so it moves the ports only as port-data does,
// on the source's own word, and is no word of the guest.
absl::Status Step::operator()(const LoadedEvent& input) {
  const bool of_this_move = input.host == before_.destination() && Moves(input.port_id) &&
                            input.migration_id == before_.meta().name();
  if (!of_this_move || (!Expecting() && !Is(v1::MIGRATION_PHASE_SWITCHING))) {
    return absl::OkStatus();
  }
  if (!HasEvent(before_, "loaded", input.host, input.port_id)) {
    Record(input.time_us, input.host, "loaded", input.port_id,
           input.trigger.empty() ? "" : "by " + input.trigger);
  }
  if (Is(v1::MIGRATION_PHASE_ARMED) && SaidToPauseAtSource()) {
    Switch(input.time_us, input.host, kLoadedDetail, input.peers);
  }
  return absl::OkStatus();
}

void Step::Switch(int64_t time_us, const std::string& host, const std::string& detail,
                  const Peers& peers) {
  next().set_phase(v1::MIGRATION_PHASE_SWITCHING);
  Record(time_us, host, "switchover", "", detail);
  // The destination is never done without. A source that connects later gets a state that has the
  // move in it.
  (*next().mutable_peers())[before_.destination()] = 0;
  if (Contains(peers, before_.source())) (*next().mutable_peers())[before_.source()] = 0;
  outcome_.relocation = Relocation::kToDestination;
  if (RerouteIsDue(peers)) Reroute(peers);
}

// A source that is gone sends nothing after the guest. Nor are others held up for long by one that
// is silent, or by a destination.
bool Step::RerouteIsDue(const Peers& peers) const {
  if (!Contains(peers, before_.source())) return true;
  if (HasAcked(before_.source()) && HasAcked(before_.destination())) return true;
  return now_us_ - RecordedAt(outcome_.next, "switchover") >= kRerouteGraceUs;
}

absl::Status Step::operator()(const RerouteEvent& input) {
  const bool due =
      Is(v1::MIGRATION_PHASE_SWITCHING) && before_.rerouted_us() == 0 && RerouteIsDue(input.peers);
  if (!due) return absl::OkStatus();
  Reroute(input.peers);
  Converge();
  return absl::OkStatus();
}

void Step::Reroute(const Peers& peers) {
  next().set_rerouted_us(now_us_);
  int others = 0;
  // Hosts that connect later get a state that has the move in it.
  for (const std::string& peer : peers) {
    if (peer == before_.source() || peer == before_.destination()) continue;
    (*next().mutable_peers())[peer] = 0;
    ++others;
  }
  Record(now_us_, kController, "rerouted", "", fmt::format("{} other host(s)", others));
}

absl::Status Step::operator()(const AckEvent& input) {
  if (!Is(v1::MIGRATION_PHASE_SWITCHING) || input.generation < OwedRevision(before_, input.host)) {
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

// Called when a peer acknowledged or dropped out, or the last ones were named, so "converged" comes
// once.
void Step::Converge() {
  if (!Converged()) return;
  SummarizeConvergence(&next());
  Record(now_us_, kController, "converged", "", fmt::format("{} peer(s)", next().peers().size()));
  CommitWhenDone();
}

bool Step::HasAcked(const std::string& host) const {
  const auto peer = outcome_.next.peers().find(host);
  return peer != outcome_.next.peers().end() && peer->second != 0;
}

bool Step::Converged() const {
  return outcome_.next.rerouted_us() != 0 &&
         std::all_of(outcome_.next.peers().begin(), outcome_.next.peers().end(),
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

bool Step::Drains() const {
  return Is(v1::MIGRATION_PHASE_SWITCHING) && Converged() && (AllPortsSeen() || SourceIsGone());
}

bool Step::HasDrained() const {
  return Converged() && now_us_ - RecordedAt(outcome_.next, "converged") >= kDrainUs;
}

void Step::CommitWhenDone() {
  if (Drains() && HasDrained()) CommitNow();
}

absl::Status Step::operator()(const NextMoveEvent& input) {
  // That of the destination is this move.
  if (Drains() && input.host != before_.destination()) CommitNow();
  return absl::OkStatus();
}

void Step::CommitNow() { Commit(AllPortsSeen() ? "" : "the source has detached all ports"); }

void Step::Commit(const std::string& detail) {
  next().set_phase(v1::MIGRATION_PHASE_COMMITTED);
  Record(now_us_, kController, "committed", "", detail);
}

}  // namespace outrider::controller
