/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Headers of one frame into struct or_frame. Everything is read by bpf_skb_load_bytes, so that it
 * does not matter how much of the packet is linear. What is cut short or contradicts itself is
 * OR_DROP_MALFORMED: no rule ever sees a field that is not in the frame.
 *
 * Lengths: of a GSO packet the IP header's length may overflow and is not trusted, the frame's end
 * counts; of others the smaller of the two, so that Ethernet padding is never taken for a header.
 */
#ifndef OUTRIDER_BPF_PARSE_H_
#define OUTRIDER_BPF_PARSE_H_

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include "vswitch/abi/or_drop.h"
#include "vswitch/bpf/arp.h"
#include "vswitch/bpf/frame.h"
#include "vswitch/bpf/icmp.h"

/* More extension headers than this are malformed: no sane sender has them, and the walk must end.
 */
#define OR_MAX_EXTENSIONS 8
/* gso_size of SCTP packets, whose segments are listed instead (GSO_BY_FRAGS). */
#define OR_GSO_BY_FRAGS 0xffff

#define OR_IPPROTO_HOPOPTS 0
#define OR_IPPROTO_ROUTING 43
#define OR_IPPROTO_FRAGMENT 44
#define OR_IPPROTO_AH 51
#define OR_IPPROTO_DSTOPTS 60
#define OR_IPPROTO_MOBILITY 135
#define OR_IPPROTO_SCTP 132

#define OR_SCTP_HLEN 12
#define OR_TCP_HEAD 16 /* up to the window */
#define OR_ICMP_HLEN 8
#define OR_ICMPV6_HLEN 4
#define OR_ND_HOP_LIMIT 255 /* no router has passed it on (RFC 4861) */

