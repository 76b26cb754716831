/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The only way to drop a frame: under a reason, counted. */
#ifndef OUTRIDER_BPF_DROP_H_
#define OUTRIDER_BPF_DROP_H_

#include <linux/pkt_cls.h>

#include "vswitch/bpf/capture.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* `port` 0: a drop that belongs to no port. */
static __noinline void or_count_drop(__u32 port, __u32 reason, const struct or_frame *f)
{
	struct or_drop_key key = {.port = port, .reason = reason};
	struct or_drop_count first = {.packets = f->wire_packets, .bytes = f->wire_bytes};
	struct or_drop_count *count;

	if (or_trace(OR_TRACE_DROP, port, reason, 0, 0))
		return;
	or_capture_drop(port, reason);
	count = bpf_map_lookup_elem(&or_drops, &key);
	if (!count) {
		if (!bpf_map_update_elem(&or_drops, &key, &first, BPF_NOEXIST))
			return;
		/* Another CPU was faster. */
		count = bpf_map_lookup_elem(&or_drops, &key);
		if (!count)
			return;
	}
	count->packets += first.packets;
	count->bytes += first.bytes;
}

static __always_inline int or_drop(__u32 port, __u32 reason, const struct or_frame *f)
{
	or_count_drop(port, reason, f);
	return TC_ACT_SHOT;
}

#endif /* OUTRIDER_BPF_DROP_H_ */
