// What keeps a live migration from losing frames, on one host: a port with a departure remembers
// what it delivered to its guest; from the guest's pause on that, and what comes then, is sent to
// the destination, in order. On the destination, such frames go into the device's queue while the
// port is still ARMED.
//
//   source:        WATCHED ──Redirect──► REDIRECTED ──guest's frame, TakeBack──► WATCHED
//   (departure)        └────── port DEPARTED ──► REDIRECTED (for good, by Apply)
//
// Apply leads into WATCHED (a departure appears) and out of all of them (it goes); this interface
// does what cannot wait for a whole Apply. A frame is recorded and sent as it is between hosts,
// without the port's own tag, whatever its segment; super-packets are one frame, and whole. Only
// frames that the port's rules and limits let through are seen here.
//
// While the port is redirected its frames are still recorded, so that a guest that runs on gets
// them after all. The record is bounded (8192 frames, 4 MiB): the newest stay.
//
// Thread rule: the reconciler's thread; Delivered and ReadMove any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_MOVE_PATH_H_
#define OUTRIDER_VSWITCH_DATAPATH_MOVE_PATH_H_

#include <absl/status/statusor.h>

#include <cstdint>
#include <limits>
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
  // As it was sent; of a super-packet, all of it.
  uint32_t length = 0;
  MacAddress destination = {};
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
  // That the record could not hold, or the tunnel or the device did not take.
  uint64_t lost = 0;
  // Destination: handed to the device, and refused by the port for a reason that its drops name.
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
  // there (no VTEP, no label). Returns when the frames go straight; the wait is for the replay, a
  // second at most if more frames come than can be sent. Another error: some are lost, and it is
  // redirected all the same.
  // What the port has refused since `paused_boot_ns` (CLOCK_BOOTTIME), as it knew of no connection
  // that it belongs to, goes with them, and the destination decides: its guest may run there
  // already and have begun one. kNoPause: none.
  static constexpr uint64_t kNoPause = std::numeric_limits<uint64_t>::max();
  virtual absl::Status Redirect(const PortId& id, std::optional<uint64_t> first,
                                uint64_t paused_boot_ns) = 0;

  // The guest runs on here: what came for it while it was redirected is given to its device, as far
  // as the record still has it, then the port delivers to it again, in order; the destination's
  // copies are thrown away with its queue. Whoever hears OnReturned calls it, too: the port was
  // taken back, and what comes for it waits for this call, but not for long (ebpf/: 250 ms); what
  // it gives after that comes behind newer frames. No effect on a port that was not redirected, or
  // is DEPARTED. NotFound: no departure.
  virtual absl::Status TakeBack(const PortId& id) = 0;

  // Either side. NotFound: neither a departure nor an arrival.
  virtual absl::StatusOr<MoveCounts> ReadMove(const PortId& id) = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_MOVE_PATH_H_
