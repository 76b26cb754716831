// Runs a loaded tc program by hand (BPF_PROG_TEST_RUN): for programs that do work for user space
// and are attached nowhere.
//
// Thread rule: any thread; the call returns when the program has.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_PROGRAM_RUN_H_
#define OUTRIDER_VSWITCH_SYS_BPF_PROGRAM_RUN_H_

#include <cstdint>

#include "vswitch/sys/bpf/bpf_maps.h"
#include "vswitch/types/status.h"

namespace outrider::sys {

// What the program finds in its __sk_buff.
struct ProgramInput {
  uint32_t mark = 0;
  uint32_t cb0 = 0;
  uint32_t cb1 = 0;
  uint32_t cb2 = 0;
  // The packet; none: an empty Ethernet frame. At most about 3500 bytes.
  ByteSpan frame = {};
};

// What the program returned.
absl::StatusOr<uint32_t> RunProgram(int program_fd, const ProgramInput& input);

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_PROGRAM_RUN_H_
