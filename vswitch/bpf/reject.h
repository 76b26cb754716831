/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Answers to what a rule rejects: to TCP a reset (RFC 9293, 3.10.7.1), else ICMP destination
 * unreachable, administratively prohibited (RFC 1812: code 13; RFC 4443: code 1), in the name of
 * the destination. Never in answer to a reset, to ICMP errors, fragments, multicast or a source
 * that is none (RFC 1122, 3.2.2), and at most OR_REJECTS_PER_S for each port.
 *
 * The frame itself becomes the answer. If its sender left the checksum to the device, that will be
 * "completed" in the answer, too, at the place where the layer-4 header had it, and nothing tells a
 * program so. But the field then holds the pseudo header's sum: where it does, the answer is
 * written such that completing it leaves it right.
 */
#ifndef OUTRIDER_BPF_REJECT_H_
#define OUTRIDER_BPF_REJECT_H_

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/encap.h"
#include "vswitch/bpf/fdb.h"
#include "vswitch/bpf/limit.h"
#include "vswitch/bpf/stats.h"
#include "vswitch/bpf/vlan.h"

#define OR_REJECTS_PER_S 100
/* Of a rejected packet, quoted in the answer: its header with options, and what the sender's stack
 * needs to find the socket. */
#define OR_REJECT_QUOTE 88
/* Ethernet, IPv6 and ICMPv6 header. */
#define OR_REJECT_HEAD 62
#define OR_ICMP_ECHO 8
#define OR_ICMP_UNREACHABLE 3
#define OR_ICMP_FILTERED 13
#define OR_ICMPV6_ECHO 128
#define OR_ICMPV6_UNREACHABLE 1
#define OR_ICMPV6_PROHIBITED 1

/* Working memory, as or_acl_scratch. `packet` begins so that what follows the Ethernet header is
 * aligned. */
struct or_reject_scratch {
	__u8 pad[2];
	__u8 packet[OR_REJECT_HEAD + OR_REJECT_QUOTE + 8];
	__u8 transport[24];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_reject_scratch);
} or_reject_scratch SEC(".maps");

static __always_inline __u16 or_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Sum of the pseudo header (RFC 793, RFC 8200 8.1) as it is in memory, not folded. */
static __always_inline __u64 or_pseudo_sum(const struct or_frame *f, __u32 length, __u32 protocol)
{
	const __u32 *src = (const __u32 *)f->src, *dst = (const __u32 *)f->dst;
	__u64 sum = (__u64)src[3] + dst[3] + bpf_htonl(length) + bpf_htonl(protocol);

	if (f->ether == OR_ETHER_IPV6)
		sum += (__u64)src[0] + src[1] + src[2] + dst[0] + dst[1] + dst[2];
	return sum;
}

