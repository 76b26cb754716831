// What deleting a row comes to that may be absent already. Thread rule: pure.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_ABSENT_ROW_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_ABSENT_ROW_H_

#include <absl/status/status.h>

namespace outrider::datapath::ebpf {

// OK in the place of NOT_FOUND; any other status as it is.
inline absl::Status OkIfAbsent(const absl::Status& status) {
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_ABSENT_ROW_H_
