/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Limits of a port: each a pair of token buckets, one of wire bytes and one of wire frames, that a
 * frame passes together or not at all. One pair for all CPUs (a bucket per CPU would multiply the
 * rate), which take from it at once. 64-bit throughout; time that was too short for a whole byte is
 * kept, so that the rate is exact at any packet rate. What is larger than the burst (a GSO packet)
 * passes when the bucket is full and the excess is paid in time, so that it neither starves nor
 * exceeds the rate.
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

/* What the time since the last call adds. Exact: what does not make a byte yet is kept, so the rate
 * holds however often this is called. */
static __always_inline __s64 or_gain(const struct or_bucket *b, const struct or_rate *r, __u64 now)
{
	__u64 full = r->burst * OR_NS_PER_S, last = b->last_ns, elapsed = now - last;
	__s64 room = full - b->tokens, gain;

	if (!r->per_s || (last && now <= last))
		return 0;
	if (!last || elapsed >= full / r->per_s)
		return room;
	gain = elapsed * r->per_s;
	return gain < room ? gain : room;
}

/* What `amount` takes from a bucket. */
static __always_inline __s64 or_needed(const struct or_rate *r, __u64 amount)
{
	return (amount < r->burst ? amount : r->burst) * OR_NS_PER_S;
}

/* Takes what is needed if all of it is there. Other CPUs take at the same time: what was taken in
 * vain is given back. A look first, for what has been taken in vain is missed by others meanwhile.
 */
static __always_inline bool or_take(struct or_bucket *b, const struct or_rate *r, __u64 amount)
{
	__s64 needed = or_needed(r, amount);

	if (!r->per_s)
		return true;
	if (*(const volatile __s64 *)&b->tokens < needed)
		return false;
	if ((__s64)__sync_fetch_and_add(&b->tokens, -needed) >= needed)
		return true;
	__sync_fetch_and_add(&b->tokens, needed);
	return false;
}

static __always_inline void or_give_back(struct or_bucket *b, const struct or_rate *r, __u64 amount)
{
	if (r->per_s)
		__sync_fetch_and_add(&b->tokens, or_needed(r, amount));
}

static __always_inline __u32 or_take_both(struct or_policer_locked *p, const struct or_rate *bytes,
					  const struct or_rate *packets, __u64 wire_bytes,
					  __u64 wire_packets)
{
	if (!or_take(&p->bytes, bytes, wire_bytes))
		return OR_OVER_BYTES;
	if (or_take(&p->packets, packets, wire_packets))
		return OR_WITHIN;
	or_give_back(&p->bytes, bytes, wire_bytes);
	return OR_OVER_PACKETS;
}

/* The lock is held. */
static __always_inline void or_refill(struct or_bucket *b, const struct or_rate *r, __u64 now)
{
	__sync_fetch_and_add(&b->tokens, or_gain(b, r, now));
	if (b->last_ns < now)
		b->last_ns = now;
}

/* The lock is held. A last_ns in the future is debt: for what is larger than the burst. */
static __always_inline void or_owe(struct or_bucket *b, const struct or_rate *r, __u64 amount)
{
	if (r->per_s && amount > r->burst)
		b->last_ns += (amount - r->burst) * OR_NS_PER_S / r->per_s;
}

/* Whether a bucket has been filled up since the coarse clock said `tick`, and what is taken from it
 * is no debt: nobody needs the lock for that. */
static __always_inline bool or_is_filled(const struct or_bucket *b, const struct or_rate *r,
					 __u64 tick, __u64 amount)
{
	return !r->per_s || (b->last_ns >= tick && amount <= r->burst);
}

static __always_inline __u64 or_trace_left(__s64 tokens, const struct or_rate *r)
{
	if (!r->per_s)
		return OR_TRACE_NO_LIMIT;
	return tokens < 0 ? 0 : (__u64)tokens / OR_NS_PER_S;
}

