#include "controller/migration/machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "controller/migration/timeline.h"

namespace outrider::controller {
namespace {

// Detail of a switchover before the guest runs at the destination.
constexpr char kPausedDetail[] = "port-data at the destination: the source has paused";

bool Contains(const Peers& peers, const std::string& host) {
  return std::find(peers.begin(), peers.end(), host) != peers.end();
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
  absl::Status operator()(const AttachedEvent& input);
  absl::Status operator()(const DetachedEvent& input);
  absl::Status operator()(const AckEvent& input);
  absl::Status operator()(const HostLostEvent& input);
  absl::Status operator()(const AbortEvent& input);
  absl::Status operator()(const TickEvent& input);

  Outcome Take() {
    RememberMove();
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
  void DetachedAtSource(const DetachedEvent& input);
  void DetachedAtDestination(const DetachedEvent& input);
  void AbortNow(const std::string& reason);
  void Converge();
  void CommitWhenDone();
  void Commit(const std::string& detail);
  bool AllPeersAcked() const;
  bool AllPortsSeen() const;
  bool SourceIsGone() const;
  bool GuestSeen() const;
  bool DestinationHasIt() const;
  bool LeaseIsOver(const TickEvent& tick) const;
  bool RenewLease(const TickEvent& tick);
  void TickSwitching(const TickEvent& tick);
  void RememberMove();

  const v1::Migration& before_;
  Outcome outcome_;
  const int64_t now_us_;
};

void Step::Record(int64_t time_us, const std::string& host, const std::string& kind,
                  const std::string& port_id, const std::string& detail) {
  AddEvent(&next(), time_us, now_us_, host, kind, port_id, detail);
  outcome_.changed = true;
}

// The record that made the move could not know its own revision; the next write notes it.
void Step::RememberMove() {
  const bool due = before_.phase() == v1::MIGRATION_PHASE_SWITCHING &&
                   before_.switch_revision() == 0 && outcome_.changed;
  if (due) next().set_switch_revision(before_.meta().revision());
}

absl::Status Step::operator()(const ReceiptEvent& input) {
  const v1::PortReceipt& receipt = input.receipt;
  const std::string& port = receipt.port_id();
  if (receipt.host() != before_.destination() || !Moves(port) ||
      receipt.epoch() != TargetEpoch(port)) {
    return absl::OkStatus();
  }
  const auto known = before_.receipts().find(port);
  const bool fits = receipt.digest() == before_.expected_digests().at(port);
  if (Expecting() && fits && known == before_.receipts().end()) {
    (*next().mutable_receipts())[port] = receipt;
    Record(receipt.time_us(), receipt.host(), "receipt", port,
           fmt::format("profile {} revision {}, digest {}", receipt.profile(),
                       receipt.profile_revision(), receipt.digest()));
    ArmWhenComplete();
  }
  const bool activated = receipt.phase() == v1::PORT_PHASE_ACTIVE &&
                         Is(v1::MIGRATION_PHASE_SWITCHING) &&
                         !HasEvent(before_, "activated", receipt.host(), port);
  if (activated) Record(receipt.time_us(), receipt.host(), "activated", port, "");
  return absl::OkStatus();
}

void Step::ArmWhenComplete() {
  if (!Is(v1::MIGRATION_PHASE_PREPARING) ||
      next().receipts().size() != next().source_epochs().size()) {
    return;
  }
  next().set_phase(v1::MIGRATION_PHASE_ARMED);
  Record(now_us_, kController, "armed", "", fmt::format("{} port(s)", next().port_ids_size()));
}

absl::Status Step::operator()(const ExpectationEvent& input) {
  if (!Expecting() || !Moves(input.port_id)) return absl::OkStatus();
  std::string& expected = (*next().mutable_expected_digests())[input.port_id];
  if (expected == input.digest) return absl::OkStatus();
  expected = input.digest;
  outcome_.changed = true;
  // What the destination has in force is not what will be needed: wait for its new receipt.
  next().mutable_receipts()->erase(input.port_id);
  next().set_phase(v1::MIGRATION_PHASE_PREPARING);
  return absl::OkStatus();
}

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

absl::Status Step::operator()(const AttachedEvent& input) {
  const bool news = input.host == before_.destination() && Moves(input.port_id) &&
                    (Expecting() || Is(v1::MIGRATION_PHASE_SWITCHING)) &&
                    !HasEvent(before_, "attached", input.host, input.port_id);
  if (news) Record(input.time_us, input.host, "attached", input.port_id, "");
  return absl::OkStatus();
}

absl::Status Step::operator()(const DetachedEvent& input) {
  if (!Moves(input.port_id)) return absl::OkStatus();
  if (input.host == before_.source()) DetachedAtSource(input);
  if (input.host == before_.destination()) DetachedAtDestination(input);
  return absl::OkStatus();
}

void Step::DetachedAtSource(const DetachedEvent& input) {
  const std::string& port = input.port_id;
  // A source that lets go of a guest which the destination has a device for hands it over.
  const bool hands_over =
      Is(v1::MIGRATION_PHASE_ARMED) && HasEvent(before_, "attached", before_.destination(), port);
  if (Expecting() && !hands_over) {
    return AbortNow(fmt::format("port {} was detached at the source", port));
  }
  const bool news =
      hands_over || (Is(v1::MIGRATION_PHASE_SWITCHING) && !SourceLetGo(before_, port));
  if (news) Record(input.time_us, input.host, "detached", port, "");
  if (hands_over) {
    Switch(input.time_us, input.host, "source detached the port", input.peers);
  } else if (news) {
    CommitWhenDone();
  }
}

void Step::DetachedAtDestination(const DetachedEvent& input) {
  if (Expecting()) {
    AbortNow(fmt::format("port {} was detached at the destination", input.port_id));
  } else if (Is(v1::MIGRATION_PHASE_SWITCHING) && !GuestSeen()) {
    // Once the guest runs there, a NIC it loses is not the VM coming back.
    AbortNow(fmt::format("port {} was detached at the destination before the guest was seen there",
                         input.port_id));
  }
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

// Whether anything says that the guest runs at the destination.
bool Step::GuestSeen() const {
  const v1::Migration& now = outcome_.next;
  return !now.first_frame_us().empty() || std::any_of(now.timeline().begin(), now.timeline().end(),
                                                      [&](const v1::MigrationEvent& event) {
                                                        return event.kind() == "switchover" &&
                                                               event.host() == now.destination() &&
                                                               event.detail() != kPausedDetail;
                                                      });
}

bool Step::DestinationHasIt() const {
  const std::string& destination = outcome_.next.destination();
  const auto peer = outcome_.next.peers().find(destination);
  const bool acked = peer != outcome_.next.peers().end() && peer->second != 0;
  return acked || GuestSeen() || HasEvent(outcome_.next, "activated", destination, "");
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

absl::Status Step::operator()(const AbortEvent& input) {
  if (Is(v1::MIGRATION_PHASE_COMMITTED)) {
    return absl::FailedPreconditionError(
        fmt::format("migration \"{}\" is committed; migrate back to host \"{}\" instead",
                    before_.meta().name(), before_.source()));
  }
  if (!Is(v1::MIGRATION_PHASE_ABORTED)) AbortNow(input.reason);
  return absl::OkStatus();
}

void Step::AbortNow(const std::string& reason) {
  // Before that the ports never left.
  if (Is(v1::MIGRATION_PHASE_SWITCHING)) outcome_.relocation = Relocation::kToSource;
  Record(now_us_, kController, "abort", "", reason);
  next().set_phase(v1::MIGRATION_PHASE_ABORTED);
  next().set_reason(reason);
  Record(now_us_, kController, "aborted", "",
         fmt::format("host \"{}\" {} the ports{}", before_.source(),
                     outcome_.relocation == Relocation::kToSource ? "regains" : "keeps",
                     HasEvent(before_, "detached", before_.source(), "")
                         ? ", but those it has detached"
                         : ""));
}

// A destination opens a port on the guest's first frame without asking: it must have had its say
// before a lease ends a migration. One that does not come back in time has none.
bool Step::LeaseIsOver(const TickEvent& tick) const {
  const DestinationPresence& destination = tick.destination;
  const int64_t lease_us = before_.lease_expires_us();
  if (now_us_ < lease_us) return false;
  const bool has_had_its_say =
      destination.connected &&
      destination.heard_us >= std::max(lease_us, destination.since_us + kReportTimeUs);
  return has_had_its_say || now_us_ >= std::max(lease_us, tick.started_us) + kLeaseGraceUs;
}

// The hypervisor copies memory for as long as it takes; the device it keeps at the destination says
// that it still means to move. Its end is an abort.
bool Step::RenewLease(const TickEvent& tick) {
  const bool wanted = before_.detected() && tick.destination.connected &&
                      now_us_ - tick.destination.heard_us < kAbsenceUs &&
                      HasEvent(before_, "attached", before_.destination(), "") &&
                      now_us_ - RecordedAt(before_, "intent") < kMaxDetectedUs;
  if (!wanted || before_.lease_expires_us() - now_us_ > kDetectedLeaseUs / 2) return false;
  next().set_lease_expires_us(now_us_ + kDetectedLeaseUs);
  outcome_.changed = true;
  return true;
}

absl::Status Step::operator()(const TickEvent& input) {
  if (Is(v1::MIGRATION_PHASE_SWITCHING)) {
    TickSwitching(input);
  } else if (Expecting() && !RenewLease(input) && LeaseIsOver(input)) {
    Record(now_us_, kController, "lease-expired", "", "");
    AbortNow("lease expired");
  }
  return absl::OkStatus();
}

void Step::TickSwitching(const TickEvent& tick) {
  const DestinationPresence& destination = tick.destination;
  const int64_t switched_us = RecordedAt(before_, "switchover");
  if (!destination.connected && !GuestSeen()) {
    // Dead before it was activated, as far as anybody knows: the source has the guest.
    if (now_us_ - std::max(destination.since_us, switched_us) < kAbsenceUs) return;
    return AbortNow(fmt::format("host \"{}\" is gone, and the guest was not seen there",
                                before_.destination()));
  }
  if (now_us_ - switched_us < kCommitGraceUs) return;
  // A session that is only thought to live says nothing: one that died with its host is noticed
  // late.
  const bool lives = GuestSeen() || destination.heard_us >= switched_us + kReportTimeUs;
  if (AllPeersAcked() && lives) return Commit("without a first frame of every port");
  if (now_us_ < before_.lease_expires_us()) return;
  if (DestinationHasIt()) {
    // The ports have moved; hosts that are silent get the state when they come back.
    Record(now_us_, kController, "lease-expired", "", "");
    Commit("without the acknowledgement of every peer");
  } else if (LeaseIsOver(tick)) {
    Record(now_us_, kController, "lease-expired", "", "");
    AbortNow(fmt::format("host \"{}\" did not put the ports in force", before_.destination()));
  }
}

}  // namespace

absl::StatusOr<Outcome> Advance(const v1::Migration& migration, const MigrationInput& input,
                                int64_t now_us) {
  Step step(migration, now_us);
  RETURN_IF_ERROR(std::visit(step, input));
  return step.Take();
}

uint64_t MoveRevision(const v1::Migration& migration) {
  return migration.switch_revision() != 0 ? migration.switch_revision()
                                          : migration.meta().revision();
}

}  // namespace outrider::controller
