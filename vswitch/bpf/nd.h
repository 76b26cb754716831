/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Answering neighbour solicitations (RFC 4861) for addresses the controller told us, as arp.h does
 * for ARP. What is not exactly as 7.1.1 there wants it is left to receivers to judge.
 *
 * The advertisement never has the router flag: taken for one without it, a router would be
 * forgotten by its neighbours (7.2.5). The controller names no addresses of ports that may be
 * routers.
 */
#ifndef OUTRIDER_BPF_ND_H_
#define OUTRIDER_BPF_ND_H_

#include "vswitch/bpf/answer.h"
#include "vswitch/bpf/spoof.h"

#define OR_ND_HEAD (OR_ETH_HLEN + sizeof(struct ipv6hdr))
#define OR_ND_SOLICITATION 24 /* without options */
#define OR_ND_MAX_SOLICITATION (OR_ND_SOLICITATION + 8 * OR_ND_MAX_OPTIONS)
#define OR_ND_ADVERTISEMENT 32 /* with the target's link-layer address */
#define OR_ND_SOLICITED 0x40
#define OR_ND_OVERRIDE 0x20

/* The ICMPv6 message, in the scratch's packet. */
struct or_nd_message {
	__u8 type;
	__u8 code;
	__u16 check;
	__u8 flags;
	__u8 reserved[3];
	__u8 target[16];
	__u8 options[8 * OR_ND_MAX_OPTIONS];
};

static __always_inline struct or_nd_message *or_nd_message_of(struct or_answer_scratch *s)
{
	return (void *)(s->packet + OR_ND_HEAD);
}

/* ff02::1:ff00:0/104 with the target's last bytes (RFC 4291, 2.7.1). */
static __always_inline bool or_is_solicited_node(const __u8 *group, const __u8 *target)
{
	const __u32 *words = (const __u32 *)group;

	return words[0] == bpf_htonl(0xff020000) && !words[1] && words[2] == bpf_htonl(1) &&
	       group[12] == 0xff && group[13] == target[13] && group[14] == target[14] &&
	       group[15] == target[15];
}

/* Options of length 0, or beyond the end, make it invalid; so does, from ::, a link-layer address.
 * `count`: room for options, in units of 8 bytes, as their lengths are. */
static __always_inline bool or_nd_options_hold(const struct or_nd_message *m, __u32 count,
					       bool from_nobody)
{
	__u32 at = 0;

	for (int i = 0; i < OR_ND_MAX_OPTIONS; i++) {
		__u32 place = at;
		__u32 size;

		if (at >= count)
			return true;
		/* A bound that Linux 6.1 can follow. */
		barrier_var(place);
		place = (place & (OR_ND_MAX_OPTIONS - 1)) * 8;
		size = m->options[place + 1];
		if (!size || at + size > count)
			return false;
		if (from_nobody && m->options[place] == OR_ND_OPTION_SOURCE)
			return false;
		at += size;
	}
	return at >= count;
}

/* Reads a solicitation and says whether it is valid. */
static __noinline bool or_read_solicitation(struct __sk_buff *skb, const struct or_frame *f,
					    struct or_answer_scratch *s)
{
	struct or_nd_message *m = or_nd_message_of(s);
	__u64 length; /* the width at which Linux 6.1 follows its bounds */
	__u16 payload;
	__u64 sum;

	if (!(f->flags & OR_FRAME_ND) || f->icmp_type != OR_ND_SOLICIT ||
	    f->l4_offset != OR_ND_HEAD || f->src[0] == 0xff ||
	    bpf_skb_load_bytes(skb, OR_ETH_HLEN + __builtin_offsetof(struct ipv6hdr, payload_len),
			       &payload, sizeof(payload)))
		return false;
	length = bpf_ntohs(payload);
	barrier_var(length);
	if (length < OR_ND_SOLICITATION || length > OR_ND_MAX_SOLICITATION || length & 7)
		return false;
	__builtin_memset(m, 0, sizeof(*m));
	if (bpf_skb_load_bytes(skb, OR_ND_HEAD, m, length))
		return false;
	sum = or_pseudo_sum(f, length, IPPROTO_ICMPV6) +
	      (__u32)bpf_csum_diff(NULL, 0, (__be32 *)m, sizeof(*m), 0);
	return or_fold(sum) == 0xffff && or_is_solicited_node(f->dst, m->target) &&
	       or_nd_options_hold(m, (length - OR_ND_SOLICITATION) / 8, or_is_zero_address(f->src));
}

