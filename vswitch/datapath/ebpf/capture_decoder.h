// Records of a capture's ring as frames: tags put back among the bytes, and each drop told with the
// frame it ended. A frame that may yet be dropped waits for the next record of its CPU. Knows no
// kernel. Thread rule: one thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_CAPTURE_DECODER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_CAPTURE_DECODER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <span>

#include "vswitch/datapath/packet_capture.h"

namespace outrider::datapath::ebpf {

class CaptureDecoder {
 public:
  // A frame, and the index of its port, which `frame` has no name of yet.
  using Sink = std::function<void(uint32_t port, CapturedFrame frame)>;

  // `clock_offset_ns`: the wall clock's lead over CLOCK_BOOTTIME.
  CaptureDecoder(int64_t clock_offset_ns, Sink sink)
      : clock_offset_ns_(clock_offset_ns), sink_(std::move(sink)) {}

  void OnRecord(std::span<const uint8_t> record);
  // Whatever waits: its drop would have been here by now.
  void Flush();

 private:
  struct Waiting {
    uint32_t port = 0;
    CapturedFrame frame;
  };

  const int64_t clock_offset_ns_;
  const Sink sink_;
  std::map<uint32_t, Waiting> waiting_;  // by CPU
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_CAPTURE_DECODER_H_