static __always_inline __u32 or_load_be32(const __u8 *bytes)
{
	return (__u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static __always_inline bool or_is_extension(__u8 protocol)
{
	return protocol == OR_IPPROTO_HOPOPTS || protocol == OR_IPPROTO_ROUTING ||
	       protocol == OR_IPPROTO_FRAGMENT || protocol == OR_IPPROTO_AH ||
	       protocol == OR_IPPROTO_DSTOPTS || protocol == OR_IPPROTO_MOBILITY;
}

/* The bit of an extension header in f->extensions. */
static __always_inline __u8 or_extension_bit(__u8 protocol)
{
	switch (protocol) {
	case OR_IPPROTO_HOPOPTS:
		return 1 << 0;
	case OR_IPPROTO_ROUTING:
		return 1 << 1;
	case OR_IPPROTO_FRAGMENT:
		return 1 << 2;
	case OR_IPPROTO_AH:
		return 1 << 3;
	case OR_IPPROTO_DSTOPTS:
		return 1 << 4;
	default:
		return 1 << 5; /* mobility */
	}
}

/* Type, code and the id of an echo. Returns the offset behind the header, or 0: malformed. */
static __always_inline __u32 or_parse_icmp(struct __sk_buff *skb, struct or_frame *f, __u32 offset,
					   __u32 length, __u32 end)
{
	bool v4 = f->protocol == IPPROTO_ICMP;
	__u8 head[OR_ICMP_HLEN] = {};

	if (bpf_skb_load_bytes(skb, offset, head, OR_ICMPV6_HLEN))
		return 0;
	f->icmp_type = head[0];
	f->icmp_code = head[1];
	f->flags |= OR_FRAME_ICMP;
	if (f->icmp_type == (v4 ? OR_ICMP_ECHO_REPLY : OR_ICMPV6_ECHO_REPLY))
		f->flags |= OR_FRAME_ECHO | OR_FRAME_ECHO_REPLY;
	else if (f->icmp_type == (v4 ? OR_ICMP_ECHO : OR_ICMPV6_ECHO))
		f->flags |= OR_FRAME_ECHO;
	if (f->flags & OR_FRAME_ECHO) {
		if (offset + OR_ICMP_HLEN > end ||
		    bpf_skb_load_bytes(skb, offset, head, OR_ICMP_HLEN))
			return 0;
		f->icmp_id = head[4] << 8 | head[5];
	}
	return offset + length;
}

/* Ports, or type and code, of the header at `offset`. Returns the offset behind the header (which
 * is where a GSO packet's payload begins), or 0: malformed. Global (not static), so that the
 * verifier looks at it once and not once per way its callers go on; it then wants the pointer
 * checked. */
__noinline __u32 or_parse_layer4(struct __sk_buff *skb, struct or_frame *f, __u32 offset, __u32 end)
{
	__u8 head[OR_TCP_HEAD] = {};
	__u32 length;

	if (!f)
		return 0;
	f->l4_offset = offset;
	switch (f->protocol) {
	case IPPROTO_TCP:
		length = sizeof(struct tcphdr);
		break;
	case IPPROTO_UDP:
		length = sizeof(struct udphdr);
		break;
	case OR_IPPROTO_SCTP:
		length = OR_SCTP_HLEN;
		break;
	case IPPROTO_ICMP:
		if (f->ether != OR_ETHER_IPV4)
			return offset;
		length = OR_ICMP_HLEN;
		break;
	case IPPROTO_ICMPV6:
		if (f->ether != OR_ETHER_IPV6)
			return offset;
		length = OR_ICMPV6_HLEN;
		break;
	default:
		return offset;
	}
	if (offset + length > end)
		return 0;
	if (f->protocol == IPPROTO_ICMP || f->protocol == IPPROTO_ICMPV6)
		return or_parse_icmp(skb, f, offset, length, end);
	if (bpf_skb_load_bytes(skb, offset, head, 4))
		return 0;
	f->src_port = head[0] << 8 | head[1];
	f->dst_port = head[2] << 8 | head[3];
	f->flags |= OR_FRAME_PORTS;
	if (f->protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
			return 0;
		length = (head[12] >> 4) * 4;
		if (length < sizeof(struct tcphdr) || offset + length > end)
			return 0;
		f->tcp_seq = or_load_be32(head + 4);
		f->tcp_ack = or_load_be32(head + 8);
		f->tcp_flags = head[13];
		f->tcp_window = head[14] << 8 | head[15];
		f->tcp_end = f->tcp_seq + (end - offset - length) + (f->tcp_flags & 1) +
			     (f->tcp_flags >> 1 & 1);
	}
	return offset + length;
}

/* Whether a later fragment, at `units` of 8 bytes, writes into TCP's header, which the first one
 * has shown whole: no sender cuts there, and what it says would be judged by nobody (RFC 3128). */
static __always_inline bool or_is_within_header(__u8 protocol, __u32 units)
{
	return protocol == IPPROTO_TCP && units * 8 < sizeof(struct tcphdr);
}

static __noinline __u32 or_parse_ipv4(struct __sk_buff *skb, struct or_frame *f)
{
	struct iphdr ip;
	__u32 header, total, end = skb->len;
	__u16 fragment;

	if (bpf_skb_load_bytes(skb, OR_ETH_HLEN, &ip, sizeof(ip)))
		return 0;
	header = ip.ihl * 4;
	total = bpf_ntohs(ip.tot_len);
	if (ip.version != 4 || header < sizeof(ip))
		return 0;
	if (!skb->gso_size) {
		if (total > end - OR_ETH_HLEN)
			return 0;
		end = OR_ETH_HLEN + total;
	}
	if (OR_ETH_HLEN + header > end)
		return 0;
	or_map_ipv4(f->src, ip.saddr);
	or_map_ipv4(f->dst, ip.daddr);
	f->protocol = ip.protocol;
	f->tos = ip.tos;
	f->ether = OR_ETHER_IPV4;
	f->flags |= OR_FRAME_IP;
	fragment = bpf_ntohs(ip.frag_off);
	if (fragment & 0x3fff) {
		f->flags |= OR_FRAME_FRAGMENT;
		f->fragment_id = bpf_ntohs(ip.id);
	}
	if (fragment & 0x1fff) {
		f->flags |= OR_FRAME_NO_LAYER4;
		if (or_is_within_header(ip.protocol, fragment & 0x1fff))
			return 0;
		return OR_ETH_HLEN + header;
	}
	return or_parse_layer4(skb, f, OR_ETH_HLEN + header, end);
}

/* Walks to the upper-layer header, or to the payload of a non-first fragment, and sets f->protocol.
 * Returns its offset, or 0: malformed. */
static __noinline __u32 or_walk_extensions(struct __sk_buff *skb, struct or_frame *f, __u32 offset,
					   __u32 end)
{
	for (int i = 0; i <= OR_MAX_EXTENSIONS; i++) {
		__u8 head[8];
		__u32 length;

		if (!or_is_extension(f->protocol))
			return offset;
		if (offset + 8 > end || bpf_skb_load_bytes(skb, offset, head, sizeof(head)))
			return 0;
		f->extensions |= or_extension_bit(f->protocol);
		length = (head[1] + 1) * 8;
		if (f->protocol == OR_IPPROTO_AH)
			length = (head[1] + 2) * 4;
		if (f->protocol == OR_IPPROTO_FRAGMENT) {
			__u16 fragment = head[2] << 8 | head[3];

			length = 8;
			/* An atomic fragment (RFC 6946) is a whole packet. */
			if (fragment & 0xfff9) {
				f->flags |= OR_FRAME_FRAGMENT;
				f->fragment_id = or_load_be32(head + 4);
			}
			if (fragment & 0xfff8) {
				f->flags |= OR_FRAME_NO_LAYER4;
				if (or_is_extension(head[0]))
					f->flags |= OR_FRAME_HIDDEN;
				f->protocol = head[0];
				if (or_is_within_header(head[0], fragment >> 3))
					return 0;
				return offset + length;
			}
		}
		f->protocol = head[0];
		offset += length;
		if (offset > end)
			return 0;
	}
	return 0;
}

static __noinline __u32 or_parse_ipv6(struct __sk_buff *skb, struct or_frame *f)
{
	__u32 offset = OR_ETH_HLEN + sizeof(struct ipv6hdr), end = skb->len;
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, OR_ETH_HLEN, &ip, sizeof(ip)))
		return 0;
	if (ip.version != 6)
		return 0;
	if (!skb->gso_size) {
		__u32 payload = bpf_ntohs(ip.payload_len);

		if (payload > end - offset)
			return 0;
		end = offset + payload;
	}
	__builtin_memcpy(f->src, &ip.saddr, 16);
	__builtin_memcpy(f->dst, &ip.daddr, 16);
	/* Mapped addresses do not belong on a wire (RFC 4291, 2.5.5.2), and here they would look
	 * like IPv4 to rules. */
	if (or_is_mapped_ipv4(f->src) || or_is_mapped_ipv4(f->dst))
		return 0;
	f->protocol = ip.nexthdr;
	f->tos = ip.priority << 4 | ip.flow_lbl[0] >> 4;
	f->ether = OR_ETHER_IPV6;
	f->flags |= OR_FRAME_IP;
	offset = or_walk_extensions(skb, f, offset, end);
	if (!offset || f->flags & OR_FRAME_NO_LAYER4)
		return offset;
	offset = or_parse_layer4(skb, f, offset, end);
	if (f->protocol == IPPROTO_ICMPV6 && !(f->flags & OR_FRAME_FRAGMENT) &&
	    f->icmp_type >= OR_ND_SOLICIT_ROUTER && f->icmp_type <= OR_ND_ADVERTISE &&
	    !f->icmp_code && ip.hop_limit == OR_ND_HOP_LIMIT)
		f->flags |= f->icmp_type == OR_ND_ADVERTISE_ROUTER ? OR_FRAME_RA : OR_FRAME_ND;
	return offset;
}