/* Whom one may answer: a single sender, and a packet that is no answer itself. */
static __always_inline bool or_may_reject(const struct or_frame *f)
{
	const __u32 *src = (const __u32 *)f->src;

	if (!(f->flags & OR_FRAME_IP) || f->flags & OR_FRAME_FRAGMENT ||
	    or_is_multicast(f->eth_dst))
		return false;
	if (f->ether == OR_ETHER_IPV4) {
		/* No host, multicast and reserved addresses. */
		if (!src[3] || f->src[12] >= 224 || f->dst[12] >= 224 || f->src[12] == 127)
			return false;
		if (f->protocol == IPPROTO_ICMP)
			return f->icmp_type == OR_ICMP_ECHO;
		return true;
	}
	if (f->src[0] == 0xff || f->dst[0] == 0xff || !(src[0] | src[1] | src[2] | src[3]))
		return false;
	if (f->protocol == IPPROTO_ICMPV6)
		return f->icmp_type == OR_ICMPV6_ECHO;
	return true;
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

static __always_inline void or_answer_ethernet(struct or_reject_scratch *s,
					       const struct or_frame *f)
{
	__builtin_memcpy(s->packet, f->eth_src, 6);
	__builtin_memcpy(s->packet + 6, f->eth_dst, 6);
	s->packet[12] = f->ether_type >> 8;
	s->packet[13] = f->ether_type & 255;
}

/* Header of the answer with `length` bytes of payload. Returns the offset behind it. */
static __always_inline __u32 or_answer_ip(struct or_reject_scratch *s, const struct or_frame *f,
					  __u8 protocol, __u32 length)
{
	or_answer_ethernet(s, f);
	if (f->ether == OR_ETHER_IPV4) {
		struct iphdr *ip = (void *)(s->packet + OR_ETH_HLEN);

		__builtin_memset(ip, 0, sizeof(*ip));
		ip->version = 4;
		ip->ihl = 5;
		ip->tot_len = bpf_htons(sizeof(*ip) + length);
		ip->frag_off = bpf_htons(0x4000);
		ip->ttl = 64;
		ip->protocol = protocol;
		__builtin_memcpy(&ip->saddr, f->dst + 12, 4);
		__builtin_memcpy(&ip->daddr, f->src + 12, 4);
		ip->check = ~or_fold((__u32)bpf_csum_diff(NULL, 0, (__be32 *)ip, sizeof(*ip), 0));
		return OR_ETH_HLEN + sizeof(*ip);
	} else {
		struct ipv6hdr *ip = (void *)(s->packet + OR_ETH_HLEN);

		__builtin_memset(ip, 0, sizeof(*ip));
		ip->version = 6;
		ip->payload_len = bpf_htons(length);
		ip->nexthdr = protocol;
		ip->hop_limit = 64;
		__builtin_memcpy(&ip->saddr, f->dst, 16);
		__builtin_memcpy(&ip->daddr, f->src, 16);
		return OR_ETH_HLEN + sizeof(*ip);
	}
}

/* Length of what follows the layer-4 header's beginning, as the IP header says. */
static __always_inline __u32 or_transport_length(struct __sk_buff *skb, __u32 offset)
{
	return skb->len > offset ? skb->len - offset : 0;
}

/* Whether the checksum is left to the device: the field holds the pseudo header's sum. */
static __always_inline bool or_is_unfinished(const struct or_frame *f, __u32 length, __u16 check)
{
	return check == or_fold(or_pseudo_sum(f, length, f->protocol));
}

/* The frame becomes a TCP reset. False: there is nothing to say, or it failed. */
static __noinline bool or_make_reset(struct __sk_buff *skb, const struct or_frame *f,
				     struct or_reject_scratch *s, __u32 offset)
{
	struct tcphdr *in = (void *)s->transport, *out;
	__u32 length = or_transport_length(skb, offset), at, ack;
	bool unfinished, answers;
	__u64 sum;

	if (bpf_skb_load_bytes(skb, offset, s->transport, sizeof(*in)) || in->rst)
		return false;
	unfinished = or_is_unfinished(f, length, in->check);
	/* Elsewhere than our own header the device would complete something else. */
	if (unfinished && f->ether == OR_ETHER_IPV4 && offset != OR_ETH_HLEN + sizeof(struct iphdr))
		return false;
	ack = bpf_ntohl(in->seq) + length - in->doff * 4 + in->syn + in->fin;
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
		out->ack_seq = bpf_htonl(ack);
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

/* Whether the device will complete a checksum in the frame, and then where an answer has something
 * else than a TCP header. */
static __always_inline bool or_udp_is_unfinished(struct __sk_buff *skb, const struct or_frame *f,
						 __u32 offset)
{
	__u16 check;

	if (f->protocol != IPPROTO_UDP || bpf_skb_load_bytes(skb, offset + 6, &check, 2))
		return false;
	return or_is_unfinished(f, or_transport_length(skb, offset), check);
}

/* The frame becomes an ICMP or ICMPv6 message about itself. */
static __noinline bool or_make_unreachable(struct __sk_buff *skb, const struct or_frame *f,
					   struct or_reject_scratch *s, __u32 offset)
{
	bool v4 = f->ether == OR_ETHER_IPV4, unfinished = or_udp_is_unfinished(skb, f, offset);
	__u32 ip = v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	__u32 quote = skb->len - OR_ETH_HLEN, at;
	__u64 sum, pseudo = 0;
	__u32 *icmp;

	if (unfinished && offset != OR_ETH_HLEN + ip)
		return false;
	if (quote > OR_REJECT_QUOTE)
		quote = OR_REJECT_QUOTE;
	quote &= ~3u;
	if (quote < ip + 8)
		return false;
	at = or_answer_ip(s, f, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, 8 + quote);
	/* The words of the ICMP header: type, code and checksum; unused. */
	icmp = (void *)(s->packet + (v4 ? OR_ETH_HLEN + sizeof(struct iphdr)
					: OR_ETH_HLEN + sizeof(struct ipv6hdr)));
	__builtin_memset(icmp, 0, 8 + OR_REJECT_QUOTE);
	icmp[0] = v4 ? bpf_htonl(OR_ICMP_UNREACHABLE << 24 | OR_ICMP_FILTERED << 16)
		     : bpf_htonl(OR_ICMPV6_UNREACHABLE << 24 | OR_ICMPV6_PROHIBITED << 16);
	if (bpf_skb_load_bytes(skb, OR_ETH_HLEN, icmp + 2, quote))
		return false;
	if (!v4)
		pseudo = or_pseudo_sum(f, 8 + quote, IPPROTO_ICMPV6);
	sum = pseudo + (__u32)bpf_csum_diff(NULL, 0, icmp, 8 + OR_REJECT_QUOTE, 0);
	((__u16 *)icmp)[1] = ~or_fold(sum);
	/* What a device completes is the second half of the unused word, the place of UDP's
	 * checksum. With the pseudo header's sum there, all it adds up is all ones, and it writes
	 * nothing new. */
	if (unfinished && !v4)
		((__u16 *)icmp)[3] = or_fold(pseudo);
	at += 8 + quote;
	if (at > sizeof(s->packet) || at < OR_ETH_HLEN || bpf_skb_change_tail(skb, at, 0))
		return false;
	return !bpf_skb_store_bytes(skb, 0, s->packet, at,
				    BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH);
}

/* The frame becomes the answer to its sender. False: it may not be answered. */
static __noinline bool or_make_answer(struct __sk_buff *skb, const struct or_frame *f, __u32 port)
{
	struct or_rule_count_key key = {.port = port};
	struct or_reject_scratch *s;
	__u32 zero = 0, offset;

	if (!or_may_reject(f))
		return false;
	offset = or_transport_offset(skb, f);
	if (f->protocol == IPPROTO_TCP && (!offset || f->tcp_flags & 4))
		return false;
	/* No set has id 0: this is not a rule's limit. */
	if (!or_within_limit(&key, OR_REJECTS_PER_S))
		return false;
	s = bpf_map_lookup_elem(&or_reject_scratch, &zero);
	if (!s)
		return false;
	if (f->protocol == IPPROTO_TCP)
		return or_make_reset(skb, f, s, offset);
	return or_make_unreachable(skb, f, s, offset);
}

/* Sends the answer to a port of this host: past its egress list, which has no say in what its own
 * guest's frame led to. */
static __always_inline int or_answer_port(struct __sk_buff *skb, struct or_frame *f, __u32 index)
{
	const struct or_port *port = bpf_map_lookup_elem(&or_ports, &index);
	__u32 ifindex, tag = 0;

	if (!port || port->phase != OR_PORT_ACTIVE || !port->ifindex ||
	    or_vlan_to_port(port, f, &tag))
		return TC_ACT_SHOT;
	ifindex = port->ifindex;
	if (!or_vlan_push(skb, tag))
		return TC_ACT_SHOT;
	/* What is left of the frame. */
	f->wire_packets = 1;
	f->wire_bytes = skb->len;
	or_count_tx(index, f);
	skb->mark = OR_MARK_MAGIC | index;
	or_trace(OR_TRACE_OUTPUT, index, ifindex, tag, 0);
	return or_redirect(ifindex);
}

/* Drops a frame that the list of port `index` rejects, and answers its sender, here or behind a
 * tunnel. A TC verdict. */
static __noinline int or_reject(struct __sk_buff *skb, struct or_frame *f, __u32 index,
				__u32 reason)
{
	struct or_fdb_key key = {.vni = f->vni};
	const struct or_fdb *sender;

	bool answered;

	or_count_drop(index, reason, f);
	answered = or_make_answer(skb, f, index);
	or_trace(OR_TRACE_REJECT, index, answered, f->protocol, 0);
	if (!answered)
		return TC_ACT_SHOT;
	if (f->port)
		return or_answer_port(skb, f, f->port);
	__builtin_memcpy(key.mac, f->eth_src, 6);
	sender = bpf_map_lookup_elem(&or_fdb, &key);
	if (!sender || sender->kind != OR_FDB_REMOTE || !or_encapsulate(skb, f, sender->index))
		return TC_ACT_SHOT;
	return or_send_to_tunnel(skb);
}

#endif /* OUTRIDER_BPF_REJECT_H_ */
