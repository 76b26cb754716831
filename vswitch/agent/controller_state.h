// The controller's word on this host as the agent holds it: which store and generation, and the
// state. Owns the rule that an agent never goes backwards, and keeps the local store in step. Knows
// nothing of attachments, datapaths or streams.
//
// Thread rule: one thread, the reconciler's.
#ifndef OUTRIDER_VSWITCH_AGENT_CONTROLLER_STATE_H_
#define OUTRIDER_VSWITCH_AGENT_CONTROLLER_STATE_H_

#include <string>

#include "vswitch/agent/local_store.h"
#include "vswitch/state/state_delta.h"

namespace outrider::agent {

struct ControllerSnapshot {
  std::string store_id;
  Generation generation{};
  // Valid.
  state::HostState state;
};

struct ControllerDelta {
  std::string store_id;
  Generation from{};
  Generation to{};
  state::StateDelta delta;
};

class ControllerState {
 public:
  // `store` outlives the object.
  explicit ControllerState(LocalStore* store) : store_(store) {}

  // What the local store has. A stored state that cannot be read any more counts as none.
  absl::Status Load();

  // Whether a controller has ever spoken.
  bool known() const { return known_; }
  const std::string& store_id() const { return store_id_; }
  Generation generation() const { return generation_; }
  const state::HostState& state() const { return state_; }

  // FailedPrecondition: older than what is held. Another store's snapshot is taken as it is, with a
  // warning: a generation means something only within its store.
  absl::Status Take(ControllerSnapshot snapshot);
  // FailedPrecondition: does not lead on from what is held. InvalidArgument: leads to a state that
  // is not whole. What is held stays as it was.
  absl::Status Take(const ControllerDelta& delta);

 private:
  void PersistSnapshot();
  void PersistDelta(const ControllerDelta& delta);

  LocalStore* store_;
  bool known_ = false;
  std::string store_id_;
  Generation generation_{};
  state::HostState state_;
  // A write failed: the stored deltas have a gap until the next snapshot.
  bool store_behind_ = false;
};

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_CONTROLLER_STATE_H_
