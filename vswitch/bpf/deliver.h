/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The only way to a port. Phase, segment and egress rules are the destination's, and what fails
 * them is counted there. The mark tells or_port_guard that a frame came this way.
 */
#ifndef OUTRIDER_BPF_DELIVER_H_
#define OUTRIDER_BPF_DELIVER_H_

#include "vswitch/bpf/acl.h"
#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/stats.h"

/* The reason why `f` may not go to port `index`, or 0 and the interface to send it to. */
static __always_inline __u32 or_admit_to_port(__u32 index, const struct or_frame *f, __u32 *ifindex)
{
	const struct or_port *port = bpf_map_lookup_elem(&or_ports, &index);

	if (!port)
		return OR_DROP_PORT_UNKNOWN;
	if (port->phase == OR_PORT_ARMED)
		return OR_DROP_PORT_ARMED;
	/* An FDB or replication entry may lag behind a port that has just changed its segment. */
	if (port->phase != OR_PORT_ACTIVE || port->vni != f->vni)
		return OR_DROP_PORT_BLOCKED;
	*ifindex = port->ifindex;
	if (!*ifindex)
		return OR_DROP_PORT_UNKNOWN;
	return or_acl_verdict(port->egress_rule_set, f, OR_DROP_ACL_EGRESS);
}

/* Sends the frame itself to port `index`. A TC verdict. */
static __noinline int or_deliver(struct __sk_buff *skb, const struct or_frame *f, __u32 index)
{
	__u32 ifindex = 0;
	__u32 reason = or_admit_to_port(index, f, &ifindex);

	if (reason)
		return or_drop(index, reason, f);
	or_count_tx(index, f);
	skb->mark = OR_MARK_MAGIC | index;
	return bpf_redirect(ifindex, 0);
}

/* Sends a copy to port `index`. */
static __noinline void or_deliver_copy(struct __sk_buff *skb, const struct or_frame *f, __u32 index)
{
	__u32 ifindex = 0;
	__u32 reason = or_admit_to_port(index, f, &ifindex);

	if (!reason) {
		skb->mark = OR_MARK_MAGIC | index;
		if (bpf_clone_redirect(skb, ifindex, 0))
			reason = OR_DROP_REDIRECT_FAILED;
	}
	if (reason)
		or_count_drop(index, reason, f);
	else
		or_count_tx(index, f);
}

#endif /* OUTRIDER_BPF_DELIVER_H_ */
