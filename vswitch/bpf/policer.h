/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Limits of a port: each a pair of token buckets, one of wire bytes and one of wire frames, that a
 * frame passes together or not at all. One pair for all CPUs (a bucket per CPU would multiply the
 * rate). 64-bit throughout; time that was too short for a whole byte is kept, so that the rate is
 * exact at any packet rate. What is larger than the burst (a GSO packet) passes when the bucket is
 * full and the excess is paid in time, so that it neither starves nor exceeds the rate.
 */
#ifndef OUTRIDER_BPF_POLICER_H_
#define OUTRIDER_BPF_POLICER_H_

#include "vswitch/abi/or_drop.h"
#include "vswitch/bpf/clock.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

enum or_police_result {
	OR_WITHIN = 0,
	OR_OVER_BYTES = 1,
	OR_OVER_PACKETS = 2,
};

struct or_rate {
	__u64 per_s; /* 0: no limit */
	__u64 burst; /* never 0: nothing fits such a bucket, which is always full */
};

static __always_inline __u64 or_clamp_product(__u64 value, __u64 unit, __u64 max)
{
	return value > max / unit ? max : value * unit;
}

static __always_inline struct or_rate or_rate_of(__u64 rate, __u64 burst, __u64 unit)
{
	struct or_rate r = {
		.per_s = or_clamp_product(rate, unit, OR_MAX_RATE),
		.burst = or_clamp_product(burst, unit, OR_MAX_BURST),
	};

	if (!r.burst)
		r.burst = 1;
	return r;
}

/* Fills up by the time since the last call; the lock is held. Exact: what does not make a byte yet
 * is kept, so the rate holds however often this is called. */
static __always_inline void or_refill(struct or_bucket *b, const struct or_rate *r, __u64 now)
{
	__u64 full = r->burst * OR_NS_PER_S;
	__u64 elapsed;

	if (b->last_ns && now <= b->last_ns)
		return;
	elapsed = now - b->last_ns;
	if (!b->last_ns || elapsed >= full / r->per_s)
		b->tokens = full;
	else
		b->tokens += elapsed * r->per_s;
	if (b->tokens > full)
		b->tokens = full;
	b->last_ns = now;
}

/* True when the bucket lets `amount` pass now; the lock is held. */
static __always_inline bool or_fits(const struct or_bucket *b, const struct or_rate *r,
				    __u64 amount)
{
	__u64 needed = amount < r->burst ? amount : r->burst;

	return !r->per_s || needed * OR_NS_PER_S <= b->tokens;
}

/* What or_fits() let pass; the lock is held. */
static __always_inline void or_spend(struct or_bucket *b, const struct or_rate *r, __u64 amount)
{
	if (!r->per_s)
		return;
	if (amount <= r->burst) {
		b->tokens -= amount * OR_NS_PER_S;
		return;
	}
	/* A last_ns in the future is debt. */
	b->last_ns += (amount - r->burst) * OR_NS_PER_S / r->per_s;
	b->tokens = 0;
}

static __always_inline __u64 or_trace_left(const struct or_bucket *b, const struct or_rate *r)
{
	return r->per_s ? b->tokens / OR_NS_PER_S : OR_TRACE_NO_LIMIT;
}

static __noinline __u32 or_spend_both(struct or_policer_key *key, const struct or_rate *bytes,
				      const struct or_rate *packets, const struct or_frame *f)
{
	struct or_policer_locked *p = bpf_map_lookup_elem(&or_policers, key);
	__u64 now, wire_bytes = f->wire_bytes, wire_packets = f->wire_packets;
	struct or_bucket of_bytes, of_packets;
	__u32 result = OR_WITHIN;

	if (!p)
		return OR_OVER_BYTES;
	now = bpf_ktime_get_ns();
	bpf_spin_lock(&p->lock);
	of_bytes = p->bytes;
	of_packets = p->packets;
	if (bytes->per_s)
		or_refill(&of_bytes, bytes, now);
	if (packets->per_s)
		or_refill(&of_packets, packets, now);
	if (!or_fits(&of_bytes, bytes, wire_bytes)) {
		result = OR_OVER_BYTES;
	} else if (!or_fits(&of_packets, packets, wire_packets)) {
		result = OR_OVER_PACKETS;
	} else {
		or_spend(&of_bytes, bytes, wire_bytes);
		or_spend(&of_packets, packets, wire_packets);
	}
	if (!or_tracing) {
		p->bytes = of_bytes;
		p->packets = of_packets;
	}
	bpf_spin_unlock(&p->lock);
	or_trace(OR_TRACE_LIMIT, key->port, key->kind | result << 8,
		 or_trace_left(&of_bytes, bytes), or_trace_left(&of_packets, packets));
	return result;
}

/* Whether a frame is within the limit `kind` (enum or_limit_kind) of port `port`, whose limits are
 * `limits`: enum or_police_result. Limits that should be there and are not let nothing pass. */
static __noinline __u32 or_police(__u32 limits, __u32 port, __u32 kind, const struct or_frame *f)
{
	struct or_policer_key key = {.port = port, .kind = kind};
	const struct or_limits *all;
	struct or_rate bytes, packets;
	const struct or_limit *limit;

	if (!limits)
		return OR_WITHIN;
	all = bpf_map_lookup_elem(&or_limits, &limits);
	if (!all || kind >= OR_LIMIT_KINDS)
		return OR_OVER_BYTES;
	limit = &all->of[kind];
	if (!limit->rate_kbps && !limit->rate_pps)
		return OR_WITHIN;
	bytes = or_rate_of(limit->rate_kbps, limit->burst_kb, OR_BYTES_PER_KB);
	packets = or_rate_of(limit->rate_pps, limit->burst_packets, 1);
	return or_spend_both(&key, &bytes, &packets, f);
}

/* All the guest sends. 0, or the reason to drop. */
static __always_inline __u32 or_police_from_port(const struct or_port *port,
						 const struct or_frame *f)
{
	switch (or_police(port->limits, f->port, OR_LIMIT_INGRESS, f)) {
	case OR_WITHIN:
		return 0;
	case OR_OVER_PACKETS:
		return OR_DROP_POLICER_PPS;
	default:
		return OR_DROP_POLICER;
	}
}

/* What port `index` gets. 0, or the reason to drop. */
static __always_inline __u32 or_police_to_port(__u32 limits, __u32 index, const struct or_frame *f)
{
	return or_police(limits, index, OR_LIMIT_EGRESS, f) ? OR_DROP_POLICER_EGRESS : 0;
}

/* What the guest sends to many, before it is copied: storm control. 0, or the reason to drop. */
static __always_inline __u32 or_police_storm(const struct or_port *port, const struct or_frame *f)
{
	__u32 kind = OR_LIMIT_UNKNOWN_UNICAST, reason = OR_DROP_STORM_UNKNOWN_UNICAST;

	if (or_is_broadcast(f->eth_dst)) {
		kind = OR_LIMIT_BROADCAST;
		reason = OR_DROP_STORM_BROADCAST;
	} else if (or_is_multicast(f->eth_dst)) {
		kind = OR_LIMIT_MULTICAST;
		reason = OR_DROP_STORM_MULTICAST;
	}
	return or_police(port->limits, f->port, kind, f) ? reason : 0;
}

#endif /* OUTRIDER_BPF_POLICER_H_ */
