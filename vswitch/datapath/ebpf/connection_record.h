// A connection as it travels between hosts: without the port's index, with times as what is left
// or has passed, and admitted by the content of a rule set alone. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_CONNECTION_RECORD_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_CONNECTION_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "vswitch/abi/or_abi.h"
#include "vswitch/datapath/port_memory.h"

namespace outrider::datapath::ebpf {

// What makes an entry this host's.
struct RecordFrame {
  uint64_t now_ns = 0;  // CLOCK_MONOTONIC
  // What this host's count of changes of group members adds to a content (OR_REVISION_STEP); 0 for
  // a port that names no groups.
  uint64_t revision = 0;
};

// nullopt: it has expired.
std::optional<ConnectionRecord> ToRecord(const abi::or_connection_key& key,
                                         const abi::or_connection& entry, const RecordFrame& frame);

// A key of a record for a row; of the port nothing is said. InvalidArgument: it is none.
absl::StatusOr<abi::or_connection_key> KeyFromRecord(const std::string& key);

// The record is another host's word: InvalidArgument when it is no connection that programs could
// have written. What is left of its time is bounded by the longest there is.
absl::StatusOr<abi::or_connection_row> FromRecord(const ConnectionRecord& record,
                                                  const RecordFrame& frame);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_CONNECTION_RECORD_H_
