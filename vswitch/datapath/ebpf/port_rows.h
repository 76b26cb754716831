// The rows of or_ports, in force at once and whole (struct or_port_slot). Knows neither what a row
// says nor what else a port has. Thread rule: one writer, the datapath's thread; readers on any.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_ROWS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_ROWS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "vswitch/abi/or_abi.h"
#include "vswitch/sys/bpf/typed_map.h"

namespace outrider::datapath::ebpf {

class PortRows {
 public:
  // `maps` must outlive this.
  explicit PortRows(sys::BpfMaps* maps) : slots_(maps, "or_ports") {}

  // NotFound when the port has none.
  absl::StatusOr<abi::or_port> Lookup(uint32_t index) const;
  // Of every port that has one, in order.
  absl::StatusOr<std::vector<std::pair<uint32_t, abi::or_port>>> Dump() const;

  // Creates or replaces. The caller made sure that no frame reads what was in force before the row
  // that is now. Takes no memory.
  absl::Status Update(uint32_t index, const abi::or_port& row) const;
  // NotFound when the port has none. Takes no memory.
  absl::Status Delete(uint32_t index) const;

 private:
  sys::TypedMap<uint32_t, abi::or_port_slot> slots_;
};

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_PORT_ROWS_H_
