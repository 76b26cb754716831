// Copies of frames at points of the datapath, for an operator. Apart from Datapath, as the counters
// are. Thread rule: any thread; a sink is called from a thread of the datapath's, one frame at a
// time, and must not block.
#ifndef OUTRIDER_VSWITCH_DATAPATH_PACKET_CAPTURE_H_
#define OUTRIDER_VSWITCH_DATAPATH_PACKET_CAPTURE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vswitch/types/ids.h"

namespace outrider::datapath {

enum class CapturePoint : uint8_t {
  kFromGuest,     // before the pipeline
  kFromGuestOut,  // what it passed on
  kToGuest,       // before the port's own checks
  kToGuestOut,    // as the guest gets it
};

struct CapturedFrame {
  CapturePoint point = CapturePoint::kFromGuest;
  PortId port;
  // Since the Unix epoch, nanoseconds.
  int64_t time_ns = 0;
  // As on the wire, tags included; cut to what was asked for.
  std::vector<uint8_t> data;
  // Of the whole frame, bytes.
  uint32_t length = 0;
  // 0: not known at that point.
  uint32_t vni = 0;
  // At kFromGuest and kToGuest: why the frame ended there; empty: it went on.
  std::string drop_reason;
  // Frames of any port that found no room since the capture began.
  uint64_t missed = 0;
};

struct CaptureRequest {
  // Absent: every port.
  std::optional<PortId> port;
  // Most bytes of a frame to keep; 0: all.
  uint32_t snap_length = 0;
};

// Ends when it is destroyed, which returns after the last call of the sink.
class CaptureSession {
 public:
  virtual ~CaptureSession() = default;
};

class PacketCapture {
 public:
  using Sink = std::function<void(const CapturedFrame& frame)>;

  virtual ~PacketCapture() = default;
  // NotFound: no such port. Frames are forwarded as they would be without; what comes faster than
  // it is read is missed. The session must not outlive this.
  virtual absl::StatusOr<std::unique_ptr<CaptureSession>> StartCapture(
      const CaptureRequest& request, Sink sink) = 0;
};

}  // namespace outrider::datapath

#endif  // OUTRIDER_VSWITCH_DATAPATH_PACKET_CAPTURE_H_
