// The buckets of a port's limits: rows of or_policers that the programs spend from. Thread rule:
// the datapath's thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_BUCKETS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_BUCKETS_H_

#include <cstdint>

#include "vswitch/datapath/ebpf/datapath_maps.h"

namespace outrider::datapath::ebpf {

// After the port's row names `after` in the place of `before`: what has another rate is full again.
absl::Status RenewBuckets(const DatapathMaps& maps, uint32_t index, const abi::or_limits& before,
                          const abi::or_limits& after);
// Before the index is another port's.
absl::Status RenewBuckets(const DatapathMaps& maps, uint32_t index);

// A zero element unless there is one.
template <typename Key, typename Value>
absl::Status KeepOrCreate(const sys::TypedMap<Key, Value>& map, const Key& key) {
  const absl::Status status = map.Update(key, Value{}, sys::UpdateMode::kNoExist);
  return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_BUCKETS_H_
