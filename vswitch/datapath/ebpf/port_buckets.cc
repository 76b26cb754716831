#include "vswitch/datapath/ebpf/port_buckets.h"

#include <cstring>

#include "vswitch/datapath/ebpf/absent_row.h"
#include "vswitch/datapath/ebpf/policy_codec.h"

namespace outrider::datapath::ebpf {
namespace {

bool SameLimit(const abi::or_limit& a, const abi::or_limit& b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

}  // namespace

absl::Status CreateBuckets(const DatapathMaps& maps, uint32_t index, const abi::or_limits& limits) {
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    if (!IsLimited(limits.of[kind])) continue;
    // A bucket that is in use keeps its level.
    RETURN_IF_ERROR(KeepOrCreate(maps.policers, abi::or_policer_key{index, kind}));
  }
  return absl::OkStatus();
}

absl::Status RenewBuckets(const DatapathMaps& maps, uint32_t index, const abi::or_limits& before,
                          const abi::or_limits& after) {
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    if (SameLimit(before.of[kind], after.of[kind])) continue;
    if (!IsLimited(after.of[kind])) {
      RETURN_IF_ERROR(OkIfAbsent(maps.policers.Delete({index, kind})));
      continue;
    }
    // Debt of a low rate would silence a higher one for long.
    RETURN_IF_ERROR(maps.policers.Update({index, kind}, abi::or_policer{}));
  }
  return absl::OkStatus();
}

absl::Status DeleteBuckets(const DatapathMaps& maps, uint32_t index) {
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    RETURN_IF_ERROR(OkIfAbsent(maps.policers.Delete({index, kind})));
  }
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
