/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * IP multicast in segments that snoop (RFC 4541): copies go to the ports and VTEPs that joined the
 * group, and to those with multicast routers. Who joined is the agent's to know: it gets every
 * membership message of local guests, and writes or_multicast_members.
 *
 *  - Reports and leaves go to routers alone: a host that heard another's report would keep its own
 *    back (RFC 2236), and the port would be forgotten.
 *  - Queries go to all.
 *  - Link-local groups (224.0.0.0/24, ff02::/16) go to all: nobody reports some of them.
 */
#ifndef OUTRIDER_BPF_MULTICAST_H_
#define OUTRIDER_BPF_MULTICAST_H_

#include <linux/in.h>

#include "vswitch/abi/or_drop.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/limit.h"
#include "vswitch/bpf/maps.h"
#include "vswitch/bpf/spoof.h"
#include "vswitch/bpf/trace.h"

#define OR_MULTICAST_EVENTS_PER_S 64
#define OR_MULTICAST_LEAST 20 /* an IPv4 header */

#define OR_IGMP_QUERY 0x11
#define OR_IGMP_V1_REPORT 0x12
#define OR_IGMP_V2_REPORT 0x16
#define OR_IGMP_LEAVE 0x17
#define OR_IGMP_V3_REPORT 0x22
#define OR_MLD_QUERY 130

enum or_membership {
	OR_NO_MEMBERSHIP,
	OR_MEMBERSHIP_QUERY,
	OR_MEMBERSHIP_REPORT, /* and leave */
};

static __always_inline __u32 or_igmp_kind(struct __sk_buff *skb, const struct or_frame *f)
{
	__u8 type;

	if (f->flags & OR_FRAME_FRAGMENT || bpf_skb_load_bytes(skb, f->l4_offset, &type, 1))
		return OR_NO_MEMBERSHIP;
	switch (type) {
	case OR_IGMP_QUERY:
		return OR_MEMBERSHIP_QUERY;
	case OR_IGMP_V1_REPORT:
	case OR_IGMP_V2_REPORT:
	case OR_IGMP_LEAVE:
	case OR_IGMP_V3_REPORT:
		return OR_MEMBERSHIP_REPORT;
	}
	return OR_NO_MEMBERSHIP;
}

static __always_inline __u32 or_mld_kind(const struct or_frame *f)
{
	if (f->flags & OR_FRAME_FRAGMENT || !(f->flags & OR_FRAME_ICMP))
		return OR_NO_MEMBERSHIP;
	switch (f->icmp_type) {
	case OR_MLD_QUERY:
		return OR_MEMBERSHIP_QUERY;
	case OR_MLD_REPORT:
	case OR_MLD_DONE:
	case OR_MLD2_REPORT:
		return OR_MEMBERSHIP_REPORT;
	}
	return OR_NO_MEMBERSHIP;
}

static __always_inline __u32 or_membership_kind(struct __sk_buff *skb, const struct or_frame *f)
{
	if (f->ether == OR_ETHER_IPV4)
		return f->protocol == IPPROTO_IGMP ? or_igmp_kind(skb, f) : OR_NO_MEMBERSHIP;
	return f->protocol == IPPROTO_ICMPV6 ? or_mld_kind(f) : OR_NO_MEMBERSHIP;
}

/* Hands a membership message to the agent: so many a second of each port, as long as the ring has
 * room. What is lost comes again with the next query. */
static __noinline void or_report_membership(struct __sk_buff *skb, const struct or_frame *f)
{
	struct or_rule_count_key limit = {.port = f->port, .number = OR_QUOTA_MULTICAST};
	__u32 length = skb->len - OR_ETH_HLEN;
	struct or_multicast_event *event;

	if (or_tracing || !or_within_limit(&limit, OR_MULTICAST_EVENTS_PER_S))
		return;
	/* Bounds as Linux 6.1 follows them: it forgets that a length is not 0. */
	if (length > OR_MULTICAST_DATA)
		length = OR_MULTICAST_DATA;
	if (length < OR_MULTICAST_LEAST)
		return;
	event = bpf_ringbuf_reserve(&or_events, sizeof(*event), 0);
	if (!event)
		return;
	event->kind = OR_EVENT_MULTICAST;
	event->port = f->port;
	event->vni = f->vni;
	event->length = length;
	if (bpf_skb_load_bytes(skb, OR_ETH_HLEN, event->data, length))
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, 0);
}

static __always_inline bool or_is_local_group(const struct or_frame *f)
{
	if (f->ether == OR_ETHER_IPV4)
		return f->dst[12] == 224 && !f->dst[13] && !f->dst[14];
	return (f->dst[1] & 0x0f) <= 2;
}

static __always_inline bool or_is_multicast_ip(const struct or_frame *f)
{
	if (!(f->flags & OR_FRAME_IP) || !or_is_multicast(f->eth_dst) ||
	    or_is_broadcast(f->eth_dst))
		return false;
	return f->ether == OR_ETHER_IPV4 ? f->dst[12] >> 4 == 14 : f->dst[0] == 0xff;
}

/* Sets f->scope for a frame that will be copied. 0, or the reason to drop it. */
static __noinline __u32 or_scope_multicast(struct __sk_buff *skb, struct or_frame *f, __u32 flags)
{
	struct or_multicast_group group = {.vni = f->vni};
	__u32 kind;

	if (!(flags & OR_SEGMENT_SNOOP_MULTICAST) || !or_is_multicast_ip(f))
		return 0;
	kind = or_membership_kind(skb, f);
	if (kind != OR_NO_MEMBERSHIP && f->port)
		or_report_membership(skb, f);
	if (kind == OR_MEMBERSHIP_REPORT) {
		f->scope = OR_SCOPE_ROUTERS;
		return 0;
	}
	if (kind == OR_MEMBERSHIP_QUERY || or_is_local_group(f))
		return 0;
	__builtin_memcpy(group.address, f->dst, 16);
	if (bpf_map_lookup_elem(&or_multicast_groups, &group)) {
		f->scope = OR_SCOPE_MEMBERS;
		return 0;
	}
	/* Who joined on a physical network nobody here knows. */
	if (!(flags & OR_SEGMENT_DROP_UNKNOWN_MULTICAST) || flags & OR_SEGMENT_PROVIDER)
		return 0;
	f->scope = OR_SCOPE_ROUTERS;
	__builtin_memset(group.address, 0, 16);
	return bpf_map_lookup_elem(&or_multicast_groups, &group) ? 0 : OR_DROP_MULTICAST_UNKNOWN;
}

/* Whether a copy is for `place`, as in struct or_multicast_member. */
static __noinline bool or_is_in_scope(const struct or_frame *f, __u32 place)
{
	struct or_multicast_member member = {.group.vni = f->vni, .place = place};

	if (f->scope == OR_SCOPE_ALL || bpf_map_lookup_elem(&or_multicast_members, &member))
		return true;
	if (f->scope == OR_SCOPE_ROUTERS)
		return false;
	__builtin_memcpy(member.group.address, f->dst, 16);
	return bpf_map_lookup_elem(&or_multicast_members, &member);
}

#endif /* OUTRIDER_BPF_MULTICAST_H_ */
