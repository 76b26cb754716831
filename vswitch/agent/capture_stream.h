// One operator's capture: frames from the datapath's thread to the caller's, which may be slow.
// What finds no room in between is missed and counted, never waited for. Thread rule: blocks the
// calling thread until the stream ends.
#ifndef OUTRIDER_VSWITCH_AGENT_CAPTURE_STREAM_H_
#define OUTRIDER_VSWITCH_AGENT_CAPTURE_STREAM_H_

#include <functional>

#include "outrider/v1/agent.pb.h"
#include "vswitch/datapath/packet_capture.h"

namespace outrider::agent {

struct CaptureReader {
  // The capture has begun, though there may be no frame for long.
  std::function<void()> begun;
  // Asked several times a second; false ends the stream.
  std::function<bool()> wanted;
  // False: the reader has gone.
  std::function<bool(const v1::CapturedFrame& frame)> write;
};

// Ok when the reader has had enough. NotFound: no such port.
absl::Status StreamCapture(datapath::PacketCapture* capture,
                           const datapath::CaptureRequest& request, const CaptureReader& reader);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_CAPTURE_STREAM_H_
