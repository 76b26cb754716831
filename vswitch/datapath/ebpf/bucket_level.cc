#include "vswitch/datapath/ebpf/bucket_level.h"

#include <algorithm>

#include "vswitch/datapath/ebpf/kernel_clock.h"

namespace outrider::datapath::ebpf {
namespace {

struct Rate {
  uint64_t per_s = 0;
  uint64_t burst = 0;
};

uint64_t Bounded(uint64_t value, uint64_t unit, uint64_t max) {
  return value > max / unit ? max : value * unit;
}

Rate RateOf(uint64_t rate, uint64_t burst, uint64_t unit) {
  return {.per_s = Bounded(rate, unit, OR_MAX_RATE),
          .burst = std::max<uint64_t>(Bounded(burst, unit, OR_MAX_BURST), 1)};
}

Rate BytesOf(const abi::or_limit& limit) {
  return RateOf(limit.rate_kbps, limit.burst_kb, OR_BYTES_PER_KB);
}

Rate PacketsOf(const abi::or_limit& limit) {
  return RateOf(limit.rate_pps, limit.burst_packets, 1);
}

// Below 0 is what a program is about to give back.
uint64_t Held(const abi::or_bucket& bucket, uint64_t full) {
  return static_cast<int64_t>(bucket.tokens) < 0 ? 0 : std::min(bucket.tokens, full);
}

uint32_t Level(const abi::or_bucket& bucket, const Rate& rate, uint64_t now_ns) {
  if (rate.per_s == 0 || bucket.last_ns == 0) return kFullLevel;
  // Debt.
  if (bucket.last_ns > now_ns) return 0;
  const uint64_t full = rate.burst * kNsPerS;
  const uint64_t elapsed = now_ns - bucket.last_ns;
  if (elapsed >= full / rate.per_s) return kFullLevel;
  const uint64_t tokens = Held(bucket, full) + elapsed * rate.per_s;
  return static_cast<uint32_t>(std::min<uint64_t>(tokens / (full / kFullLevel), kFullLevel));
}

abi::or_bucket Filled(uint32_t level, const Rate& rate, uint64_t now_ns) {
  if (rate.per_s == 0) return {};
  return {.tokens = rate.burst * kNsPerS / kFullLevel * std::min(level, kFullLevel),
          .last_ns = now_ns};
}

}  // namespace

BucketLevel LevelOf(uint32_t kind, const abi::or_limit& limit, const abi::or_policer& buckets,
                    uint64_t now_ns) {
  return {.kind = kind,
          .bytes = Level(buckets.bytes, BytesOf(limit), now_ns),
          .packets = Level(buckets.packets, PacketsOf(limit), now_ns)};
}

abi::or_policer FilledTo(const BucketLevel& level, const abi::or_limit& limit, uint64_t now_ns) {
  return {.lock = 0,
          .pad = 0,
          .bytes = Filled(level.bytes, BytesOf(limit), now_ns),
          .packets = Filled(level.packets, PacketsOf(limit), now_ns)};
}

}  // namespace outrider::datapath::ebpf
