// A recorded frame as it was before it was delivered: its tags among its bytes, and what was left
// to a device to do, which is not in the record but follows from the bytes. Pure; any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_RECORDED_FRAME_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_RECORDED_FRAME_H_

#include <cstdint>
#include <vector>

#include "vswitch/abi/or_abi.h"
#include "vswitch/sys/netlink/offload_sender.h"

namespace outrider::datapath::ebpf {

// `bytes`: as recorded, without tags. `port_tag`: VLAN of a tag to put on as the outermost one; 0:
// none. A checksum counts as unfinished when it is that of the pseudo header alone.
sys::OffloadFrame RestoreFrame(const abi::or_record_head& head, std::vector<uint8_t> bytes,
                               uint16_t port_tag);

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_RECORDED_FRAME_H_
