// Commands to or_move_port (vswitch/abi/or_move.h). Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_COMMANDS_H_
#define OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_COMMANDS_H_

#include <cstdint>

#include "vswitch/abi/or_abi.h"
#include "vswitch/datapath/ebpf/kernel_clock.h"
#include "vswitch/datapath/ebpf/program_set.h"
#include "vswitch/sys/bpf/program_run.h"

namespace outrider::datapath::ebpf {

// Whether it changed something.
inline absl::StatusOr<bool> RunMove(const ProgramSet& programs, uint32_t index,
                                    abi::or_move_command command, uint64_t argument = 0) {
  ASSIGN_OR_RETURN(const uint32_t done,
                   sys::RunProgram(programs.Descriptor(Program::kMovePort),
                                   {.mark = static_cast<uint32_t>(command),
                                    .cb0 = index,
                                    .cb1 = static_cast<uint32_t>(argument),
                                    .cb2 = static_cast<uint32_t>(argument >> 32)}));
  return done != 0;
}

// Of OR_MOVE_TAKE_BACK: frames wait for who gives the guest what came before them, and not for one
// that has died.
inline uint64_t ReturnDeadline() {
  return static_cast<uint64_t>(ClockNs(CLOCK_BOOTTIME)) + 2 * kNsPerS;
}

}  // namespace outrider::datapath::ebpf

#endif  // OUTRIDER_VSWITCH_DATAPATH_EBPF_MOVE_COMMANDS_H_