/* ff02::1, and its MAC (RFC 2464, 7). */
static __always_inline void or_address_all_nodes(struct or_frame *f)
{
	__u32 *words = (__u32 *)f->dst;

	words[0] = bpf_htonl(0xff020000);
	words[1] = 0;
	words[2] = 0;
	words[3] = bpf_htonl(1);
	f->eth_dst[0] = 0x33;
	f->eth_dst[1] = 0x33;
	f->eth_dst[2] = 0;
	f->eth_dst[3] = 0;
	f->eth_dst[4] = 0;
	f->eth_dst[5] = 1;
}

/* The advertisement that answers what was read: to the sender or, if it asks before it has an
 * address (RFC 4862, 5.4), to all nodes (RFC 4861, 7.2.4). `f` becomes the answer's. */
static __always_inline void or_write_advertisement(struct or_answer_scratch *s, struct or_frame *f,
						   const __u8 *mac)
{
	struct ipv6hdr *ip = (void *)(s->packet + OR_ETH_HLEN);
	struct or_nd_message *m = or_nd_message_of(s);
	bool from_nobody = or_is_zero_address(f->src);

	__builtin_memcpy(f->eth_dst, f->eth_src, 6);
	__builtin_memcpy(f->dst, f->src, 16);
	if (from_nobody)
		or_address_all_nodes(f);
	__builtin_memcpy(f->eth_src, mac, 6);
	__builtin_memcpy(f->src, m->target, 16);
	f->icmp_type = OR_ND_ADVERTISE;
	__builtin_memcpy(s->packet, f->eth_dst, 6);
	__builtin_memcpy(s->packet + 6, f->eth_src, 6);
	s->packet[12] = f->ether_type >> 8;
	s->packet[13] = f->ether_type & 255;
	__builtin_memset(ip, 0, sizeof(*ip));
	ip->version = 6;
	ip->payload_len = bpf_htons(OR_ND_ADVERTISEMENT);
	ip->nexthdr = IPPROTO_ICMPV6;
	ip->hop_limit = 255;
	__builtin_memcpy(&ip->saddr, f->src, 16);
	__builtin_memcpy(&ip->daddr, f->dst, 16);
	m->type = OR_ND_ADVERTISE;
	m->check = 0;
	m->flags = OR_ND_OVERRIDE | (from_nobody ? 0 : OR_ND_SOLICITED);
	__builtin_memset(m->reserved, 0, sizeof(m->reserved));
	m->options[0] = OR_ND_OPTION_TARGET;
	m->options[1] = 1;
	__builtin_memcpy(m->options + 2, mac, 6);
	m->check = ~or_fold(or_pseudo_sum(f, OR_ND_ADVERTISEMENT, IPPROTO_ICMPV6) +
			    (__u32)bpf_csum_diff(NULL, 0, (__be32 *)m, OR_ND_ADVERTISEMENT, 0));
}

/* Turns a multicast solicitation for a known address into its advertisement. False: the frame is as
 * it was and has to be replicated. Who asks for its own address gets no answer: it would take it
 * for a duplicate. */
static __noinline bool or_answer_nd(struct __sk_buff *skb, struct or_frame *f)
{
	struct or_neighbor_key key = {.vni = f->vni};
	struct or_answer_scratch *s = or_new_answer();
	const struct or_neighbor *known;
	__u8 mac[6];

	/* The addresses we know are those of untagged frames. */
	if (!s || f->customer_vlan || !or_read_solicitation(skb, f, s))
		return false;
	__builtin_memcpy(key.address, or_nd_message_of(s)->target, 16);
	/* IPv4's neighbours are under such keys. */
	if (or_is_mapped_ipv4(key.address))
		return false;
	known = bpf_map_lookup_elem(&or_neighbors, &key);
	if (!known)
		return false;
	__builtin_memcpy(mac, known->mac, 6);
	if (or_mac_equal(mac, f->eth_src) ||
	    bpf_skb_change_tail(skb, OR_ND_HEAD + OR_ND_ADVERTISEMENT, 0))
		return false;
	or_trace(OR_TRACE_ANSWER, f->port, or_mac_number(mac), 0, 0);
	or_write_advertisement(s, f, mac);
	return !bpf_skb_store_bytes(skb, 0, s->packet, OR_ND_HEAD + OR_ND_ADVERTISEMENT,
				    BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
}

#endif /* OUTRIDER_BPF_ND_H_ */
