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

#include "controller/migration/times.h"
#include "controller/model/status.h"
#include "outrider/v1/migration.pb.h"
#include "outrider/v1/objects.pb.h"

namespace outrider::controller {

// Trigger of an activation before the guest runs: the source has paused, and said so.
inline constexpr char kPortDataTrigger[] = "port-data";

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
  // What opened the port, as of PortEvent. Empty: not known.
  std::string trigger = {};
};
// What the source's hypervisor, or its datapath, says of a guest that is about to leave.
struct SourceEvent {
  enum class Kind { kPaused, kResumed, kRedirected };
  Kind kind = Kind::kPaused;
  std::string host;
  std::string port_id;
  std::string migration_id;
  // Host's clock.
  int64_t time_us = 0;
  // What told; as of PortEvent.
  std::string trigger = {};
};
// The guest's state seems to be loaded at the destination.
struct LoadedEvent {
  std::string host;
  std::string port_id;
  std::string migration_id;
  // Host's clock.
  int64_t time_us = 0;
  // What told; as of PortEvent.
  std::string trigger = {};
  Peers peers;
};
// What one of the two hosts has counted of a port's frames so far.
struct MoveCountsEvent {
  std::string host;
  std::string port_id;
  v1::MoveCounters counters;
};
// What a host has seen of a port that it probed.
struct ProbeEvent {
  std::string host;
  v1::ProbeResult result;
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
  // Nobody but the operator says so: the host was evacuated.
  bool evacuated = false;
};
// A host has in force what it was sent up to the generation.
struct AckEvent {
  std::string host;
  uint64_t generation = 0;
  // Host's clock, and the controller's when the acknowledgement came.
  int64_t time_us = 0;
  int64_t received_us = 0;
  // What of the move is not in force all the same, for people; such a host has not acknowledged it.
  std::string failures;
};
// A host's session ended: it need not acknowledge, and will be sent everything when it is back. The
// destination is waited for.
struct HostLostEvent {
  std::string host;
};
// The connected hosts of the segments concerned as of now: those beside source and destination may
// be due to learn of the move. The last of what is fed at once.
struct RerouteEvent {
  Peers peers;
};
// The ports are to move on: the operator says so, or a host that claims one of them. A migration
// that only waits for frames under way waits no more.
struct NextMoveEvent {
  // Who claims; empty: the operator.
  std::string host;
};
struct AbortEvent {
  std::string reason;
};
// A host's session, times by the controller's clock.
struct HostPresence {
  bool connected = false;
  // Since when it is, or is not, connected.
  int64_t since_us = 0;
  int64_t heard_us = 0;
};
// Time passed: leases, the drain, the commit grace, a destination that stays away, a guest that
// came back, a probe that is over.
struct TickEvent {
  HostPresence destination;
  // When the controller started: before, nobody could tell it anything.
  int64_t started_us = 0;
  HostPresence source = {};
  MigrationTimes times = {};
};

using MigrationInput =
    std::variant<ReceiptEvent, ExpectationEvent, SwitchoverEvent, ActivationEvent, SourceEvent,
                 LoadedEvent, MoveCountsEvent, ProbeEvent, AttachedEvent, DetachedEvent, AckEvent,
                 HostLostEvent, RerouteEvent, NextMoveEvent, AbortEvent, TickEvent>;

// What must happen to the ports' locations in the same commit as the record.
enum class Relocation {
  kNone,
  kToDestination,  // {source, epoch} -> {destination, epoch + 1}
  kToSource,       // {destination, epoch + 1} -> {source, or none if it let go, epoch + 2}
};

struct Outcome {
  v1::Migration next;
  bool changed = false;
  Relocation relocation = Relocation::kNone;
};

// `now_us` is the controller's clock. FailedPrecondition, in words for the operator, for a
// switchover before ARMED, after ABORTED or to a destination that is not connected, and an abort
// when nothing but the drain or the commit is left; no other event fails.
absl::StatusOr<Outcome> Advance(const v1::Migration& migration, const MigrationInput& input,
                                int64_t now_us);

// Revision of the switchover of a SWITCHING migration.
uint64_t MoveRevision(const v1::Migration& migration);
// Revision whose acknowledgement a peer of it owes.
uint64_t OwedRevision(const v1::Migration& migration, const std::string& host);

// Whether the host has, or had, a device of the port: the source does, the destination once it
// attached one. That it is there no longer is a detachment, also when nobody has said so.
bool HadDevice(const v1::Migration& migration, const std::string& host, const std::string& port_id);

// Whether the source detached the port after the switchover, so that an abort cannot put it there.
bool SourceLetGo(const v1::Migration& migration, const std::string& port_id);

// Whether that was the operator's word: what the host still has attached is no claim.
bool SourceWasEvacuated(const v1::Migration& migration, const std::string& port_id);

// Adds to the timeline. `time_us` by the clock of `host`.
void AddEvent(v1::Migration* migration, int64_t time_us, int64_t now_us, const std::string& host,
              const std::string& kind, const std::string& port_id, const std::string& detail);

}  // namespace outrider::controller

#endif  // OUTRIDER_CONTROLLER_MIGRATION_MACHINE_H_
