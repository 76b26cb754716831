// Turns records of the programs' ring buffer into events for the sink. Owns the reading thread.
//
// Thread rule: the sink is called on the reader's thread; the destructor returns after its last
// call.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_FIRST_FRAME_READER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_FIRST_FRAME_READER_H_

#include <cstdint>
#include <memory>
#include <span>

#include "vswitch/datapath/datapath.h"
#include "vswitch/datapath/ebpf/datapath_maps.h"
#include "vswitch/sys/bpf/ring_reader.h"

namespace outrider::datapath::ebpf {

class FirstFrameReader {
 public:
  // `maps` and `sink` must outlive the reader. What the programs wrote while nobody read is
  // delivered first.
  static absl::StatusOr<std::unique_ptr<FirstFrameReader>> Start(int events_fd,
                                                                 const DatapathMaps* maps,
                                                                 EventSink* sink);

 private:
  FirstFrameReader(const DatapathMaps* maps, EventSink* sink) : maps_(maps), sink_(sink) {}
  void OnRecord(std::span<const uint8_t> record);
  void OnReturned(const abi::or_event& event);
  void OnAclLog(std::span<const uint8_t> record);
  void OnAdoption(std::span<const uint8_t> record);
  void OnMulticast(std::span<const uint8_t> record);

  const DatapathMaps* const maps_;
  EventSink* const sink_;
  std::unique_ptr<sys::RingReader> reader_;
};

// Tells the sink of every ARMED port whose first frame the programs have noted, and of every port
// that its guest has taken back, on this thread.
absl::Status RepeatEvents(const DatapathMaps& maps, EventSink* sink);

// Microseconds since the Unix epoch of a moment on CLOCK_BOOTTIME.
int64_t BootToWallClockUs(uint64_t boot_ns);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_FIRST_FRAME_READER_H_
