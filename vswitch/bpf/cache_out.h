/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The flow cache of what guests send to other hosts: outer headers are kept ready. */
#ifndef OUTRIDER_BPF_CACHE_OUT_H_
#define OUTRIDER_BPF_CACHE_OUT_H_

#include "vswitch/bpf/cache.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/encap.h"
#include "vswitch/bpf/mtu.h"
#include "vswitch/bpf/stats.h"
#include "vswitch/bpf/trace.h"

/* Room for the headers of a path. False: the frame is as it was. */
static __always_inline bool or_cached_make_room(struct __sk_buff *skb, bool v4)
{
	if (v4)
		return !bpf_skb_adjust_room(skb, OR_ROOM_V4, BPF_ADJ_ROOM_MAC,
					    OR_ENCAP_FLAGS | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4);
	return !bpf_skb_adjust_room(skb, OR_ROOM_V6, BPF_ADJ_ROOM_MAC,
				    OR_ENCAP_FLAGS | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6);
}

/* Identifications go on from one segment of a flow to the next, as receive offload wants them. */
static __always_inline bool or_cached_put_v4(struct __sk_buff *skb, const struct or_frame *f,
					     struct or_outer_v4 *outer)
{
	__u32 length = skb->len - OR_ETH_HLEN;

	outer->ip.tot_len = bpf_htons(or_ip_length(length));
	outer->ip.check = 0;
	outer->ip.check = or_header_check(&outer->ip);
	outer->udp.len = bpf_htons(or_ip_length(length - sizeof(outer->ip)));
	if (bpf_skb_store_bytes(skb, 0, &outer->eth, OR_ETH_HLEN + OR_ROOM_V4, 0))
		return false;
	outer->ip.id = bpf_htons(bpf_ntohs(outer->ip.id) + f->wire_packets);
	return true;
}

static __always_inline bool or_cached_put_v6(struct __sk_buff *skb, struct or_outer_v6 *outer)
{
	__u32 length = skb->len - OR_ETH_HLEN - sizeof(outer->ip);

	outer->ip.payload_len = bpf_htons(or_ip_length(length));
	outer->udp.len = outer->ip.payload_len;
	return !bpf_skb_store_bytes(skb, 0, &outer->eth, OR_ETH_HLEN + OR_ROOM_V6, 0);
}

/* A TC verdict, or OR_CACHE_MISS: the frame is as it was. Global, as or_parse() is: verified once.
 */
__noinline int or_cached_from_port(struct __sk_buff *skb, struct or_frame *f)
{
	struct or_cache_question *q = or_cache_question_of(OR_CACHE_FROM_PORT);
	struct or_cached *cached;
	struct ethhdr eth;
	__u32 reason;
	bool v4, put;

	if (!q || !f || or_tracing)
		return OR_CACHE_MISS;
	q->asked = 0;
	q->named = 0;
	if (skb->vlan_present || or_capture_of() || bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)))
		return OR_CACHE_MISS;
	q->key.from = skb->ifindex;
	if (!or_cache_read(skb, f, &eth, q))
		return OR_CACHE_MISS;
	cached = or_cache_find(q);
	if (!cached || !or_knows_underlay() || f->l3_length > cached->mtu ||
	    !or_cache_tracks(cached, f, true))
		return OR_CACHE_MISS;
	v4 = cached->outer.v4.eth.h_proto == bpf_htons(OR_ETH_P_IPV4);
	/* Not in front of every frame of a flow: some have headers of the guest's own tunnel, or
	 * are datagrams to be fragmented. */
	if (!or_cached_make_room(skb, v4))
		return OR_CACHE_MISS;
	f->port = cached->port;
	reason = or_cache_police(cached, f, OR_LIMIT_INGRESS);
	if (reason)
		return or_drop(f->port, reason, f);
	if (v4)
		put = or_cached_put_v4(skb, f, &cached->outer.v4);
	else
		put = or_cached_put_v6(skb, &cached->outer.v6);
	if (!put)
		return or_drop(f->port, OR_DROP_ENCAP_FAILED, f);
	skb->priority = cached->priority;
	skb->mark = 0;
	or_count_rx(f);
	or_cache_count(OR_FLOW_HITS);
	return or_redirect(cached->ifindex);
}

/* The frame, with its outer headers on, leaves by the underlay's device `ifindex`. Global, too. */
__noinline int or_cache_keep_out(struct __sk_buff *skb, const struct or_frame *f,
				 const struct or_port *port, __u32 ifindex)
{
	const struct or_cache_question *q = or_cache_question_of(OR_CACHE_FROM_PORT);
	struct or_cached *cached;
	long error;

	if (!q || !f || !port || or_tracing || !f->outer || port->max_macs ||
	    port->policy & OR_POLICY_MARK ||
	    port->flags & (OR_PORT_LEARN_MACS | OR_PORT_REPORT_FIRST_FRAME))
		return 0;
	cached = or_cache_take(q, f, port, f->port, OR_LIMIT_INGRESS);
	if (!cached)
		return 0;
	cached->ifindex = ifindex;
	cached->mtu = port->mtu;
	cached->priority = port->traffic_class;
	if (f->outer == OR_ROOM_V4)
		error = bpf_skb_load_bytes(skb, 0, &cached->outer.v4.eth, OR_ETH_HLEN + OR_ROOM_V4);
	else
		error = bpf_skb_load_bytes(skb, 0, &cached->outer.v6.eth, OR_ETH_HLEN + OR_ROOM_V6);
	if (error)
		or_cache_forget(q);
	else if (f->outer == OR_ROOM_V4)
		cached->outer.v4.ip.id =
			bpf_htons(bpf_ntohs(cached->outer.v4.ip.id) + f->wire_packets);
	return 0;
}

#endif /* OUTRIDER_BPF_CACHE_OUT_H_ */
