/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The flow cache of what comes from other hosts for guests. */
#ifndef OUTRIDER_BPF_CACHE_IN_H_
#define OUTRIDER_BPF_CACHE_IN_H_

#include "vswitch/bpf/cache.h"
#include "vswitch/bpf/deliver.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/outer.h"
#include "vswitch/bpf/stats.h"
#include "vswitch/bpf/trace.h"

/* BPF_F_ADJ_ROOM_DECAP_L3_*, Linux 6.3. */
#define OR_DECAP_L3_IPV4 (1ull << 7)
#define OR_DECAP_L3_IPV6 (1ull << 8)

/* What the outer headers say. */
struct or_unpacked {
	struct or_member_key from;
	struct ethhdr inner;
	__u32 room; /* bytes of outer headers */
};

enum or_unpacking {
	OR_UNPACKED,
	OR_NOT_UNPACKED, /* the frame is as it was: before Linux 6.3, of two families */
	OR_UNPACKING_FAILED,
};

/* Takes the outer headers off; the kernel is told of another family below them. */
static __always_inline enum or_unpacking or_unpack(struct __sk_buff *skb,
						   const struct or_unpacked *u)
{
	__u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO;

	if (u->inner.h_proto != skb->protocol)
		flags |= u->room == OR_ROOM_V6 ? OR_DECAP_L3_IPV4 : OR_DECAP_L3_IPV6;
	if (bpf_skb_adjust_room(skb, -(__s32)u->room, BPF_ADJ_ROOM_MAC, flags))
		return OR_NOT_UNPACKED;
	return bpf_skb_store_bytes(skb, 0, &u->inner, sizeof(u->inner), 0) ? OR_UNPACKING_FAILED
									   : OR_UNPACKED;
}

/* A TC verdict, or OR_CACHE_MISS: the frame is as it was. `f` has wire lengths of the frame within
 * its outer headers. Global, as or_parse() is: verified once. */
__noinline int or_cached_from_underlay(struct __sk_buff *skb, struct or_frame *f,
				       const struct or_unpacked *u)
{
	struct or_cache_question *q = or_cache_question_of(OR_CACHE_FROM_UNDERLAY);
	struct or_cached *cached;
	__u32 reason;
	bool known;

	if (!q || !f || !u)
		return OR_CACHE_MISS;
	q->asked = 0;
	q->named = 0;
	q->key.from = OR_CACHE_TUNNEL | u->from.vni;
	__builtin_memcpy(q->key.vtep, u->from.address, 16);
	f->outer = u->room;
	known = or_cache_read(skb, f, &u->inner, q);
	f->outer = 0;
	if (!known || or_tracing || or_capture_of())
		return OR_CACHE_MISS;
	cached = or_cache_find(q);
	if (!cached)
		return OR_CACHE_MISS;
	if (f->protocol == IPPROTO_UDP && skb->gso_size) {
		/* It is not unpacked here, and those after it not before it. */
		or_cache_forget(q);
		return OR_CACHE_MISS;
	}
	if (!or_cache_tracks(cached, f, false))
		return OR_CACHE_MISS;
	reason = or_cache_police(cached, f, OR_LIMIT_EGRESS);
	if (reason)
		return or_drop(cached->port, reason, f);
	if (or_unpack(skb, u) != OR_UNPACKED)
		return or_drop(cached->port, OR_DROP_REDIRECT_FAILED, f);
	or_count_tx(cached->port, f);
	or_cache_count(OR_FLOW_HITS);
	if (cached->flags & OR_CACHED_PEER)
		return or_redirect_peer(skb, cached->ifindex);
	skb->mark = OR_MARK_MAGIC | cached->port;
	return or_redirect(cached->ifindex);
}

/* The frame, unpacked, has gone to port `index`. Global, too. */
__noinline int or_cache_keep_in(const struct or_frame *f, const struct or_unpacked *u, __u32 index)
{
	const struct or_cache_question *q = or_cache_question_of(OR_CACHE_FROM_UNDERLAY);
	const struct or_port *port = or_port_row(index);
	struct or_cached *cached;

	if (!q || !port || !f || !u || or_tracing || f->customer_vlan)
		return 0;
	cached = or_cache_take(q, f, port, index, OR_LIMIT_EGRESS);
	if (!cached)
		return 0;
	cached->ifindex = port->ifindex;
	if (or_takes_peer(port, f))
		cached->flags |= OR_CACHED_PEER;
	return 0;
}

#endif /* OUTRIDER_BPF_CACHE_IN_H_ */
