/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How many source MACs a guest uses, where any is allowed: at most so many different ones in each
 * window of OR_MAC_WINDOW_NS. A MAC has its place until the window's end, however often it is seen;
 * with the next window all begin anew, so that who has gone makes room. The count never exceeds the
 * limit; CPUs that see the same new MAC at once may count it twice.
 */
#ifndef OUTRIDER_BPF_SOURCE_MACS_H_
#define OUTRIDER_BPF_SOURCE_MACS_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* Whether the frame's source MAC is one too many. A port that should have a window and has none, or
 * a full map, lets nothing new pass. */
static __noinline bool or_is_mac_too_many(const struct or_frame *f, __u32 max)
{
	struct or_source_mac key = {.port = f->port};
	struct or_mac_window_locked *w;
	__u64 *seen, start, now;
	bool is_new, too_many;
	__u32 count;

	w = bpf_map_lookup_elem(&or_mac_windows, &key.port);
	if (!w)
		return true;
	__builtin_memcpy(key.mac, f->eth_src, 6);
	seen = bpf_map_lookup_elem(&or_source_macs, &key);
	now = bpf_ktime_get_ns();
	bpf_spin_lock(&w->lock);
	start = w->start_ns;
	count = w->count;
	if (!start || (now > start && now - start >= OR_MAC_WINDOW_NS)) {
		start = now;
		count = 0;
	}
	is_new = !seen || *seen != start;
	too_many = is_new && count >= max;
	if (is_new && !too_many)
		count++;
	if (!or_tracing) {
		w->start_ns = start;
		w->count = count;
	}
	bpf_spin_unlock(&w->lock);
	if (!is_new || too_many || or_tracing)
		return too_many;
	return bpf_map_update_elem(&or_source_macs, &key, &start, BPF_ANY);
}

#endif /* OUTRIDER_BPF_SOURCE_MACS_H_ */
