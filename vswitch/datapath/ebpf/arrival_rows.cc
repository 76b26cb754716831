#include "vswitch/datapath/ebpf/arrival_rows.h"

#include <cstring>

#include "vswitch/datapath/ebpf/absent_row.h"
#include "vswitch/datapath/ebpf/c_arrays.h"

namespace outrider::datapath::ebpf {
namespace {

abi::or_arrival_key KeyOf(const state::Arrival& arrival) {
  abi::or_arrival_key key{};
  CopyBytes(arrival.vtep.bytes(), key.address);
  key.label = arrival.label;
  return key;
}

bool SameKey(const abi::or_arrival_key& a, const abi::or_arrival_key& b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

}  // namespace

absl::Status SetArrival(const DatapathMaps& maps, uint32_t index,
                        const std::optional<state::Arrival>& arrival) {
  ASSIGN_OR_RETURN(const auto rows, maps.arrivals.Dump());
  bool there = false;
  for (const auto& [key, owner] : rows) {
    if (owner != index) continue;
    if (arrival && SameKey(key, KeyOf(*arrival))) {
      there = true;
    } else {
      RETURN_IF_ERROR(OkIfAbsent(maps.arrivals.Delete(key)));
    }
  }
  if (!arrival || there) return absl::OkStatus();
  RETURN_IF_ERROR(maps.move_counts.Update(index, {}));
  return maps.arrivals.Update(KeyOf(*arrival), index);
}

}  // namespace outrider::datapath::ebpf
