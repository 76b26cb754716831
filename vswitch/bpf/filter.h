/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a port's profile says of a frame: its connections first, then the rules of the direction.
 *
 *  - A frame of a connection passes without a look at the rules, or is connection_invalid.
 *  - Rules decide on all others. allow-related opens a connection, of TCP with a SYN only, so what
 *    comes in the middle of a connection nobody knows is connection_invalid.
 *  - What has no connection passes by an allow-related rule as by an allow rule: ARP, neighbour
 *    discovery, multicast and broadcast (nobody answers from the address it went to), ICMP that
 *    neither asks nor reports an error, later fragments.
 *  - For a short while after the port's arrival from another host, TCP in the middle of a
 *    connection that is not known opens it, if the list that let it begin still would (adopt.h).
 *  - A connection that another rule set has admitted is judged again, as its first packet was. If
 *    the rules do not allow-relate it any more it is forgotten; a frame of its first direction then
 *    goes by what the rules said, and one of the other is connection_invalid.
 *
 * or_acl_classify() is called here only.
 */
#ifndef OUTRIDER_BPF_FILTER_H_
#define OUTRIDER_BPF_FILTER_H_

#include "vswitch/bpf/acl.h"
#include "vswitch/bpf/adopt.h"
#include "vswitch/bpf/conntrack.h"
#include "vswitch/bpf/fragment.h"
#include "vswitch/bpf/related.h"
#include "vswitch/bpf/tcp_options.h"
#include "vswitch/bpf/trace.h"

enum or_trackable {
	OR_UNTRACKED, /* never of a connection */
	OR_TRACKED,
	OR_LATER_FRAGMENT,
	OR_ICMP_ERROR,
};

/* Completes the key when it is OR_TRACKED. */
static __noinline __u32 or_connection_name(const struct or_frame *f, bool from_guest,
					   struct or_connection_key *key)
{
	__u16 src_port = f->src_port, dst_port = f->dst_port;

	if (!(f->flags & OR_FRAME_IP) || f->flags & (OR_FRAME_ND | OR_FRAME_RA) ||
	    or_is_multicast(f->eth_dst))
		return OR_UNTRACKED;
	if (f->flags & OR_FRAME_NO_LAYER4)
		return OR_LATER_FRAGMENT;
	if (or_is_icmp_error(f))
		return OR_ICMP_ERROR;
	if (f->flags & OR_FRAME_ICMP) {
		if (!(f->flags & OR_FRAME_ECHO))
			return OR_UNTRACKED;
		src_port = f->flags & OR_FRAME_ECHO_REPLY ? 0 : f->icmp_id;
		dst_port = f->flags & OR_FRAME_ECHO_REPLY ? f->icmp_id : 0;
	}
	or_connection_sides(key, from_guest, f->src, f->dst, src_port, dst_port);
	key->protocol = f->protocol;
	return OR_TRACKED;
}

