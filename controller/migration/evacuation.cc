// Hosts that have failed: what becomes of their ports, and of the migrations from and to them.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "controller/migration/admission.h"
#include "controller/migration/driver.h"
#include "controller/migration/relocation.h"
#include "controller/store/port_location.h"

namespace outrider::controller {
namespace {

constexpr int64_t kUsPerSecond = 1'000'000;

// A source that is no more has let go of everything.
std::vector<MigrationInput> SourceLetsGo(const Model& model, const v1::Migration& migration,
                                         int64_t now_us, bool evacuated) {
  std::vector<MigrationInput> inputs;
  for (const std::string& id : migration.port_ids()) {
    inputs.push_back(
        DetachedEvent{migration.source(), id, now_us, ConnectedPeers(model, migration), evacuated});
  }
  return inputs;
}

// Whether the guest had come to `host` when that failed. It has died with it: the source, which it
// had left, must not get its ports back.
bool DiedAt(const v1::Migration& migration, const std::string& host) {
  return migration.phase() == v1::MIGRATION_PHASE_SWITCHING && migration.destination() == host &&
         !migration.first_frame_us().empty();
}

// What the loss of `host` is to a running migration.
std::vector<MigrationInput> InputsFor(const Model& model, const v1::Migration& migration,
                                      const std::string& host, int64_t now_us) {
  const AbortEvent abort{fmt::format("host \"{}\" was evacuated", host)};
  if (migration.phase() != v1::MIGRATION_PHASE_SWITCHING) return {abort};
  const bool of_source = host == migration.source();
  std::vector<MigrationInput> inputs;
  if (of_source || DiedAt(migration, host)) {
    inputs = SourceLetsGo(model, migration, now_us, of_source);
  }
  // Nothing is under way any more.
  inputs.push_back(NextMoveEvent{});
  if (!of_source) inputs.push_back(abort);
  return inputs;
}

// The record without `host`, and whether that gives its ports back.
absl::StatusOr<Outcome> EndWithout(const Model& model, const v1::Migration& migration,
                                   const std::string& host, int64_t now_us) {
  Outcome all{migration, false, Relocation::kNone};
  for (const MigrationInput& input : InputsFor(model, migration, host, now_us)) {
    if (!IsRunning(all.next)) break;
    ASSIGN_OR_RETURN(Outcome outcome, Advance(all.next, input, now_us));
    if (outcome.relocation != Relocation::kNone) all.relocation = outcome.relocation;
    all.changed |= outcome.changed;
    all.next = std::move(outcome.next);
  }
  if (DiedAt(migration, host)) all.relocation = Relocation::kNone;
  return all;
}

NameSet MigrationsWith(const Model& model, const std::string& host) {
  NameSet ids;
  for (const std::string& id : model.index().running_migrations.Get(Index::kAll)) {
    const v1::Migration& migration = *model.Find<v1::Migration>(id);
    if (migration.source() == host || migration.destination() == host) ids.insert(id);
  }
  return ids;
}

// But those that an aborted migration gives back.
std::vector<PortMove> TakenFrom(const Model& model, const std::string& host,
                                const NameSet& given_back) {
  std::vector<PortMove> moves;
  for (const std::string& id : model.index().ports_located_at.Get(host)) {
    if (given_back.contains(id)) continue;
    PortMove move{id, model.Find<v1::Port>(id)->location(), {}, host};
    move.to.set_epoch(move.from.epoch() + 1);
    moves.push_back(move);
  }
  return moves;
}

}  // namespace

// Of a host that was not heard of since the controller's start nobody knows when it was heard last.
absl::Status MigrationDriver::CheckHasFailed(const v1::Host& host) const {
  const std::string& id = host.meta().name();
  if (host.state() == v1::Host::STATE_CONNECTED) {
    return absl::FailedPreconditionError(fmt::format(
        "host \"{}\" is connected; stop its guests and its agent, or take its ports from "
        "guests that may run there with --force",
        id));
  }
  const int64_t silent_us = clock_->NowUs() - std::max(host.last_seen_us(), started_us_);
  if (silent_us >= times_.absence_us) return absl::OkStatus();
  const bool heard = host.last_seen_us() > started_us_;
  return absl::FailedPreconditionError(fmt::format(
      "host \"{}\" {} {} s ago, and its guests may still run; repeat this in {} s, or use --force "
      "when you know that they do not",
      id, heard ? "was heard" : "was not heard yet by this controller, which started",
      silent_us / kUsPerSecond, (times_.absence_us - silent_us) / kUsPerSecond + 1));
}

absl::StatusOr<Evacuation> MigrationDriver::Evacuate(const std::string& host, bool force) {
  Evacuation done;
  const auto fn = [&](const Model& model, Transaction* transaction) -> absl::Status {
    const v1::Host* present = model.Find<v1::Host>(host);
    if (present == nullptr) return Repository::NotFound(Kind::kHost, host);
    if (!force) RETURN_IF_ERROR(CheckHasFailed(*present));
    NameSet given_back;
    for (const std::string& id : MigrationsWith(model, host)) {
      ASSIGN_OR_RETURN(const Outcome outcome,
                       EndWithout(model, *model.Find<v1::Migration>(id), host, clock_->NowUs()));
      if (!outcome.changed) continue;
      RETURN_IF_ERROR(StageRelocation(model, outcome.next, outcome.relocation, transaction));
      if (outcome.relocation != Relocation::kNone) {
        given_back.insert(outcome.next.port_ids().begin(), outcome.next.port_ids().end());
      }
      if (!IsRunning(outcome.next)) done.migrations.insert(id);
      transaction->Put(outcome.next);
    }
    const std::vector<PortMove> moves = TakenFrom(model, host, given_back);
    for (const PortMove& move : moves) done.ports.insert(move.port_id);
    return MovePorts(model, moves, transaction);
  };
  RETURN_IF_ERROR(repository_->Transact(fn).status());
  return done;
}

}  // namespace outrider::controller
