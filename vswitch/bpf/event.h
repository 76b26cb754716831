/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* News for the agent. */
#ifndef OUTRIDER_BPF_EVENT_H_
#define OUTRIDER_BPF_EVENT_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* Reports a port's first frame, once until the agent deletes the entry in or_first_frames. When the
 * ring is full nothing is written, so that the next frame tries again. */
static __noinline void or_report_first_frame(const struct or_frame *f, __u8 phase)
{
	__u32 port = f->port;
	struct or_first_frame seen = {.ether_type = f->ether_type};
	struct or_event *event;

	if (bpf_map_lookup_elem(&or_first_frames, &port) ||
	    or_trace(OR_TRACE_FIRST_FRAME, port, phase, 0, 0))
		return;
	event = bpf_ringbuf_reserve(&or_events, sizeof(*event), 0);
	if (!event)
		return;
	seen.boot_ns = bpf_ktime_get_boot_ns();
	__builtin_memset(event, 0, sizeof(*event));
	event->kind = OR_EVENT_FIRST_FRAME;
	event->port = port;
	event->boot_ns = seen.boot_ns;
	event->ether_type = f->ether_type;
	event->phase = phase;
	/* Of several CPUs at once, one creates the entry and speaks. */
	if (bpf_map_update_elem(&or_first_frames, &port, &seen, BPF_NOEXIST))
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, 0);
}

#endif /* OUTRIDER_BPF_EVENT_H_ */
