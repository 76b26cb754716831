/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Differentiated services (RFC 2474) and priority of what a guest sends. The two ECN bits are never
 * touched here: in the guest's packet they are the guest's, in the outer header the kernel's tunnel
 * sets them from the inner ones, and puts congestion marked on the way back into the inner ones.
 */
#ifndef OUTRIDER_BPF_MARK_H_
#define OUTRIDER_BPF_MARK_H_

#include <linux/if_ether.h>
#include <linux/ip.h>

#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/trace.h"

#define OR_ECN_MASK 0x03

/* Sets the DSCP in the guest's packet. The checksum of IPv4's header follows; IPv6 has none, so the
 * one of the whole packet, where the kernel keeps one, does. */
static __noinline void or_set_dscp(struct __sk_buff *skb, struct or_frame *f, __u8 dscp)
{
	__u8 tos = dscp << 2 | (f->tos & OR_ECN_MASK);
	__u8 head[2], set[2];

	if (!(f->flags & OR_FRAME_IP) || tos == f->tos ||
	    bpf_skb_load_bytes(skb, OR_ETH_HLEN, head, sizeof(head)))
		return;
	set[0] = head[0];
	set[1] = tos;
	if (f->ether == OR_ETHER_IPV4) {
		__u16 from, to;

		__builtin_memcpy(&from, head, 2);
		__builtin_memcpy(&to, set, 2);
		if (bpf_skb_store_bytes(skb, OR_ETH_HLEN, set, sizeof(set), 0))
			return;
		bpf_l3_csum_replace(skb, OR_ETH_HLEN + __builtin_offsetof(struct iphdr, check),
				    from, to, 2);
	} else {
		set[0] = (head[0] & 0xf0) | tos >> 4;
		set[1] = tos << 4 | (head[1] & 0x0f);
		if (bpf_skb_store_bytes(skb, OR_ETH_HLEN, set, sizeof(set), BPF_F_RECOMPUTE_CSUM))
			return;
	}
	f->tos = tos;
}

/* What the profile says of a frame that will be forwarded. */
static __always_inline void or_classify(struct __sk_buff *skb, struct or_frame *f,
					const struct or_port *port)
{
	skb->priority = port->traffic_class;
	if (port->policy & OR_POLICY_MARK)
		or_set_dscp(skb, f, port->dscp);
	f->outer_tos =
		port->policy & OR_POLICY_PIPE ? port->outer_dscp << 2 : f->tos & ~OR_ECN_MASK;
	or_trace(OR_TRACE_MARK, f->port, f->tos, f->outer_tos, port->traffic_class);
}

#endif /* OUTRIDER_BPF_MARK_H_ */
