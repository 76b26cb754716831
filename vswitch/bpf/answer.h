/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What answers to a guest's frame have in common: the frame itself becomes the answer, in the name
 * of its destination, and there are OR_ANSWERS_PER_S of those that report an error for each port at
 * most.
 *
 * If the sender left a checksum to the device, that will be "completed" in the answer, too, at the
 * place where the frame had it, and nothing tells a program so. But the field then holds the pseudo
 * header's sum: where it does, an answer is written such that completing it leaves it right.
 */
#ifndef OUTRIDER_BPF_ANSWER_H_
#define OUTRIDER_BPF_ANSWER_H_

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include "vswitch/bpf/drop.h"
#include "vswitch/bpf/limit.h"
#include "vswitch/bpf/move.h"
#include "vswitch/bpf/stats.h"
#include "vswitch/bpf/trace.h"
#include "vswitch/bpf/vlan.h"

#define OR_ANSWERS_PER_S 100
/* Of a packet that an error is about, quoted in it: its header with options, and what the sender's
 * stack needs to find the socket. */
#define OR_ANSWER_QUOTE 88
/* Ethernet, IPv6 and ICMPv6 header. */
#define OR_ANSWER_HEAD 62
/* Behind the quote, what a device completes (icmp_error.h). */
#define OR_ANSWER_TAIL 20

/* Working memory, as or_acl_scratch. `packet` begins so that what follows the Ethernet header is
 * aligned. */
struct or_answer_scratch {
	__u8 pad[2];
	__u8 packet[OR_ANSWER_HEAD + OR_ANSWER_QUOTE + OR_ANSWER_TAIL + 4];
	__u8 transport[24];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct or_answer_scratch);
} or_answer_scratch SEC(".maps");

static __always_inline struct or_answer_scratch *or_new_answer(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&or_answer_scratch, &zero);
}

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

/* A single sender and a single receiver: of others no error is ever told (RFC 1122, 3.2.2; RFC
 * 4443, 2.4e). */
static __always_inline bool or_is_answerable(const struct or_frame *f)
{
	const __u32 *src = (const __u32 *)f->src;

	if (!(f->flags & OR_FRAME_IP) || or_is_multicast(f->eth_dst))
		return false;
	/* No host, multicast and reserved addresses. */
	if (f->ether == OR_ETHER_IPV4)
		return src[3] && f->src[12] < 224 && f->dst[12] < 224 && f->src[12] != 127;
	return f->src[0] != 0xff && f->dst[0] != 0xff && (src[0] | src[1] | src[2] | src[3]);
}

/* Whether one more error may be told the guest of port `port`. No rule set has id 0: this is not a
 * rule's limit. */
static __always_inline bool or_may_tell(__u32 port)
{
	struct or_rule_count_key key = {.port = port};

	return or_within_limit(&key, OR_ANSWERS_PER_S);
}

static __always_inline void or_answer_ethernet(struct or_answer_scratch *s,
					       const struct or_frame *f)
{
	__builtin_memcpy(s->packet, f->eth_src, 6);
	__builtin_memcpy(s->packet + 6, f->eth_dst, 6);
	s->packet[12] = f->ether_type >> 8;
	s->packet[13] = f->ether_type & 255;
}

/* Header of the answer with `length` bytes of payload. Returns the offset behind it. */
static __always_inline __u32 or_answer_ip(struct or_answer_scratch *s, const struct or_frame *f,
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

/* Length of what begins with the layer-4 header at `offset`, as the IP header says: Ethernet's
 * padding is not of it. Not of a super-packet. */
static __always_inline __u32 or_transport_length(struct __sk_buff *skb, const struct or_frame *f,
						 __u32 offset)
{
	bool v4 = f->ether == OR_ETHER_IPV4;
	__u16 length_be = 0;
	__u32 end;

	if (bpf_skb_load_bytes(skb,
			       OR_ETH_HLEN + (v4 ? __builtin_offsetof(struct iphdr, tot_len)
						 : __builtin_offsetof(struct ipv6hdr, payload_len)),
			       &length_be, sizeof(length_be)))
		return 0;
	end = OR_ETH_HLEN + bpf_ntohs(length_be) + (v4 ? 0 : sizeof(struct ipv6hdr));
	return end > offset ? end - offset : 0;
}

/* Whether the checksum `check` of the layer-4 header at `offset` is left to the device: the field
 * holds the pseudo header's sum. Of a super-packet it always is, and its sender may have summed up
 * what it likes. */
static __always_inline bool or_is_unfinished(struct __sk_buff *skb, const struct or_frame *f,
					     __u32 offset, __u16 check)
{
	__u32 length;

	if (skb->gso_size)
		return true;
	length = or_transport_length(skb, f, offset);
	return check == or_fold(or_pseudo_sum(f, length, f->protocol));
}

/* Sends the answer to a port of this host: past its egress list, which has no say in what its own
 * guest's frame led to. */
static __always_inline int or_answer_port(struct __sk_buff *skb, struct or_frame *f, __u32 index)
{
	const struct or_port *port = or_port_row(index);
	__u32 ifindex, tag = 0, way = OR_WAY_DEVICE;

	if (!port || or_port_phase(port, index) != OR_PORT_ACTIVE || !port->ifindex ||
	    or_vlan_to_port(port, f, &tag))
		return TC_ACT_SHOT;
	/* Like all that its guest is given. */
	if (port->flags & OR_PORT_MOVING)
		way = or_choose_way(skb, f, index, OR_CHOOSE_ANSWER);
	if (way == OR_WAY_RECORD)
		return TC_ACT_STOLEN;
	/* Its guest's frame has just shown that it runs here. */
	if (way != OR_WAY_DEVICE)
		return TC_ACT_SHOT;
	ifindex = port->ifindex;
	if (!or_vlan_push(skb, tag))
		return TC_ACT_SHOT;
	/* What is left of the frame. */
	f->wire_packets = 1;
	f->wire_bytes = skb->len;
	or_count_tx(index, f);
	or_capture_at(skb, f, index, OR_CAPTURE_TO_GUEST_OUT);
	skb->mark = OR_MARK_MAGIC | index;
	or_trace(OR_TRACE_OUTPUT, index, ifindex, tag, 0);
	return or_redirect(ifindex);
}

#endif /* OUTRIDER_BPF_ANSWER_H_ */
