// The HostState that a set of rows amounts to. What is not whole - an interrupted Apply, rows that
// contradict each other - is returned so that it differs from anything valid, and the next delta
// repairs it: such a segment has MTU 0, such a port is blocked. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_STATE_READER_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_STATE_READER_H_

#include <cstdint>
#include <set>

#include "vswitch/datapath/ebpf/inventory.h"
#include "vswitch/state/host_state.h"

namespace outrider::datapath::ebpf {

// `bound_ports`: indices of the ports whose device and programs are in place.
state::HostState ToHostState(const Inventory& inventory, const std::set<uint32_t>& bound_ports);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_STATE_READER_H_
