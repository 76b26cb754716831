#include "controller/migration/machine.h"

#include <fmt/format.h>

#include "controller/migration/step.h"

namespace outrider::controller {

void Step::Record(int64_t time_us, const std::string& host, const std::string& kind,
                  const std::string& port_id, const std::string& detail) {
  AddEvent(&next(), time_us, now_us_, host, kind, port_id, detail);
  outcome_.changed = true;
}

// The record that made the move, or told the others of it, could not know its own revision; the
// next write notes it.
void Step::RememberRevisions() {
  if (!outcome_.changed || before_.phase() != v1::MIGRATION_PHASE_SWITCHING) return;
  const uint64_t revision = before_.meta().revision();
  if (before_.switch_revision() == 0) next().set_switch_revision(revision);
  const bool rerouted = before_.rerouted_us() != 0 && before_.reroute_revision() == 0;
  if (rerouted) next().set_reroute_revision(revision);
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

absl::Status Step::operator()(const AttachedEvent& input) {
  const bool news = input.host == before_.destination() && Moves(input.port_id) &&
                    (Expecting() || Is(v1::MIGRATION_PHASE_SWITCHING)) &&
                    !HasEvent(before_, "attached", input.host, input.port_id);
  if (news) Record(input.time_us, input.host, "attached", input.port_id, "");
  return absl::OkStatus();
}

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

uint64_t OwedRevision(const v1::Migration& migration, const std::string& host) {
  if (host == migration.source() || host == migration.destination()) return MoveRevision(migration);
  return migration.reroute_revision() != 0 ? migration.reroute_revision()
                                           : migration.meta().revision();
}

}  // namespace outrider::controller