/* What or_spend_both() says, with the buckets left as they are. */
static __noinline __u32 or_trace_spend(__u32 policer, const struct or_rate *bytes,
				       const struct or_rate *packets, const struct or_frame *f)
{
	const struct or_policer_locked *p = bpf_map_lookup_elem(&or_policers, &policer);
	__s64 left_bytes, left_packets, wire_bytes, wire_packets;
	__u64 now = bpf_ktime_get_ns();
	__u32 result = OR_WITHIN;

	if (!p)
		return OR_OVER_BYTES;
	wire_bytes = or_needed(bytes, f->wire_bytes);
	wire_packets = or_needed(packets, f->wire_packets);
	left_bytes = p->bytes.tokens + or_gain(&p->bytes, bytes, now);
	left_packets = p->packets.tokens + or_gain(&p->packets, packets, now);
	if (bytes->per_s && left_bytes < wire_bytes) {
		result = OR_OVER_BYTES;
	} else if (packets->per_s && left_packets < wire_packets) {
		result = OR_OVER_PACKETS;
	} else {
		left_bytes -= wire_bytes;
		left_packets -= wire_packets;
	}
	or_trace(OR_TRACE_LIMIT, policer / OR_POLICERS_PER_PORT,
		 policer % OR_POLICERS_PER_PORT | result << 8, or_trace_left(left_bytes, bytes),
		 or_trace_left(left_packets, packets));
	return result;
}

/* Buckets are filled up under their lock, once in a tick of the coarse clock, and for a frame that
 * does not fit: so nothing is refused that the precise clock would let pass. Global, as or_parse():
 * verified once. */
__noinline __u32 or_spend_both(__u32 policer, const struct or_rate *bytes,
			       const struct or_rate *packets, const struct or_frame *f)
{
	__u64 now = bpf_ktime_get_coarse_ns(), wire_bytes, wire_packets;
	struct or_policer_locked *p;
	__u32 result;

	if (!bytes || !packets || !f)
		return OR_OVER_BYTES;
	wire_bytes = f->wire_bytes;
	wire_packets = f->wire_packets;
	if (or_tracing)
		return or_trace_spend(policer, bytes, packets, f);
	p = bpf_map_lookup_elem(&or_policers, &policer);
	if (!p)
		return OR_OVER_BYTES;
	if (or_is_filled(&p->bytes, bytes, now, wire_bytes) &&
	    or_is_filled(&p->packets, packets, now, wire_packets) &&
	    !or_take_both(p, bytes, packets, wire_bytes, wire_packets))
		return OR_WITHIN;
	now = bpf_ktime_get_ns();
	bpf_spin_lock(&p->lock);
	or_refill(&p->bytes, bytes, now);
	or_refill(&p->packets, packets, now);
	result = or_take_both(p, bytes, packets, wire_bytes, wire_packets);
	if (result == OR_WITHIN) {
		or_owe(&p->bytes, bytes, wire_bytes);
		or_owe(&p->packets, packets, wire_packets);
	}
	bpf_spin_unlock(&p->lock);
	return result;
}

/* Limits that should be there and are not let nothing pass. */
static __noinline __u32 or_police_by(__u32 limits, __u32 port, __u32 kind, const struct or_frame *f)
{
	const struct or_limits *all = bpf_map_lookup_elem(&or_limits, &limits);
	struct or_rate bytes, packets;
	const struct or_limit *limit;

	if (!all || kind >= OR_LIMIT_KINDS)
		return OR_OVER_BYTES;
	limit = &all->of[kind];
	bytes = or_rate_of(limit->rate_kbps, limit->burst_kb, OR_BYTES_PER_KB);
	packets = or_rate_of(limit->rate_pps, limit->burst_packets, 1);
	return or_spend_both(OR_POLICER(port, kind), &bytes, &packets, f);
}

static __always_inline bool or_is_limited(const struct or_port *port, __u32 kind)
{
	return port->limited >> kind & 1;
}

/* Whether a frame is within the limit `kind` (enum or_limit_kind) of `port`, whose index is
 * `index`: enum or_police_result. */
static __always_inline __u32 or_police(const struct or_port *port, __u32 index, __u32 kind,
				       const struct or_frame *f)
{
	return or_is_limited(port, kind) ? or_police_by(port->limits, index, kind, f) : OR_WITHIN;
}

/* All the guest sends. 0, or the reason to drop. */
static __always_inline __u32 or_police_from_port(const struct or_port *port,
						 const struct or_frame *f)
{
	switch (or_police(port, f->port, OR_LIMIT_INGRESS, f)) {
	case OR_WITHIN:
		return 0;
	case OR_OVER_PACKETS:
		return OR_DROP_POLICER_PPS;
	default:
		return OR_DROP_POLICER;
	}
}

/* What port `index` gets. 0, or the reason to drop. */
static __always_inline __u32 or_police_to_port(const struct or_port *port, __u32 index,
					       const struct or_frame *f)
{
	return or_police(port, index, OR_LIMIT_EGRESS, f) ? OR_DROP_POLICER_EGRESS : 0;
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
	return or_police(port, f->port, kind, f) ? reason : 0;
}

#endif /* OUTRIDER_BPF_POLICER_H_ */
