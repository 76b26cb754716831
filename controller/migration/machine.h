// The phases of a migration as a pure function: record and event in, next record and what to do
// with the ports out. Must not know the store, sessions or clocks.
//
//   PREPARING --> ARMED --> SWITCHING --> COMMITTED
//       '-----------'-----------'-------> ABORTED
//
// Pure; any thread. Events may repeat, come late or out of order: what changes nothing returns the
// record as it was.
#ifndef OUTRIDER_CONTROLLER_MIGRATION_MACHINE_H_
#define OUTRIDER_CONTROLLER_MIGRATION_MACHINE_H_

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "controller/model/status.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller {

// How long a switched migration waits for the guest's first frame before it commits without.
inline constexpr int64_t kCommitGraceUs = 10'000'000;

// Who must acknowledge the move if this event makes it: connected hosts of the segments concerned.
using Peers = std::vector<std::string>;

// The destination reported what is in force for a port.
struct ReceiptEvent {
  v1::PortReceipt receipt;
};
// What receipts must carry has changed, because a profile did.
struct ExpectationEvent {
  std::string port_id;
  std::string digest;
};
// The source is paused (by the caller's clock, 0: now).
struct SwitchoverEvent {
  int64_t paused_us = 0;
  Peers peers;
};
// The destination opened a port by itself (first_frame false), or saw the guest's first frame.
struct ActivationEvent {
  std::string host;
  std::string port_id;
  uint64_t epoch = 0;
  // Host's clock.
  int64_t time_us = 0;
  bool first_frame = false;
  Peers peers;
};
struct AttachedEvent {
  std::string host;
  std::string port_id;
  // Host's clock.
  int64_t time_us = 0;
};
struct DetachedEvent {
  std::string host;
  std::string port_id;
  int64_t time_us = 0;
  Peers peers;
};
// A host has in force what it was sent up to the generation.
struct AckEvent {
  std::string host;
  uint64_t generation = 0;
  // Host's clock, and the controller's when the acknowledgement came.
  int64_t time_us = 0;
  int64_t received_us = 0;
};
// A host's session ended: it need not acknowledge, and will be sent everything when it is back.
struct HostLostEvent {
  std::string host;
};
struct AbortEvent {
  std::string reason;
};
// Time passed: leases and the commit grace.
struct TickEvent {};

using MigrationInput =
    std::variant<ReceiptEvent, ExpectationEvent, SwitchoverEvent, ActivationEvent, AttachedEvent,
                 DetachedEvent, AckEvent, HostLostEvent, AbortEvent, TickEvent>;

// What must happen to the ports' locations in the same commit as the record.
enum class Relocation {
  kNone,
  kToDestination,  // {source, epoch} -> {destination, epoch + 1}
  kToSource,       // {destination, epoch + 1} -> {source, epoch + 2}
};

struct Outcome {
  v1::Migration next;
  bool changed = false;
  Relocation relocation = Relocation::kNone;
};

// `now_us` is the controller's clock. FailedPrecondition, in words for the operator, for a
// switchover before ARMED or after ABORTED, and an abort after COMMITTED; no other event fails.
absl::StatusOr<Outcome> Advance(const v1::Migration& migration, const MigrationInput& input,
                                int64_t now_us);

// Revision whose acknowledgement a peer of a SWITCHING migration owes.
uint64_t MoveRevision(const v1::Migration& migration);

// Adds to the timeline. `time_us` by the clock of `host`.
void AddEvent(v1::Migration* migration, int64_t time_us, int64_t now_us, const std::string& host,
              const std::string& kind, const std::string& port_id, const std::string& detail);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_MACHINE_H_
