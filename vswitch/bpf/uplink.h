/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Segments that a VLAN of a physical network carries: how a frame gets out to it. The network
 * replicates: a frame leaves once, whatever it is for. It never goes back to the uplink it came
 * from, nor to a tunnel. Who was heard there: station.h.
 */
#ifndef OUTRIDER_BPF_UPLINK_H_
#define OUTRIDER_BPF_UPLINK_H_

#include <linux/pkt_cls.h>

#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/stats.h"
#include "vswitch/bpf/trace.h"
#include "vswitch/bpf/vlan.h"

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
