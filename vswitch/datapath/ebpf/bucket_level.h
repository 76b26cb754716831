// How full a token bucket is, and a bucket that is so full: what policer.h does, for the agent. Of
// what one host's clock and the rates say, only the level travels. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_BUCKET_LEVEL_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_BUCKET_LEVEL_H_

#include <cstdint>

#include "vswitch/abi/or_abi.h"
#include "vswitch/datapath/port_memory.h"

namespace outrider::datapath::ebpf {

inline constexpr uint32_t kFullLevel = 1024;

// `now_ns`: CLOCK_MONOTONIC. What has no limit is full; what is in debt is empty.
BucketLevel LevelOf(uint32_t kind, const abi::or_limit& limit, const abi::or_policer& buckets,
                    uint64_t now_ns);
// Levels above full are full.
abi::or_policer FilledTo(const BucketLevel& level, const abi::or_limit& limit, uint64_t now_ns);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_BUCKET_LEVEL_H_