static __always_inline void or_swap_bytes(__u8 *a, __u8 *b, __u32 count)
{
	for (__u32 i = 0; i < count; i++) {
		__u8 byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* Makes an answer look as the question did, and back: for rules that are written for the question.
 * An echo has its type turned, too. */
static __noinline void or_turn(struct or_frame *f)
{
	__u16 port = f->src_port;

	or_swap_bytes(f->src, f->dst, 16);
	or_swap_bytes(f->eth_src, f->eth_dst, 6);
	f->src_port = f->dst_port;
	f->dst_port = port;
	if (!(f->flags & OR_FRAME_ECHO))
		return;
	f->flags ^= OR_FRAME_ECHO_REPLY;
	if (f->protocol == IPPROTO_ICMP)
		f->icmp_type ^= OR_ICMP_ECHO;
	else
		f->icmp_type ^= OR_ICMPV6_ECHO ^ OR_ICMPV6_ECHO_REPLY;
}

/* What the list of the direction in which `stale` began says of its first packet; counted and
 * logged for port `index`. */
static __always_inline __u32 or_judge(struct or_frame *f, const struct or_port *port, __u32 index,
				      bool from_guest, __u32 stale)
{
	bool first = stale ? OR_FLOW_FROM_GUEST(stale) : from_guest;
	bool turn = first != from_guest;
	__u8 flags = f->tcp_flags;
	__u32 verdict;

	if (turn)
		or_turn(f);
	if (stale)
		f->tcp_flags = OR_FLOW_FIRST_FLAGS(stale);
	verdict = or_acl_classify(first ? port->ingress_rule_set : port->egress_rule_set, f);
	or_acl_account(index, f, !first);
	f->tcp_flags = flags;
	if (turn)
		or_turn(f);
	return verdict & OR_VERDICT_ACTION;
}

/* What the list of the direction `first` says of the first packet of the frame's connection,
 * counted nowhere. */
static __always_inline __u32 or_ask_of_first(struct or_frame *f, const struct or_port *port,
					     bool from_guest, bool first)
{
	__u8 flags = f->tcp_flags;
	__u32 verdict;

	if (first != from_guest)
		or_turn(f);
	f->tcp_flags = OR_TCP_SYN;
	verdict = or_acl_classify(first ? port->ingress_rule_set : port->egress_rule_set, f);
	f->tcp_flags = flags;
	if (first != from_guest)
		or_turn(f);
	return verdict & OR_VERDICT_ACTION;
}

/* Whether the frame's connection, which is not known here, is taken up in its middle: who sent this
 * may have begun it, or the other side. Inline: the rules need the rest of the stack. */
static __always_inline bool or_adopt(struct or_frame *f, const struct or_connection_key *key,
				     const struct or_port *port, enum or_trackable kind,
				     bool from_guest)
{
	__u32 sides = from_guest;

	if (kind != OR_TRACKED || f->protocol != IPPROTO_TCP || !or_tcp_is_within(f->tcp_flags) ||
	    !or_adopts(key->port))
		return false;
	if (or_ask_of_first(f, port, from_guest, from_guest) == OR_ACL_ALLOW_RELATED)
		sides |= from_guest ? 2 : 0;
	else if (or_ask_of_first(f, port, from_guest, !from_guest) == OR_ACL_ALLOW_RELATED)
		sides |= from_guest ? 0 : 2;
	else
		return false;
	return or_connection_adopt(f, key, port, sides);
}

/* Whether the frame is of a connection, now that the rules were asked again for it. */
static __always_inline __u32 or_settle(const struct or_frame *f,
				       const struct or_connection_key *key,
				       const struct or_port *port, bool from_guest, __u32 stale,
				       __u32 action)
{
	__u32 found = OR_FLOW_NONE;

	if (action == OR_ACL_ALLOW_RELATED) {
		or_connection_renew(key, port);
		found = or_connection_find(f, key, port, from_guest);
	} else {
		or_connection_forget(key);
	}
	/* The other direction's list was asked, not this one's. */
	if (found == OR_FLOW_NONE && OR_FLOW_FROM_GUEST(stale) != from_guest)
		return OR_FLOW_INVALID;
	return found;
}

/* 0, or the reason to drop a frame that is of no connection yet. */
static __always_inline __u32 or_by_rule(const struct or_frame *f,
					const struct or_connection_key *key,
					const struct or_port *port, enum or_trackable kind,
					bool from_guest, __u32 action)
{
	switch (action) {
	case OR_ACL_ALLOW:
		return 0;
	case OR_ACL_ALLOW_RELATED:
		if (!(port->flags & OR_PORT_STATEFUL))
			return OR_DROP_CONNECTIONS_FULL;
		if (kind == OR_ICMP_ERROR)
			return OR_DROP_CONNECTION_INVALID;
		return kind == OR_TRACKED ? or_connection_open(f, key, port, from_guest) : 0;
	case OR_ACL_REJECT:
		return from_guest ? OR_DROP_ACL_REJECT_INGRESS : OR_DROP_ACL_REJECT_EGRESS;
	case OR_ACL_MISSING:
		return OR_DROP_RULE_SET_MISSING;
	}
	return from_guest ? OR_DROP_ACL_INGRESS : OR_DROP_ACL_EGRESS;
}

static __always_inline __u32 or_trace_untracked(enum or_trackable kind, bool passes)
{
	if (!passes)
		return 0;
	return kind == OR_ICMP_ERROR ? OR_TRACE_FLOW_RELATED : OR_TRACE_FLOW_FRAGMENT;
}

/* OR_FLOW_*: what the table says of the frame. */
static __always_inline __u32 or_look_up(struct __sk_buff *skb, struct or_frame *f,
					struct or_connection_key *key, const struct or_port *port,
					enum or_trackable kind, bool from_guest)
{
	bool passes = false;

	if (kind == OR_TRACKED && f->protocol == IPPROTO_TCP && f->tcp_flags & OR_TCP_SYN)
		or_read_scale(skb, f);
	if (kind == OR_TRACKED)
		return or_connection_find(f, key, port, from_guest);
	if (kind == OR_LATER_FRAGMENT)
		passes = or_fragment_passes(f, key->port, from_guest);
	else if (kind == OR_ICMP_ERROR)
		passes = or_is_related(skb, f, port, key, from_guest);
	if (port->flags & OR_PORT_STATEFUL)
		or_trace(OR_TRACE_CONNECTION, key->port, or_trace_untracked(kind, passes), 0, 0);
	return passes ? OR_FLOW_PASS : OR_FLOW_NONE;
}

/* Zeros but for the port. Off the stack, of which the rules need the rest. */
static __always_inline struct or_connection_key *or_new_key(__u32 port)
{
	__u32 zero = 0;
	struct or_connection_key *key = bpf_map_lookup_elem(&or_key_scratch, &zero);

	if (!key)
		return NULL;
	__builtin_memset(key, 0, sizeof(*key));
	key->port = port;
	return key;
}

/* Of a frame that passes (enum or_settled). Rules count what they decide, and look at more than a
 * flow's name. */
static __always_inline __u8 or_settled_by(const struct or_frame *f, const struct or_port *port,
					  enum or_trackable kind, __u32 found, bool from_guest)
{
	if (port->flags & OR_PORT_STATEFUL)
		return kind == OR_TRACKED && found == OR_FLOW_PASS ? OR_SETTLED_KNOWN
								   : OR_UNSETTLED;
	return (from_guest ? port->ingress_rule_set : port->egress_rule_set) ? OR_UNSETTLED
									     : OR_SETTLED_FREE;
}

/* 0, or the reason to drop the frame, which is as it was when this returns. Global, as or_parse().
 */
__noinline __u32 or_filter(struct __sk_buff *skb, struct or_frame *f, const struct or_port *port,
			   __u32 index, __u32 direction)
{
	struct or_connection_key *key = or_new_key(index);
	bool from_guest = direction & OR_FROM_GUEST;
	__u32 found, kind = OR_UNTRACKED, stale = 0, reason = 0, action = OR_ACL_DROP;

	if (!f || !port || !key)
		return OR_DROP_MALFORMED;
	key->vni = f->vni;
	if (port->flags & OR_PORT_STATEFUL)
		kind = or_connection_name(f, from_guest, key);
	found = or_look_up(skb, f, key, port, kind, from_guest);
	if (OR_FLOW_KIND(found) == OR_FLOW_STALE)
		stale = found;
	else if (found == OR_FLOW_NONE && or_adopt(f, key, port, kind, from_guest))
		found = OR_FLOW_PASS;
	if (found == OR_FLOW_NONE || stale)
		action = or_judge(f, port, index, from_guest, stale);
	if (stale)
		found = or_settle(f, key, port, from_guest, stale, action);
	if (found == OR_FLOW_INVALID)
		return OR_DROP_CONNECTION_INVALID;
	if (found == OR_FLOW_NONE)
		reason = or_by_rule(f, key, port, kind, from_guest, action);
	if (!reason && kind == OR_TRACKED && f->flags & OR_FRAME_FRAGMENT)
		or_fragment_passes(f, key->port, from_guest);
	if (!reason)
		f->settled = or_settled_by(f, port, kind, found, from_guest);
	return reason;
}

/* What the guest of f->port sends. 0, or the reason to drop it. */
static __always_inline __u32 or_filter_from_port(struct __sk_buff *skb, struct or_frame *f,
						 const struct or_port *port)
{
	return or_filter(skb, f, port, f->port, OR_FROM_GUEST);
}

/* What the guest of port `index` is to get. */
static __always_inline __u32 or_filter_to_port(struct __sk_buff *skb, const struct or_frame *f,
					       const struct or_port *port, __u32 index)
{
	return or_filter(skb, (struct or_frame *)f, port, index, OR_TO_GUEST);
}

#endif /* OUTRIDER_BPF_FILTER_H_ */