/* What the frame is on a wire. Segment counts are derived from gso_size: gso_segs is 0 for packets
 * of a tap. Each segment repeats the `headers` bytes in front of the payload. */
static __always_inline void or_measure(struct __sk_buff *skb, struct or_frame *f, __u32 headers)
{
	__u32 length = skb->len - f->outer, size = skb->gso_size, segments;

	/* A tag that stays takes room in the segment, as if it were among the bytes. */
	if (f->customer_vlan) {
		length += OR_VLAN_HLEN;
		headers += OR_VLAN_HLEN;
	}
	f->wire_bytes = length;
	f->wire_packets = 1;
	f->l3_length = length - OR_ETH_HLEN;
	if (!size)
		return;
	if (size == OR_GSO_BY_FRAGS) {
		segments = skb->gso_segs;
		f->l3_length = 0; /* the sender's stack has cut to its path MTU */
	} else {
		segments = (length - headers + size - 1) / size;
		f->l3_length = headers - OR_ETH_HLEN + size;
		if (f->l3_length > length - OR_ETH_HLEN)
			f->l3_length = length - OR_ETH_HLEN;
	}
	if (segments > 1) {
		f->wire_packets = segments;
		f->wire_bytes += (__u64)(segments - 1) * headers;
	}
}

/* Fills everything but vni, port and VLANs, which come first (vlan.h). 0, or the reason to drop the
 * frame; wire_packets and wire_bytes are valid in either case. Global, as or_parse_layer4(). */
__noinline __u32 or_parse(struct __sk_buff *skb, struct or_frame *f)
{
	struct ethhdr eth;
	__u32 payload = OR_ETH_HLEN;

	if (!f)
		return OR_DROP_MALFORMED;
	f->wire_packets = 1;
	f->wire_bytes = skb->len;
	if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)))
		return OR_DROP_MALFORMED;
	__builtin_memcpy(f->eth_dst, eth.h_dest, 6);
	__builtin_memcpy(f->eth_src, eth.h_source, 6);
	f->ether_type = bpf_ntohs(eth.h_proto);
	if (or_is_multicast(f->eth_src))
		return OR_DROP_MALFORMED;
	/* vlan.h has taken off what may be there; rules must not be blinded by more. */
	if (f->ether_type == OR_ETH_P_8021Q || f->ether_type == OR_ETH_P_8021AD)
		return OR_DROP_VLAN_TAGGED;
	if (f->ether_type == OR_ETH_P_IPV4)
		payload = or_parse_ipv4(skb, f);
	else if (f->ether_type == OR_ETH_P_IPV6)
		payload = or_parse_ipv6(skb, f);
	else if (f->ether_type == OR_ETH_P_ARP || f->ether_type == OR_ETH_P_RARP)
		payload = or_parse_arp(skb, f);
	if (!payload)
		return OR_DROP_MALFORMED;
	or_measure(skb, f, payload);
	return 0;
}

#endif /* OUTRIDER_BPF_PARSE_H_ */
