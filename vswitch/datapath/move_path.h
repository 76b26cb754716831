// What keeps a live migration from losing frames, on one host: a port with a departure remembers
// what it delivered to its guest; from the guest's pause on that, and what comes then, is sent to
// the destination, in order. On the destination, such frames go into the device's queue while the
// port is still ARMED.
//
//   source:        WATCHED ──Redirect──► REDIRECTED ──guest's frame, TakeBack──► WATCHED
//   (departure)        └────── port DEPARTED ──► REDIRECTED (for good, by Apply)
//
// Apply leads into WATCHED (a departure appears) and out of all of them (it goes); this interface
// does what cannot wait for a whole Apply. A frame is recorded, redirected and counted as it is on
// the wire between hosts: untagged, or with the VLAN of its segment's carrier; super-packets whole.
//
// Thread rule: the reconciler's thread, but for Delivered (any thread).
#ifndef OUTRIDER_VSWITCH_DATAPATH_MOVE_PATH_H_
#define OUTRIDER_VSWITCH_DATAPATH_MOVE_PATH_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "vswitch/types/ids.h"

namespace outrider::datapath {

// A frame that was handed to the guest's device while the port was watched.
struct DeliveredFrame {
  // 0, 1, 2 ... since the port is watched.
  uint64_t sequence = 0;
  // CLOCK_BOOTTIME, nanoseconds.
  uint64_t boot_ns = 0;
};

// The record of a watched port, newest frames only.
struct DeliveredFrames {
  // Handed to the device since the port is watched, those included that the record has lost.
  uint64_t total = 0;
  // Ascending, without gaps, the last one is total - 1. Empty: nothing yet.
  std::vector<DeliveredFrame> kept;
};

enum class MoveMode : uint8_t {
  kWatched,     // delivered here, and remembered
  kRedirected,  // sent after the guest
};

// Counted since the departure, or the arrival, is in force.
struct MoveCounts {
  // Source.
  MoveMode mode = MoveMode::kWatched;
  uint64_t replayed = 0;
  uint64_t redirected = 0;
  // That the record could not hold, or the tunnel did not take.
  uint64_t lost = 0;
  // Destination.
  uint64_t arrived = 0;
  uint64_t refused = 0;
};

class MovePath {
 public:
  virtual ~MovePath() = default;

  // What the port has delivered since its departure is in force. NotFound: it has none. Any thread.
  virtual absl::StatusOr<DeliveredFrames> Delivered(const PortId& id) = 0;

  // From now on, nothing goes to the guest's device. First the recorded frames from `first` on are
  // sent to the destination (those the guest's device still held when it paused), then what came
  // meanwhile, then every frame as it comes; their order is kept. nullopt: replay nothing.
  // Idempotent: a second call changes nothing. NotFound: no departure; FailedPrecondition: no way
  // there (no VTEP, no label).
  virtual absl::Status Redirect(const PortId& id, std::optional<uint64_t> first) = 0;

  // The guest runs on here: the port delivers to it again. What had been replayed or redirected
  // went to the destination, whose queue is thrown away. No effect on a port that is not
  // redirected, or DEPARTED. NotFound: no departure.
  virtual absl::Status TakeBack(const PortId& id) = 0;

  // Either side. NotFound: neither a departure nor an arrival.
  virtual absl::StatusOr<MoveCounts> ReadMove(const PortId& id) = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_MOVE_PATH_H_
