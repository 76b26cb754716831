/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Limits of what the programs say: so many a second, counted in windows of one second that begin
 * with the first. One counter for all CPUs.
 */
#ifndef OUTRIDER_BPF_LIMIT_H_
#define OUTRIDER_BPF_LIMIT_H_

#include "vswitch/bpf/clock.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

/* Signed: a CPU that was late may find a window younger than its own time. */
#define OR_LIMIT_WINDOW_NS ((__s64)OR_NS_PER_S)

/* Whether one more may be said now of what `of` names. Global, as or_parse() is: verified once.
 * When there is no memory for the counter, nothing is said. */
__noinline bool or_within_limit(const struct or_rule_count_key *of, __u32 per_second)
{
	struct or_quota_locked first = {}, *limit;
	__u64 now = bpf_ktime_get_ns();
	struct or_rule_count_key key;
	bool within;

	if (!of)
		return false;
	/* Linux 6.1 takes no key from a caller's memory. */
	key = *of;
	limit = bpf_map_lookup_elem(&or_quotas, &key);
	if (or_tracing)
		return !limit || or_ns_between(limit->window_ns, now) >= OR_LIMIT_WINDOW_NS ||
		       limit->count < per_second;
	if (!limit) {
		bpf_map_update_elem(&or_quotas, &key, &first, BPF_NOEXIST);
		limit = bpf_map_lookup_elem(&or_quotas, &key);
		if (!limit)
			return false;
	}
	bpf_spin_lock(&limit->lock);
	if (or_ns_between(limit->window_ns, now) >= OR_LIMIT_WINDOW_NS) {
		limit->window_ns = now;
		limit->count = 0;
	}
	within = limit->count < per_second;
	if (within)
		limit->count++;
	bpf_spin_unlock(&limit->lock);
	return within;
}

#endif /* OUTRIDER_BPF_LIMIT_H_ */
