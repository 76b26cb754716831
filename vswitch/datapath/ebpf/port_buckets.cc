#include "vswitch/datapath/ebpf/port_buckets.h"

#include <cstring>

namespace outrider::datapath::ebpf {
namespace {

bool SameLimit(const abi::or_limit& a, const abi::or_limit& b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

}  // namespace

absl::Status RenewBuckets(const DatapathMaps& maps, uint32_t index, const abi::or_limits& before,
                          const abi::or_limits& after) {
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    if (SameLimit(before.of[kind], after.of[kind])) continue;
    // Debt of a low rate would silence a higher one for long.
    RETURN_IF_ERROR(maps.policers.Update(OR_POLICER(index, kind), {}));
  }
  return absl::OkStatus();
}

absl::Status RenewBuckets(const DatapathMaps& maps, uint32_t index) {
  for (uint32_t kind = 0; kind < abi::OR_LIMIT_KINDS; ++kind) {
    RETURN_IF_ERROR(maps.policers.Update(OR_POLICER(index, kind), {}));
  }
  return absl::OkStatus();
}

}  // namespace outrider::datapath::ebpf
