// The kernel's clocks, with which the programs write their times. Any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_KERNEL_CLOCK_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_KERNEL_CLOCK_H_

#include <cstdint>
#include <ctime>

namespace outrider::datapath::ebpf {

inline constexpr uint64_t kNsPerS = 1'000'000'000;

// Nanoseconds since whatever `clock` counts from (clock_gettime(2)).
inline int64_t ClockNs(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * static_cast<int64_t>(kNsPerS) + now.tv_nsec;
}

// As bpf_ktime_get_ns() has it.
inline uint64_t MonotonicNs() { return static_cast<uint64_t>(ClockNs(CLOCK_MONOTONIC)); }

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_KERNEL_CLOCK_H_
