// The eBPF programs of this build, loaded once in a process: the verifier takes most of a test's
// time, and what programs remember is in their maps.
//
// Thread rule: one thread.
#ifndef OUTRIDER_TESTS_BPF_LOADED_PROGRAMS_H_
#define OUTRIDER_TESTS_BPF_LOADED_PROGRAMS_H_

#include <memory>

#include "vswitch/sys/bpf/bpf_object.h"

namespace outrider::tests {

// For a tunnel device of that index and kLocalVtep. Whoever holds them has them for himself: others
// get programs and maps of their own. Arrays are zero and ring buffers empty; hashes are as the
// last holder left them.
absl::StatusOr<std::shared_ptr<sys::BpfObject>> LoadPrograms(int tunnel_ifindex);

}  // namespace outrider::tests

#endif  // OUTRIDER_TESTS_BPF_LOADED_PROGRAMS_H_
