// The clock that the programs write into maps (bpf_ktime_get_ns). Any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_MONOTONIC_CLOCK_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_MONOTONIC_CLOCK_H_

#include <cstdint>
#include <ctime>

namespace outrider::datapath::ebpf {

inline constexpr uint64_t kNsPerS = 1'000'000'000;

inline uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kNsPerS + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_MONOTONIC_CLOCK_H_
