// The moves of a FakeDatapath's ports, with the semantics of move_path.h: what each watched port
// delivered, where frames go, what was sent after the guest, in order. Knows phases and departures,
// nothing of devices.
//
// Thread rule: its owner's lock.
#ifndef OUTRIDER_TESTS_FAKES_FAKE_MOVES_H_
#define OUTRIDER_TESTS_FAKES_FAKE_MOVES_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "vswitch/datapath/move_path.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath {

// What became of a frame that came for a guest.
enum class FrameFate : uint8_t { kDropped, kDelivered, kRedirected };

class FakeMoves {
 public:
  // Frames a record keeps.
  static constexpr size_t kKept = 1024;
  // Bytes of each.
  static constexpr uint32_t kFrameLength = 60;

  // After port or departure were written or are gone. nullptr: there is none.
  void Refresh(const PortId& id, const state::Port* port, const state::Departure* departure);

  absl::StatusOr<DeliveredFrames> Delivered(const PortId& id) const;
  absl::Status Redirect(const PortId& id, std::optional<uint64_t> first);
  absl::Status TakeBack(const PortId& id);
  absl::StatusOr<MoveCounts> ReadMove(const PortId& id) const;

  // A frame for the port, which forwards.
  FrameFate Deliver(const PortId& id, uint64_t boot_ns, const MacAddress& destination);
  // The port's guest has sent a frame. True: that took a redirect back.
  bool GuestSends(const PortId& id, int64_t time_us);
  // A marked frame. The port it is for; nullopt: refused, there is no such arrival.
  std::optional<PortId> Arrive(const IpAddress& source, uint16_t label);
  void SetPeerCounts(const PortId& id, uint64_t arrived, uint64_t refused);

  // Sequence numbers of what went after the guest, replayed and redirected, in order.
  std::vector<uint64_t> Sent(const PortId& id) const;
  // Ports that their guests have taken back, until they are written or redirected again: when.
  const std::map<PortId, int64_t>& returned() const { return returned_; }

 private:
  struct Source {
    state::Departure departure;
    state::PortPhase phase = state::PortPhase::kBlocked;
    uint64_t total = 0;
    std::deque<DeliveredFrame> kept;
    std::vector<uint64_t> sent;
    // Numbers of redirected frames go on behind the recorded ones.
    uint64_t next = 0;
    MoveCounts counts;
  };
  struct Destination {
    state::Arrival arrival;
    MoveCounts counts;
  };

  void RefreshSource(const PortId& id, const state::Port* port, const state::Departure* departure);
  void RefreshDestination(const PortId& id, const state::Port* port);

  std::map<PortId, Source> sources_;
  std::map<PortId, Destination> destinations_;
  std::map<PortId, int64_t> returned_;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_TESTS_FAKES_FAKE_MOVES_H_
