// Where libbpf's own messages go: the debug log. Errors reach callers as Status; libbpf's text is
// for whoever debugs. Thread rule: any thread.
#ifndef OUTRIDER_VSWITCH_SYS_BPF_LIBBPF_LOG_H_
#define OUTRIDER_VSWITCH_SYS_BPF_LIBBPF_LOG_H_

namespace outrider::sys {

// Idempotent; libbpf writes to stderr before the first call.
void InstallLibbpfLog();

}  // namespace outrider::sys

#endif  // OUTRIDER_VSWITCH_SYS_BPF_LIBBPF_LOG_H_
