// What one host was sent of its state and what it has acknowledged, as a pure value: which message
// brings it up to date, and which revisions of the model it is known to have in force. Must not
// know streams, the model or how states are computed.
//
// Not synchronised: belongs to one session.
#ifndef OUTRIDER_CONTROLLER_SESSION_STATE_FEED_H_
#define OUTRIDER_CONTROLLER_SESSION_STATE_FEED_H_

#include <absl/status/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "outrider/v1/host_state.pb.h"
#include "outrider/v1/session.pb.h"

namespace outrider::controller {

// A host's state as of a store revision.
struct GenerationState {
  uint64_t generation = 0;
  std::shared_ptr<const v1::HostState> state;
};

class StateFeed {
 public:
  // kSnapshot: from nothing. kLostHistory: from nothing as well, but the agent holds a generation
  // of our store that the store has not come to: it was restored from a backup, or the agent lies.
  // It would refuse an older snapshot of the same store, so the session must go under another store
  // id. That touches this host only, whatever number it gave.
  enum class Start { kResume, kSnapshot, kLostHistory };

  // Decides where to go on from, by what the agent says it holds: `current`, when its digest is the
  // agent's; else `kept` (what an earlier session was sent last; may be empty), when generation and
  // digest are the agent's; else from nothing. `store_id` is ours: generations of another store
  // count for nothing.
  Start Begin(const v1::Hello& hello, const std::string& store_id, const GenerationState& current,
              const GenerationState& kept);

  // The message that leads the host to `current`: a Snapshot when it holds nothing, a Delta from
  // what was sent last, nothing when that is the same. The caller sends it.
  std::optional<v1::ControllerMessage> Next(const GenerationState& current);

  // INVALID_ARGUMENT when nothing of that generation was sent. Late and repeated ones are fine.
  absl::Status OnAck(uint64_t generation);

  // The newest revision the host has in force, when it grew since the last call. It may be newer
  // than the generation acknowledged: a host needs no delta for revisions that do not touch it.
  std::optional<uint64_t> TakeCovered();
  // As of the last TakeCovered; 0 before.
  uint64_t covered() const { return covered_; }

  // Whether something was sent since the last call.
  bool TakeSentNews() { return std::exchange(sent_news_, false); }

  // Generations as the host counts them: acknowledged, and sent last.
  uint64_t acked() const { return acked_; }
  const GenerationState& sent() const { return sent_; }
  // The state sent last is also the one of this revision of the model.
  uint64_t checked_revision() const { return checked_revision_; }

 private:
  // Null state: the host holds nothing we know.
  GenerationState sent_;
  uint64_t acked_ = 0;
  uint64_t checked_revision_ = 0;
  uint64_t covered_ = 0;
  bool sent_news_ = false;
};

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_SESSION_STATE_FEED_H_
