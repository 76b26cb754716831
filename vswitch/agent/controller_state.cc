#include "vswitch/agent/controller_state.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "vswitch/convert/from_proto.h"
#include "vswitch/convert/to_proto.h"

namespace outrider::agent {
namespace {

absl::StatusOr<state::HostState> Replay(const StoredControllerState& stored) {
  ASSIGN_OR_RETURN(state::HostState state, convert::ParseHostState(stored.state));
  for (const std::string& bytes : stored.deltas) {
    ASSIGN_OR_RETURN(const state::StateDelta delta, convert::ParseStateDelta(bytes));
    state = state::ApplyDelta(std::move(state), delta);
  }
  RETURN_IF_ERROR(state::Validate(state));
  return state;
}

}  // namespace

absl::Status ControllerState::Load() {
  ASSIGN_OR_RETURN(const std::optional<StoredControllerState> stored,
                   store_->LoadControllerState());
  if (!stored) return absl::OkStatus();
  absl::StatusOr<state::HostState> state = Replay(*stored);
  if (!state.ok()) {
    spdlog::warn("the stored controller state (generation {}) cannot be used: {}",
                 static_cast<uint64_t>(stored->generation), Message(state.status()));
    return absl::OkStatus();
  }
  known_ = true;
  store_id_ = stored->store_id;
  generation_ = stored->generation;
  state_ = *std::move(state);
  return absl::OkStatus();
}

absl::Status ControllerState::Take(ControllerSnapshot snapshot) {
  const bool same_store = known_ && snapshot.store_id == store_id_;
  if (same_store && snapshot.generation < generation_) {
    return absl::FailedPreconditionError(fmt::format(
        "snapshot of generation {} is older than {}, which this host has; refused",
        static_cast<uint64_t>(snapshot.generation), static_cast<uint64_t>(generation_)));
  }
  if (known_ && !same_store) {
    spdlog::warn("the controller has another store ({}, was {}): taking its state as it is",
                 snapshot.store_id, store_id_);
  }
  known_ = true;
  store_id_ = std::move(snapshot.store_id);
  generation_ = snapshot.generation;
  state_ = std::move(snapshot.state);
  PersistSnapshot();
  return absl::OkStatus();
}

absl::Status ControllerState::Take(const ControllerDelta& delta) {
  if (!known_ || delta.store_id != store_id_ || delta.from != generation_ ||
      delta.to < delta.from) {
    return absl::FailedPreconditionError(
        fmt::format("delta {}..{} of store \"{}\" does not lead on from generation {} of \"{}\"",
                    static_cast<uint64_t>(delta.from), static_cast<uint64_t>(delta.to),
                    delta.store_id, static_cast<uint64_t>(generation_), store_id_));
  }
  state::HostState next = state::ApplyDelta(state_, delta.delta);
  RETURN_IF_ERROR(state::Validate(next));
  state_ = std::move(next);
  generation_ = delta.to;
  PersistDelta(delta);
  return absl::OkStatus();
}

// Persisted before it is applied, so that no crash of the agent lets it restart behind what is in
// force. A disk that refuses does not stop forwarding from following the controller.
void ControllerState::PersistSnapshot() {
  const absl::Status status =
      store_->SaveSnapshot(store_id_, generation_, convert::Serialize(state_));
  if (!status.ok() && !store_behind_) {
    spdlog::error(
        "the controller's state could not be stored, a restart now would use an older one: {}",
        Message(status));
  }
  store_behind_ = !status.ok();
}

void ControllerState::PersistDelta(const ControllerDelta& delta) {
  if (store_behind_ || store_->SnapshotDue()) return PersistSnapshot();
  const absl::Status status = store_->AppendDelta(generation_, convert::Serialize(delta.delta));
  if (!status.ok()) PersistSnapshot();
}

}  // namespace outrider::agent
