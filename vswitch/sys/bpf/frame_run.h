// Runs a loaded tc program on a frame (BPF_PROG_TEST_RUN): what it returns, and what it does to
// maps, is real; the frame goes nowhere by itself. Thread rule: any thread, which must be in the
// network namespace of the device.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_FRAME_RUN_H_
#define OUTRIDER_VSWITCH_SYS_BPF_FRAME_RUN_H_

#include <cstdint>

#include "vswitch/sys/bpf/bpf_maps.h"

namespace outrider::sys {

// The program's verdict on an Ethernet frame that seems to come in by device `ifindex`. NotFound
// when there is no such device, InvalidArgument when the frame is shorter or longer than what the
// kernel takes: 14 bytes, and a page less its own.
absl::StatusOr<uint32_t> RunOnFrame(int program_fd, uint32_t ifindex, ByteSpan frame);

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_FRAME_RUN_H_
