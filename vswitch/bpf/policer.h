/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Token bucket per port, one for all CPUs (a bucket per CPU would multiply the rate), in wire
 * bytes. 64-bit throughout; time that was too short for a whole byte is kept, so that the rate is
 * exact at any packet rate. A frame larger than the burst (a GSO packet) passes when the bucket is
 * full and the excess is paid in time, so that it neither starves nor exceeds the rate.
 */
#ifndef OUTRIDER_BPF_POLICER_H_
#define OUTRIDER_BPF_POLICER_H_

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"

#define OR_NS_PER_S 1000000000ull
/* Rates above this (137 Gbit/s) and buckets above this (8.6 GB) are policed as this: two full
 * buckets in the unit of tokens, bytes times nanoseconds per second, fit 64 bits. */
#define OR_MAX_POLICE_RATE (1ull << 34)
#define OR_MAX_POLICE_BURST (1ull << 33)

/* Fills up by the time since the last call; the lock is held. Exact: what does not make a byte yet
 * is kept, so the rate holds however often this is called. */
static __always_inline void or_refill(struct or_policer_locked *p, __u64 rate, __u64 burst,
				      __u64 now)
{
	__u64 full = burst * OR_NS_PER_S;
	__u64 elapsed;

	if (p->last_ns && now <= p->last_ns)
		return;
	elapsed = now - p->last_ns;
	if (!p->last_ns || elapsed >= full / rate)
		p->tokens = full;
	else
		p->tokens += elapsed * rate;
	if (p->tokens > full)
		p->tokens = full;
	p->last_ns = now;
}

/* True when a frame of `bytes` may pass; the lock is held. */
static __always_inline bool or_spend(struct or_policer_locked *p, __u64 rate, __u64 burst,
				     __u64 bytes)
{
	if (bytes <= burst) {
		if (bytes * OR_NS_PER_S > p->tokens)
			return false;
		p->tokens -= bytes * OR_NS_PER_S;
		return true;
	}
	if (p->tokens < burst * OR_NS_PER_S)
		return false;
	/* A last_ns in the future is debt. */
	p->last_ns += (bytes - burst) * OR_NS_PER_S / rate;
	p->tokens = 0;
	return true;
}

/* Whether a frame is within the ingress rate of its port. A port that should have a bucket and has
 * none passes nothing. */
static __noinline bool or_police(const struct or_frame *f, __u64 rate, __u64 burst)
{
	struct or_policer_locked *p;
	__u32 port = f->port;
	__u64 now, bytes = f->wire_bytes;
	bool passed;

	if (!rate)
		return true;
	if (rate > OR_MAX_POLICE_RATE)
		rate = OR_MAX_POLICE_RATE;
	/* No frame fits a bucket of 0, which is always full. */
	if (!burst)
		burst = 1;
	if (burst > OR_MAX_POLICE_BURST)
		burst = OR_MAX_POLICE_BURST;
	p = bpf_map_lookup_elem(&or_policers, &port);
	if (!p)
		return false;
	now = bpf_ktime_get_ns();
	bpf_spin_lock(&p->lock);
	or_refill(p, rate, burst, now);
	passed = or_spend(p, rate, burst, bytes);
	bpf_spin_unlock(&p->lock);
	return passed;
}

#endif /* OUTRIDER_BPF_POLICER_H_ */
