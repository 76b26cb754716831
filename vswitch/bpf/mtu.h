/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is too large for a segment, and the guest that learns so: IPv4 that must not be fragmented
 * gets fragmentation needed with the MTU (RFC 1191), IPv6 packet too big (RFC 8201), in the name of
 * the destination, for there is no router. All else is only dropped: nobody here cuts packets. The
 * limit on answers is the one of answer.h.
 */
#ifndef OUTRIDER_BPF_MTU_H_
#define OUTRIDER_BPF_MTU_H_

#include "vswitch/bpf/icmp_error.h"

#define OR_ICMP_FRAGMENTATION_NEEDED 4
#define OR_ICMPV6_TOO_BIG 2
#define OR_ICMPV6_FIRST_QUESTION 128 /* below are errors */
#define OR_ICMPV6_REDIRECT 137

/* Largest layer-3 packet of the frame's segment; 0: the segment is not there. Each segment of a
 * trunk has its own. */
static __always_inline __u32 or_mtu(const struct or_frame *f, const struct or_port *port)
{
	const struct or_segment *segment;

	if (!or_vlan_is_trunk(port))
		return port->mtu;
	segment = bpf_map_lookup_elem(&or_segments, &f->vni);
	return segment ? segment->mtu : 0;
}

/* 0, or the reason to drop. */
static __always_inline __u32 or_check_mtu(const struct or_frame *f, const struct or_port *port)
{
	__u32 mtu = or_mtu(f, port);

	if (!mtu)
		return OR_DROP_SEGMENT_UNKNOWN;
	return f->l3_length > mtu ? OR_DROP_OVER_MTU : 0;
}

static __always_inline bool or_is_icmp_question(const struct or_frame *f)
{
	if (f->protocol == IPPROTO_ICMPV6)
		return f->icmp_type >= OR_ICMPV6_FIRST_QUESTION &&
		       f->icmp_type != OR_ICMPV6_REDIRECT;
	/* Unreachable, source quench, redirect, time exceeded, parameter problem. */
	return (f->icmp_type < 3 || f->icmp_type > 5) && f->icmp_type != 11 && f->icmp_type != 12;
}

/* Whether the frame's sender wants to know, and may be told (RFC 1122, 3.2.2; RFC 4443, 2.4e). */
static __always_inline bool or_may_tell_mtu(struct __sk_buff *skb, const struct or_frame *f)
{
	__u8 fragment;

	if (!or_is_answerable(f) || f->flags & OR_FRAME_NO_LAYER4)
		return false;
	if (f->flags & OR_FRAME_ICMP && !or_is_icmp_question(f))
		return false;
	if (f->ether == OR_ETHER_IPV6)
		return true;
	return !bpf_skb_load_bytes(skb, OR_ETH_HLEN + __builtin_offsetof(struct iphdr, frag_off),
				   &fragment, 1) &&
	       fragment & 0x40;
}

/* Drops a frame of a guest's that or_check_mtu() refused, and tells the guest. A TC verdict. */
static __noinline int or_too_big(struct __sk_buff *skb, struct or_frame *f,
				 const struct or_port *port)
{
	__u32 mtu = or_mtu(f, port), what = OR_ICMPV6_TOO_BIG << 8;
	bool told;

	/* What the tag that stays on the frame leaves of it. */
	if (f->customer_vlan)
		mtu -= OR_VLAN_HLEN;
	if (f->ether == OR_ETHER_IPV4)
		what = OR_ICMP_UNREACHABLE << 8 | OR_ICMP_FRAGMENTATION_NEEDED;
	or_count_drop(f->port, OR_DROP_OVER_MTU, f);
	told = or_may_tell_mtu(skb, f) && or_may_tell(f->port) &&
	       or_make_icmp_error(skb, f, what, mtu);
	or_trace(OR_TRACE_REJECT, f->port, told, f->protocol, 0);
	return told ? or_answer_port(skb, f, f->port) : TC_ACT_SHOT;
}

#endif /* OUTRIDER_BPF_MTU_H_ */
