/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Answers (answer.h) to what a rule rejects: to TCP a reset (RFC 9293, 3.10.7.1), else ICMP
 * destination unreachable, administratively prohibited (RFC 1812: code 13; RFC 4443: code 1). Never
 * in answer to a reset, to ICMP that is no question, fragments, multicast or a source that is none
 * (RFC 1122, 3.2.2).
 */
#ifndef OUTRIDER_BPF_REJECT_H_
#define OUTRIDER_BPF_REJECT_H_

#include <linux/tcp.h>

#include "vswitch/bpf/answer.h"
#include "vswitch/bpf/encap.h"
#include "vswitch/bpf/fdb.h"
#include "vswitch/bpf/icmp.h"
#include "vswitch/bpf/icmp_error.h"
#include "vswitch/bpf/tcp_track.h"
#include "vswitch/bpf/uplink.h"

#define OR_ICMP_FILTERED 13
#define OR_ICMPV6_PROHIBITED 1

/* Whom one may answer: a single sender, and a packet that is no answer itself. */
static __always_inline bool or_may_reject(const struct or_frame *f)
{
	if (!or_is_answerable(f) || f->flags & OR_FRAME_FRAGMENT)
		return false;
	if (f->ether == OR_ETHER_IPV4)
		return f->protocol != IPPROTO_ICMP || f->icmp_type == OR_ICMP_ECHO;
	return f->protocol != IPPROTO_ICMPV6 || f->icmp_type == OR_ICMPV6_ECHO;
}

/* Offset of the layer-4 header: IPv4 options are skipped; after IPv6 extension headers 0. */
static __always_inline __u32 or_transport_offset(struct __sk_buff *skb, const struct or_frame *f)
{
	__u8 first;

	if (f->ether == OR_ETHER_IPV6)
		return f->extensions ? 0 : OR_ETH_HLEN + sizeof(struct ipv6hdr);
	if (bpf_skb_load_bytes(skb, OR_ETH_HLEN, &first, 1))
		return 0;
	return OR_ETH_HLEN + (first & 15) * 4;
}

/* The frame becomes a TCP reset. False: there is nothing to say, or it failed. */
static __noinline bool or_make_reset(struct __sk_buff *skb, const struct or_frame *f,
				     struct or_answer_scratch *s, __u32 offset)
{
	struct tcphdr *in = (void *)s->transport, *out;
	bool unfinished, answers;
	__u64 sum;
	__u32 at;

	if (bpf_skb_load_bytes(skb, offset, s->transport, sizeof(*in)) || in->rst)
		return false;
	unfinished = or_is_unfinished(skb, f, offset, in->check);
	/* Elsewhere than our own header the device would complete something else. */
	if (unfinished && f->ether == OR_ETHER_IPV4 && offset != OR_ETH_HLEN + sizeof(struct iphdr))
		return false;
	answers = in->ack;
	at = or_answer_ip(s, f, IPPROTO_TCP, sizeof(*out));
	out = (void *)(s->packet + (f->ether == OR_ETHER_IPV4
					    ? OR_ETH_HLEN + sizeof(struct iphdr)
					    : OR_ETH_HLEN + sizeof(struct ipv6hdr)));
	__builtin_memset(out, 0, sizeof(*out));
	out->source = in->dest;
	out->dest = in->source;
	out->doff = 5;
	out->rst = 1;
	if (answers) {
		out->seq = in->ack_seq;
	} else {
		out->ack = 1;
		out->ack_seq = bpf_htonl(f->tcp_end);
	}
	sum = or_pseudo_sum(f, sizeof(*out), IPPROTO_TCP);
	if (unfinished)
		out->check = or_fold(sum);
	else
		out->check = ~or_fold(
			sum + (__u32)bpf_csum_diff(NULL, 0, (__be32 *)out, sizeof(*out), 0));
	at += sizeof(*out);
	if (bpf_skb_change_tail(skb, at, 0))
		return false;
	if (f->ether == OR_ETHER_IPV4)
		return !bpf_skb_store_bytes(skb, 0, s->packet,
					    OR_ETH_HLEN + sizeof(struct iphdr) + sizeof(*out),
					    BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
	return !bpf_skb_store_bytes(skb, 0, s->packet,
				    OR_ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(*out),
				    BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
}

/* The frame becomes the answer to its sender. False: it may not be answered. */
static __noinline bool or_make_answer(struct __sk_buff *skb, const struct or_frame *f, __u32 port)
{
	struct or_answer_scratch *s = or_new_answer();
	__u32 offset;

	if (!s || !or_may_reject(f))
		return false;
	offset = or_transport_offset(skb, f);
	if (f->protocol == IPPROTO_TCP && (!offset || f->tcp_flags & OR_TCP_RST))
		return false;
	if (!or_may_tell(port))
		return false;
	if (f->protocol == IPPROTO_TCP)
		return or_make_reset(skb, f, s, offset);
	if (f->ether == OR_ETHER_IPV4)
		return or_make_icmp_error(skb, f, OR_ICMP_UNREACHABLE << 8 | OR_ICMP_FILTERED, 0);
	return or_make_icmp_error(skb, f, OR_ICMPV6_UNREACHABLE << 8 | OR_ICMPV6_PROHIBITED, 0);
}

/* Drops a frame that the list of port `index` rejects, and answers its sender, here, behind a
 * tunnel or an uplink. A TC verdict. */
static __noinline int or_reject(struct __sk_buff *skb, struct or_frame *f, __u32 index,
				__u32 reason)
{
	__u32 device, sender;
	bool answered;

	or_count_drop(index, reason, f);
	answered = or_make_answer(skb, f, index);
	or_trace(OR_TRACE_REJECT, index, answered, f->protocol, 0);
	if (!answered)
		return TC_ACT_SHOT;
	if (f->port)
		return or_answer_port(skb, f, f->port);
	if (or_is_provider(f->vni))
		return or_leave(skb, f) ? TC_ACT_SHOT : TC_ACT_REDIRECT;
	sender = or_fdb_index(or_fdb_place(or_fdb_word(f->eth_src, f->vni), f->vni), OR_FDB_REMOTE);
	if (!sender)
		return TC_ACT_SHOT;
	/* The answer's ECN field, not the frame's. */
	f->tos = 0;
	device = or_encapsulate(skb, f, sender);
	return device ? or_redirect(device) : TC_ACT_SHOT;
}

#endif /* OUTRIDER_BPF_REJECT_H_ */
