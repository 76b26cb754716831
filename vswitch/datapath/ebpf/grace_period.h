// Keeps memory that frames may still read from being written again. The kernel hands the memory of
// a replaced or deleted hash element to the next update at once (Linux 6.1 and later), while a
// program that looked it up still reads it: two replacements in a row could show a frame the second
// object's bytes under the first one's key. Providers and rule sets, which decide what a frame may
// do, wait here in between; so do segments, unless all that decides is the same (segment_table.h),
// and two replacements of one port's row, which has two places (or_port_slot). Others do not: a
// frame that reads another row of or_vteps may go to the wrong VTEP once, but not out of its
// segment, which is checked again there.
//
// Thread rule: one thread, that of the datapath; the wait after a call of Apply runs on a thread of
// its own so that nobody stands still for it.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_GRACE_PERIOD_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_GRACE_PERIOD_H_

#include <cstdint>
#include <future>

#include "vswitch/sys/bpf/bpf_maps.h"

namespace outrider::datapath::ebpf {

class GracePeriod {
 public:
  // `maps` must outlive this.
  explicit GracePeriod(sys::BpfMaps* maps) : maps_(maps) {}
  ~GracePeriod();
  GracePeriod(const GracePeriod&) = delete;
  GracePeriod& operator=(const GracePeriod&) = delete;

  // Number of a period. 0 is over from the start.
  using Number = uint64_t;

  // A row was replaced, deleted or is no longer referred to. Returns the period after which no
  // frame reads it.
  Number MarkFreed();
  Number LastFreed() const { return freed_; }
  // Returns when no frame reads what was freed before. Costs nothing when nothing was.
  absl::Status Wait() { return WaitFor(freed_); }
  // Returns when that period is over.
  absl::Status WaitFor(Number period);
  // Begins the wait in the background.
  void Begin();
  // True when that period is over; waits for nothing.
  bool IsOver(Number period);

 private:
  // Takes the result of the period in the background.
  void Finish();

  sys::BpfMaps* const maps_;
  Number freed_ = 0;  // the period that the latest release needs
  Number begun_ = 0;
  Number over_ = 0;
  std::future<absl::Status> running_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_GRACE_PERIOD_H_
