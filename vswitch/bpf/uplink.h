/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Segments that a VLAN of a physical network carries: how a frame gets out to it, and what is known
 * of the stations there. The network replicates: a frame leaves once, whatever it is for. It never
 * goes back to the uplink it came from, nor to a tunnel.
 *
 * Learning (IEEE 802.1Q, 8.7) tells which unicast has somebody to go to. It never says where a port
 * of ours is: the FDB, the agent's word, is asked first. MACs that the FDB has not, which several
 * guests may use in turn, are forgotten when a guest here broadcasts with them, as whoever takes
 * one over does; unicast to them is flooded, here as there.
 */
#ifndef OUTRIDER_BPF_UPLINK_H_
#define OUTRIDER_BPF_UPLINK_H_

#include <linux/pkt_cls.h>

#include "vswitch/bpf/clock.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/stats.h"
#include "vswitch/bpf/trace.h"
#include "vswitch/bpf/vlan.h"

/* The frame's source was heard from the uplink. To a second: not a write for each frame. */
static __noinline void or_hear_station(const struct or_frame *f)
{
	struct or_station heard = {.heard_ns = bpf_ktime_get_ns()};
	struct or_fdb_key key = {.vni = f->vni};
	struct or_station *known;

	if (or_tracing)
		return;
	__builtin_memcpy(key.mac, f->eth_src, 6);
	known = bpf_map_lookup_elem(&or_stations, &key);
	if (!known)
		bpf_map_update_elem(&or_stations, &key, &heard, BPF_ANY);
	else if (or_ns_between(known->heard_ns, heard.heard_ns) > (__s64)OR_NS_PER_S)
		known->heard_ns = heard.heard_ns;
}

/* A guest here speaks with the frame's source now, one of several it may use: what moved here is no
 * station any more. */
static __noinline void or_forget_station(const struct or_frame *f)
{
	struct or_fdb_key key = {.vni = f->vni};

	__builtin_memcpy(key.mac, f->eth_src, 6);
	if (!or_tracing && bpf_map_lookup_elem(&or_stations, &key))
		bpf_map_delete_elem(&or_stations, &key);
}

/* Whether the frame's destination was heard there of late. */
static __noinline bool or_is_station(const struct or_frame *f)
{
	struct or_fdb_key key = {.vni = f->vni};
	const struct or_station *known;

	__builtin_memcpy(key.mac, f->eth_dst, 6);
	known = bpf_map_lookup_elem(&or_stations, &key);
	return known &&
	       or_ns_between(known->heard_ns, bpf_ktime_get_ns()) < (__s64)OR_STATION_AGE_NS;
}

static __always_inline bool or_is_provider(__u32 vni)
{
	return bpf_map_lookup_elem(&or_providers, &vni);
}

/* Why the frame cannot leave by `by`, or 0. */
static __always_inline __u32 or_check_uplink(const struct __sk_buff *skb, const struct or_frame *f,
					     const struct or_provider *by)
{
	if (!by || !by->ifindex)
		return OR_DROP_UPLINK_MISSING;
	/* Without a tag of the segment's, the customer's would name a VLAN of the network's. */
	if (!by->vlan && f->customer_vlan)
		return OR_DROP_VLAN_TAGGED;
	/* A port's tag that would not come off after a copy. */
	if (skb->vlan_present && !f->customer_vlan)
		return OR_DROP_REDIRECT_FAILED;
	return f->l3_length > by->mtu ? OR_DROP_OVER_MTU : 0;
}

/* Why the frame cannot leave by its segment's uplink, or 0. */
static __noinline __u32 or_may_leave(const struct __sk_buff *skb, const struct or_frame *f)
{
	__u32 vni = f->vni;

	return or_check_uplink(skb, f, bpf_map_lookup_elem(&or_providers, &vni));
}

/* Sends the frame itself to its segment's uplink. 0, or the reason why it stays. */
static __noinline __u32 or_leave(struct __sk_buff *skb, const struct or_frame *f)
{
	__u32 vni = f->vni;
	const struct or_provider *by = bpf_map_lookup_elem(&or_providers, &vni);
	__u32 reason = or_check_uplink(skb, f, by);

	/* Told to the verifier once more. */
	if (reason || !by)
		return reason;
	if (!or_vlan_push(skb, by->vlan))
		return OR_DROP_REDIRECT_FAILED;
	skb->mark = 0;
	or_trace(OR_TRACE_UPLINK, f->port, by->ifindex, by->vlan, 0);
	or_redirect(by->ifindex);
	return 0;
}

/* The same. A TC verdict; what fails is a drop of the port it came from. */
static __always_inline int or_send_to_uplink(struct __sk_buff *skb, const struct or_frame *f)
{
	__u32 reason = or_leave(skb, f);

	return reason ? or_drop(f->port, reason, f) : TC_ACT_REDIRECT;
}

#endif /* OUTRIDER_BPF_UPLINK_H_ */
