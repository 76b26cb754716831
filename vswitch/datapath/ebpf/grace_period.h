// Keeps memory that frames may still read from being written again. The kernel hands the memory of
// a replaced or deleted hash element to the next update at once (Linux 6.1 and later), while a
// program that looked it up still reads it: two replacements in a row could show a frame the second
// object's bytes under the first one's key. Ports, segments and rule sets, which decide what a
// frame may do, wait here in between. Others do not: a frame that reads another row of or_fdb may
// go to the wrong port or VTEP once, but not out of its segment, which is checked again at the
// port.
//
// Thread rule: one thread, that of the datapath; the wait after a call of Apply runs on a thread of
// its own so that nobody stands still for it.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_GRACE_PERIOD_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_GRACE_PERIOD_H_

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

  // A row was replaced, deleted or is no longer referred to.
  void MarkFreed() { freed_ = true; }
  // Returns when no frame reads what was freed before. Costs nothing when nothing was.
  absl::Status Wait();
  // Begins the wait in the background.
  void Begin();

 private:
  sys::BpfMaps* const maps_;
  bool freed_ = false;
  std::future<absl::Status> running_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_GRACE_PERIOD_H_
