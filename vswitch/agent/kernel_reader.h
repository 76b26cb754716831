// Whether a guest's tap is read by the kernel (vhost) and not by its QEMU: the process that has the
// tap open has the kernel's reader open, too (Linux, drivers/net/tun.c: `iff` in fdinfo). Which of
// its cards the reader is for, /proc does not say: of a guest with both kinds, each counts as the
// kernel's. Knows nothing of guests.
//
// Thread rule: any thread. It looks at the open files of every process: not where others wait.
#ifndef OUTRIDER_VSWITCH_AGENT_KERNEL_READER_H_
#define OUTRIDER_VSWITCH_AGENT_KERNEL_READER_H_

#include <string>

namespace outrider::agent {

inline constexpr char kVhostNet[] = "/dev/vhost-net";

// `proc`: where procfs is mounted. What cannot be looked at has nothing open.
bool IsReadByKernel(const std::string& proc, const std::string& tap);

}  // namespace outrider::agent

#endif  // OUTRIDER_VSWITCH_AGENT_KERNEL_READER_H_
