/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* News for the agent. */
#ifndef OUTRIDER_BPF_EVENT_H_
#define OUTRIDER_BPF_EVENT_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* Tells the agent once: `told` is the word that says so. When the ring is full the next frame tries
 * again. */
static __always_inline void or_tell(__u32 kind, __u32 port, __u64 boot_ns, __u16 ether_type,
				    __u8 phase, __u32 *told)
{
	struct or_event *event;

	if (*(volatile __u32 *)told)
		return;
	event = bpf_ringbuf_reserve(&or_events, sizeof(*event), 0);
	if (!event)
		return;
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = kind;
	event->port = port;
	event->boot_ns = boot_ns;
	event->ether_type = ether_type;
	event->phase = phase;
	/* Of several CPUs at once, one speaks. */
	if (__sync_lock_test_and_set(told, 1))
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, 0);
}

/* Notes a port's first frame, once until the agent deletes the entry in or_first_frames, which
 * opens an ARMED port, and reports it. */
static __noinline void or_note_first_frame(const struct or_frame *f, __u8 phase)
{
	__u32 port = f->port;
	struct or_first_frame first = {.ether_type = f->ether_type};
	struct or_first_frame *seen = bpf_map_lookup_elem(&or_first_frames, &port);

	if (!seen) {
		if (or_trace(OR_TRACE_FIRST_FRAME, port, phase, 0, 0))
			return;
		first.boot_ns = bpf_ktime_get_boot_ns();
		bpf_map_update_elem(&or_first_frames, &port, &first, BPF_NOEXIST);
		seen = bpf_map_lookup_elem(&or_first_frames, &port);
	}
	if (seen && !or_tracing)
		or_tell(OR_EVENT_FIRST_FRAME, port, seen->boot_ns, seen->ether_type, phase,
			&seen->told);
}

#endif /* OUTRIDER_BPF_EVENT_H_ */
